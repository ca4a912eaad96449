// Under which name the calls of a caller are counted.
import { createHash } from 'node:crypto'
import type { Principal } from '../core/credentials.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** A person counts once over all tokens, a service once per token, for whomever it acts; tokens themselves are not kept. */
export function callerName(principal: Principal, headers: Headers): string {
  if (principal.kind === 'service') return `service:${fingerprint(headers['x-internal-token'])}`
  return principal.teacherId === undefined ? principal.kind : `${principal.kind}:${principal.teacherId}`
}

const fingerprint = (token: string | string[] | undefined): string =>
  createHash('sha256').update(String(token)).digest('base64url').slice(0, 16)
