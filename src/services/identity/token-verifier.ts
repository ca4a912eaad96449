// Verifies JWTs with configured keys. What is accepted follows from the keys: a token chooses among them, never beyond them.
import { createPublicKey, type KeyObject } from 'node:crypto'
import { decodeProtectedHeader, errors, jwtVerify, type CryptoKey, type JWTHeaderParameters } from 'jose'
import { ASYMMETRIC_ALGORITHMS, hasRepeatedKey, parseExactJson, type TokenAlgorithm } from '../../core/credentials.ts'
import { AppError } from '../../core/errors.ts'
import { createKeySet } from './key-set.ts'
import type { IdentitySettings } from './settings.ts'

const SKEW_SECONDS = 60
const MIN_SECRET_BYTES = 32
const MIN_RSA_BITS = 2048

type Key = CryptoKey | KeyObject | Uint8Array
/** Keys that may have signed a token with this header. Fixed keys give one or none, a key set asks its provider. */
type KeySource = (header: JWTHeaderParameters, signal: AbortSignal) => Promise<Key[]>
type Claims = Readonly<Record<string, unknown>>

export type TokenVerifier = {
  /**
   * Whether a configured key decides over this token. An opaque token or one of another algorithm is not covered.
   * @throws AppError `unauthorized` for a token that declares itself unsigned, so that nobody else is asked about it.
   */
  covers(token: string): boolean
  /** @throws AppError `unauthorized` saying what is wrong; `java_unavailable` when the keys cannot be obtained. */
  verify(token: string, signal: AbortSignal): Promise<Claims>
}

export function createTokenVerifier(settings: IdentitySettings): TokenVerifier {
  const sources = keySources(settings)
  const algorithms = new Set(sources.flatMap((source) => source.algorithms as readonly string[]))

  return {
    covers(token) {
      const header = headerOf(token)
      if (header !== undefined && !isSigned(header)) throw new AppError('unauthorized', 'An unsigned token is not accepted.')
      return header !== undefined && algorithms.has(String(header.alg))
    },
    async verify(token, signal) {
      const header = headerOf(token)
      if (header === undefined || !isAccessToken(header)) throw new AppError('unauthorized', 'The token is not an access token.')
      for (const source of sources) {
        if (!(source.algorithms as readonly string[]).includes(header.alg)) continue
        for (const key of await source.keys(header, signal)) {
          if (await verifiesWith(token, key, header.alg, settings)) return claimsOf(token)
        }
      }
      throw new AppError('unauthorized', 'The token is not signed by a key this service trusts.')
    },
  }
}

function headerOf(token: string): JWTHeaderParameters | undefined {
  if (token.split('.').length !== 3) return undefined
  try {
    return decodeProtectedHeader(token) as JWTHeaderParameters
  } catch {
    return undefined // An opaque token that happens to hold two dots.
  }
}

function isSigned({ alg }: JWTHeaderParameters): boolean {
  return typeof alg === 'string' && alg !== '' && alg.toLowerCase() !== 'none'
}

/** A type other than a plain or access-token JWT was issued for another purpose (RFC 8725, section 3.11). */
function isAccessToken({ typ }: JWTHeaderParameters): boolean {
  if (typ === undefined) return true
  return typeof typ === 'string' && ['jwt', 'at+jwt'].includes(typ.toLowerCase().replace(/^application\//, ''))
}

/** False when the signature is another key's; throws when it is this key's and the claims do not hold. */
async function verifiesWith(token: string, key: Key, algorithm: string, settings: IdentitySettings): Promise<boolean> {
  const nowMs = settings.now()
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      clockTolerance: SKEW_SECONDS,
      currentDate: new Date(nowMs),
      requiredClaims: ['exp'],
      ...(settings.issuer === undefined ? {} : { issuer: settings.issuer }),
      ...(settings.audience === undefined ? {} : { audience: settings.audience }),
    })
    if (payload.iat !== undefined && payload.iat > nowMs / 1000 + SKEW_SECONDS)
      throw new AppError('unauthorized', 'The token is issued in the future.')
    return true
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) return false
    throw asUnauthorized(error)
  }
}

/** The library's errors carry the claims, so they are put into words here and not passed on as a cause. */
function asUnauthorized(error: unknown): unknown {
  if (error instanceof errors.JWTExpired) return new AppError('unauthorized', 'The token has expired.')
  if (error instanceof errors.JWTClaimValidationFailed)
    return new AppError('unauthorized', `The token's "${error.claim}" claim is missing or not acceptable.`)
  if (error instanceof errors.JOSEError || error instanceof TypeError) return new AppError('unauthorized', 'The token is not valid.')
  return error
}

/** The claims of a verified token, 64-bit ids intact. */
function claimsOf(token: string): Claims {
  const [header, payload] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString('utf8'))
  if (header === undefined || payload === undefined || hasRepeatedKey(header) || hasRepeatedKey(payload)) {
    throw new AppError('unauthorized', 'The token says something twice.')
  }
  return parseExactJson(payload) as Claims // jwtVerify has made sure of an object
}

type Source = { algorithms: readonly TokenAlgorithm[]; keys: KeySource }

function keySources({ publicKeyPem, secret, jwksUrl, now }: IdentitySettings): Source[] {
  const sources: Source[] = []
  if (publicKeyPem !== undefined) {
    const { key, algorithm } = publicKey(publicKeyPem)
    sources.push({ algorithms: [algorithm], keys: () => Promise.resolve([key]) })
  }
  if (secret !== undefined) {
    const bytes = Buffer.from(secret, 'utf8')
    if (bytes.length < MIN_SECRET_BYTES)
      throw new AppError('invalid_request', `JWT_SECRET must be at least ${MIN_SECRET_BYTES} bytes long.`)
    if (secret.includes('-----BEGIN'))
      throw new AppError('invalid_request', 'JWT_SECRET holds a PEM key; that belongs into JWT_PUBLIC_KEY.')
    sources.push({ algorithms: ['HS256'], keys: () => Promise.resolve([bytes]) })
  }
  if (jwksUrl !== undefined) {
    const keySet = createKeySet(jwksUrl, now)
    sources.push({ algorithms: ASYMMETRIC_ALGORITHMS, keys: (header, signal) => keySet.candidates(header, signal) })
  }
  return sources
}

/** Environment files often hold a PEM on one line with `\n` written out. */
function publicKey(pem: string): { key: KeyObject; algorithm: TokenAlgorithm } {
  const text = pem.replaceAll('\\n', '\n')
  if (text.includes('PRIVATE KEY'))
    throw new AppError('invalid_request', 'JWT_PUBLIC_KEY holds a private key; only its public half belongs here.')
  let key: KeyObject
  try {
    key = createPublicKey(text)
  } catch {
    throw new AppError('invalid_request', 'JWT_PUBLIC_KEY is not a public key or certificate in PEM.')
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS) return { key, algorithm: 'RS256' }
  if (type === 'ec' && details?.namedCurve === 'prime256v1') return { key, algorithm: 'ES256' }
  if (type === 'ed25519') return { key, algorithm: 'EdDSA' }
  throw new AppError('invalid_request', 'JWT_PUBLIC_KEY must be RSA of at least 2048 bits, EC P-256 or Ed25519.')
}
