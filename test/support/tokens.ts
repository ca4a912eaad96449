// Makes keys and JWTs for tests: what a backend's sign-in would issue, and what an attacker would try.
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { exportJWK, SignJWT, type JWK } from 'jose'

export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA'

export type TestKey = { alg: SigningAlgorithm; kid: string; privateKey: KeyObject; publicKey: KeyObject; publicPem: string; jwk: JWK }

/** A fresh key pair; `jwk` is its public half as a JWKS member. */
export async function makeKey(alg: SigningAlgorithm, kid = `key-${alg}`): Promise<TestKey> {
  const { privateKey, publicKey } = keyPair(alg)
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { alg, kid, privateKey, publicKey, publicPem: String(publicKey.export({ type: 'spki', format: 'pem' })), jwk }
}

function keyPair(alg: SigningAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  if (alg === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 })
  return alg === 'ES256' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519')
}

export type Claims = Record<string, unknown>

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600

/** A JWT signed by a key pair; expires in an hour unless the claims say otherwise (`exp: undefined` leaves it out). */
export async function signToken(key: TestKey, claims: Claims = {}, header: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT({ exp: inAnHour(), ...claims }).setProtectedHeader({ alg: key.alg, kid: key.kid, ...header }).sign(key.privateKey)
}

/** A JWT signed with a shared secret (HS256), its claims as `signToken` takes them. */
export function signWithSecret(secret: string | Buffer, claims: Claims = {}, header: Record<string, unknown> = {}): string {
  return signRaw(secret, JSON.stringify({ alg: 'HS256', ...header }), JSON.stringify({ exp: inAnHour(), ...claims }))
}

/** An HS256 token over exactly these texts, valid JSON or not: for what no honest library would write. */
export function signRaw(secret: string | Buffer, header: string, payload: string): string {
  const signed = `${base64url(header)}.${base64url(payload)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** A token nobody signed. */
export function unsigned(alg: unknown, claims: Claims = {}, signature = ''): string {
  return `${base64url(JSON.stringify({ alg, typ: 'JWT' }))}.${base64url(JSON.stringify({ exp: inAnHour(), ...claims }))}.${signature}`
}

const base64url = (text: string) => Buffer.from(text, 'utf8').toString('base64url')

/** The shared secret of tests, 44 bytes. */
export const TEST_SECRET = 'a-shared-secret-of-tests-that-is-long-enough'

/** The JWT of a teacher, signed with `TEST_SECRET`. */
export const teacherToken = (teacherId: string | number, claims: Claims = {}) => signWithSecret(TEST_SECRET, { teacherId, ...claims })
