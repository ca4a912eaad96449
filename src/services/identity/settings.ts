// The settings of identity as a plain object; src/config.ts reads them from the environment.
export type IdentitySettings = {
  jwksUrl?: string | undefined
  /** PEM of one public key or certificate: RSA (RS256), P-256 (ES256) or Ed25519 (EdDSA). */
  publicKeyPem?: string | undefined
  /** HS256; at least 32 bytes of UTF-8. */
  secret?: string | undefined
  /** The backend's `GET /api/auth/me`, asked about tokens whose algorithm no configured key covers. */
  introspectionUrl?: string | undefined
  issuer?: string | undefined
  audience?: string | undefined
  /** Default `teacherId`, which alone falls back to `sub`. */
  teacherClaim?: string | undefined
  /** Default `roles`. */
  rolesClaim?: string | undefined
  adminToken?: string | undefined
  internalTokens?: readonly string[]
  /** No auth setting at all: a call without credentials is an administrator whose workspace is `teacher-dev`. */
  development: boolean
  /** Milliseconds since 1970. */
  now: () => number
}
