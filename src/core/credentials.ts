// Who a caller is, once proven, and the pure rules by which claims become an identity.
// Proving (keys, clocks, network) is src/services/identity.ts; what each kind may do is decided by the ways in.
import { workspaceId, type WorkspaceId } from './workspace.ts'

export type PrincipalKind = 'teacher' | 'admin' | 'service'

/**
 * A proven caller. When several proofs come with one call the kind is the strongest of them (admin, service, teacher)
 * and the teacher, workspace and token are those of the bearer token.
 */
export type Principal = {
  readonly kind: PrincipalKind
  /** The caller's own id; absent for a service and for an administrator who is not a teacher. */
  readonly teacherId?: string
  /** The caller's own workspace; present exactly when `teacherId` is. */
  readonly workspace?: WorkspaceId
  /** Roles the token carries, as they are written there. */
  readonly roles: readonly string[]
  /** The raw bearer token, to be passed through to Java. Not enumerable: loggers, spreads and JSON do not see it. */
  readonly token?: string
}

/** A principal with its own workspace derived from the teacher id and its token out of sight of loggers. */
export function principal(
  kind: PrincipalKind,
  from: { teacherId?: string | undefined; roles?: readonly string[]; token?: string | undefined } = {},
): Principal {
  const { teacherId, roles = [], token } = from
  const made = { kind, roles, ...(teacherId === undefined ? {} : { teacherId, workspace: workspaceId(`teacher-${teacherId}`) }) }
  if (token !== undefined) Object.defineProperty(made, 'token', { value: token, enumerable: false })
  return made
}

/** What a bearer token says, by whichever way it was verified. */
export type TokenIdentity = { readonly teacherId: string | undefined; readonly roles: readonly string[] }

const TEACHER_ID = /^[A-Za-z0-9_-]{1,64}$/

/** A claim's value as a teacher id: a matching string, or a whole number as its decimal string; anything else is undefined. */
export function asTeacherId(value: unknown): string | undefined {
  const text = typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : value
  return typeof text === 'string' && TEACHER_ID.test(text) ? text : undefined
}

export const DEFAULT_TEACHER_CLAIM = 'teacherId'

/**
 * The teacher a set of claims speaks for. Only the default claim falls back to `sub`: a configured one names the id space,
 * and `sub` may belong to another. A claim that is present but no id is not replaced by another one either.
 */
export function teacherIdOf(claims: Readonly<Record<string, unknown>>, claim = DEFAULT_TEACHER_CLAIM): string | undefined {
  const named = claims[claim]
  if ((named === undefined || named === null) && claim === DEFAULT_TEACHER_CLAIM) return asTeacherId(claims['sub'])
  return asTeacherId(named)
}

/** Roles from a list of strings or one string with spaces or commas between them; anything else holds no role. */
export function rolesOf(value: unknown): string[] {
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((role) => role !== '')
  return Array.isArray(value) ? value.filter((role): role is string => typeof role === 'string') : []
}

export const ADMIN_ROLE = 'admin'

/** The algorithms this service knows; which of them it accepts follows from the configured keys alone. */
export type TokenAlgorithm = 'RS256' | 'ES256' | 'EdDSA' | 'HS256'
export const ASYMMETRIC_ALGORITHMS: readonly TokenAlgorithm[] = ['RS256', 'ES256', 'EdDSA']

/** Longer tokens are refused unread: 8 KB is what common proxies allow for a header. */
export const MAX_TOKEN_LENGTH = 8 * 1024

/** The credential of an `Authorization: Bearer …` header, or undefined when it is no single token68 of acceptable length (RFC 6750). */
export function bearerToken(header: string): string | undefined {
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i.exec(header)?.[1]
  return token !== undefined && token.length <= MAX_TOKEN_LENGTH ? token : undefined
}

/**
 * JSON whose whole numbers beyond 2^53 arrive as their decimal string. Backends issue 64-bit ids as JSON numbers,
 * and a rounded id would be another teacher's.
 *
 * @throws SyntaxError as JSON.parse does
 */
export function parseExactJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source
    return typeof value === 'number' && !Number.isSafeInteger(value) && source !== undefined && /^\d+$/.test(source) ? source : value
  })
}

/**
 * Whether an object in this valid JSON text names a key twice. Readers disagree on which one counts, so a signed
 * statement that does is refused (RFC 7519, section 4).
 */
export function hasRepeatedKey(json: string): boolean {
  const objects: (Set<string> | undefined)[] = []
  for (const [piece, key, colon] of json.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g)) {
    if (piece === '{') objects.push(new Set())
    else if (piece === '[') objects.push(undefined)
    else if (piece === '}' || piece === ']') objects.pop()
    else if (key !== undefined && colon !== undefined) {
      const name = String(JSON.parse(key))
      const keys = objects.at(-1)
      if (keys?.has(name) === true) return true
      keys?.add(name)
    }
  }
  return false
}
