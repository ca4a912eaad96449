// Who is calling: turns the three credential headers of a request into a Principal, or refuses them.
// The ways in (HTTP, MCP) call `authenticate` once per request; what the principal may do is theirs to decide.
import { createHash, timingSafeEqual } from 'node:crypto'
import { ADMIN_ROLE, bearerToken, principal, rolesOf, teacherIdOf, type Principal, type TokenIdentity } from '../core/credentials.ts'
import { AppError } from '../core/errors.ts'
import { createIntrospection } from './identity/introspection.ts'
import type { IdentitySettings } from './identity/settings.ts'
import { createTokenVerifier } from './identity/token-verifier.ts'

type Header = string | readonly string[] | undefined

/** As Node gives them: a repeated header is a list and is refused. */
export type CredentialHeaders = { readonly authorization?: Header; readonly 'x-internal-token'?: Header; readonly 'x-admin-token'?: Header }

export type Identity = {
  /**
   * Every credential presented must be good, also in development; one bad one refuses the call. With several, see `Principal`.
   *
   * @throws AppError `unauthorized`; `java_unavailable` when nobody could be asked about the token, which says nothing
   *   against it: the caller should keep its token and try again, as it would not after a 401.
   */
  authenticate(headers: CredentialHeaders, signal: AbortSignal): Promise<Principal>
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** Whether the presented text is one of the known ones, in a time that depends on neither. */
function oneOf(known: readonly Buffer[]): (presented: string) => boolean {
  return (presented) => {
    const hashed = digest(presented)
    return known.reduce((found, each) => timingSafeEqual(each, hashed) || found, false)
  }
}

/** The one value of a header; undefined when it was not sent or is empty. */
function single(header: Header): string | undefined {
  if (header === undefined || typeof header === 'string') return header === '' ? undefined : header
  if (header.length > 1) throw new AppError('unauthorized', 'Each credential header may be sent only once.')
  return single(header[0])
}

/**
 * Checks the settings that are present, so that a bad key stops the start and not the first caller.
 *
 * @throws AppError `invalid_request` naming the setting that cannot be used.
 */
export function createIdentity(settings: IdentitySettings): Identity {
  const isAdminToken = oneOf(known([settings.adminToken]))
  const isInternalToken = oneOf(known(settings.internalTokens ?? []))
  const verifier = createTokenVerifier(settings)
  const introspection = settings.introspectionUrl === undefined ? undefined : createIntrospection(settings.introspectionUrl, settings.now)

  async function identify(token: string, signal: AbortSignal): Promise<TokenIdentity> {
    if (verifier.covers(token)) {
      const claims = await verifier.verify(token, signal)
      return { teacherId: teacherIdOf(claims, settings.teacherClaim), roles: rolesOf(claims[settings.rolesClaim ?? 'roles']) }
    }
    if (introspection === undefined) throw new AppError('unauthorized', 'The token is not of a kind this service accepts.')
    return introspection(token, signal)
  }

  return {
    async authenticate(headers, signal) {
      const admin = single(headers['x-admin-token'])
      const internal = single(headers['x-internal-token'])
      const authorization = single(headers.authorization)
      if (admin !== undefined && !isAdminToken(admin)) throw new AppError('unauthorized', 'The admin token is not valid.')
      if (internal !== undefined && !isInternalToken(internal)) throw new AppError('unauthorized', 'The internal token is not valid.')
      const proven = admin !== undefined ? 'admin' : internal !== undefined ? 'service' : undefined
      if (authorization === undefined) return proven === undefined ? withoutCredential(settings.development) : principal(proven)
      const token = bearerToken(authorization)
      if (token === undefined) throw new AppError('unauthorized', 'The Authorization header must be "Bearer" and a token of at most 8 KB.')
      return ofToken(token, await identify(token, signal), proven)
    },
  }
}

function known(tokens: readonly (string | undefined)[]): Buffer[] {
  return tokens.filter((token) => token !== undefined && token !== '').map((token) => digest(token ?? ''))
}

function withoutCredential(development: boolean): Principal {
  if (!development) throw new AppError('unauthorized')
  return principal('admin', { teacherId: 'dev' })
}

function ofToken(token: string, { teacherId, roles }: TokenIdentity, proven: 'admin' | 'service' | undefined): Principal {
  const kind = proven === 'admin' || roles.includes(ADMIN_ROLE) ? 'admin' : (proven ?? 'teacher')
  if (teacherId === undefined && kind === 'teacher') {
    throw new AppError('unauthorized', 'The token names no teacher: its id claim must be 1 to 64 letters, digits, _ or -.')
  }
  return principal(kind, { teacherId, roles, token })
}
