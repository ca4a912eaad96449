// Asks the Java backend who a token belongs to, for backends that share no key: GET with the bearer, answers cached 60 s.
import { createHash } from 'node:crypto'
import { asTeacherId, parseExactJson, rolesOf, type TokenIdentity } from '../../core/credentials.ts'
import { AppError } from '../../core/errors.ts'
import { fetchText, whileWanted } from './fetch-json.ts'

const CACHE_MS = 60_000
/** About 2 MB of hashes and ids; the least recently used goes first. */
const CACHE_ENTRIES = 10_000
const TIMEOUT_MS = 5_000
const MAX_BYTES = 64 * 1024

const unavailable = (cause?: unknown) =>
  new AppError('java_unavailable', 'The Java backend could not be asked about this token; try again.', { cause })
const refused = () => new AppError('unauthorized', 'The Java backend does not accept this token.')

/**
 * Valid is HTTP 200 with `code` 200 and a usable `data.id`. Any other refusal is 401; silence, 408, 429, 5xx and nonsense
 * are `java_unavailable`. Refusals are not cached, so a token is good from the moment the backend says so.
 */
export function createIntrospection(url: string, now: () => number): (token: string, signal: AbortSignal) => Promise<TokenIdentity> {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(url))
    throw new AppError('invalid_request', 'JWT_INTROSPECTION_URL must be an http or https address.')
  const cache = new Map<string, { identity: TokenIdentity; until: number }>()
  const asking = new Map<string, Promise<TokenIdentity>>()

  function cached(key: string): TokenIdentity | undefined {
    const entry = cache.get(key)
    cache.delete(key)
    if (entry === undefined || entry.until <= now()) return undefined
    cache.set(key, entry)
    return entry.identity
  }

  async function ask(token: string, key: string): Promise<TokenIdentity> {
    try {
      const identity = await introspect(url, token)
      cache.set(key, { identity, until: now() + CACHE_MS })
      const oldest = cache.keys().next()
      if (cache.size > CACHE_ENTRIES && oldest.done !== true) cache.delete(oldest.value)
      return identity
    } finally {
      asking.delete(key)
    }
  }

  return (token, signal) => {
    const key = createHash('sha256').update(token).digest('base64')
    const identity = cached(key)
    if (identity !== undefined) return Promise.resolve(identity)
    const work = asking.get(key) ?? ask(token, key)
    asking.set(key, work)
    return whileWanted(work, signal)
  }
}

async function introspect(url: string, token: string): Promise<TokenIdentity> {
  const answer = await fetchText(url, { headers: { authorization: `Bearer ${token}` }, maxBytes: MAX_BYTES, timeoutMs: TIMEOUT_MS }).catch(
    (error: unknown) => {
      throw unavailable(error)
    },
  )
  if (isUnavailable(answer.status)) throw unavailable()
  if (answer.status !== 200) throw refused()
  const body = asRecord(parsed(answer.text))
  const code = Number(body?.['code'])
  if (body === undefined || isUnavailable(code)) throw unavailable()
  const subject = asRecord(body['data'])
  const teacherId = asTeacherId(subject?.['id'])
  if (code !== 200 || teacherId === undefined) throw refused()
  return { teacherId, roles: rolesOf(subject?.['roles']) }
}

const isUnavailable = (status: number) => status === 408 || status === 429 || status >= 500

function parsed(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch (error) {
    throw unavailable(error)
  }
}

function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
}
