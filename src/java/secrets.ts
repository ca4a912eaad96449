// Keeps short secrets (a JWT that waits for its callback) unreadable at rest: AES-256-GCM under SECRETS_KEY.
import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto'
import { AppError } from '../core/errors.ts'

/**
 * Layout of a sealed secret: version (1 byte, 0x01), nonce (12), tag (16), ciphertext. The version is authenticated with the
 * context. Random 96-bit nonces under one key are safe for 2^32 secrets (NIST SP 800-38D, section 8.3).
 */
const VERSION = 1
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32
const MIN_PASSPHRASE = 16

/**
 * The salt of passphrases is fixed, so that every process of one deployment derives the same key with nothing to share
 * but the setting. A random key (`openssl rand -base64 32`) needs no derivation and is the better choice.
 */
const PASSPHRASE_SALT = 'insight-rag/secrets-key/v1'
/** About 32 MB and a tenth of a second, once per start (OWASP's recommendation of 2^17 fits an interactive password, not this). */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }

export type Vault = {
  /** @param context what the secret belongs to (the workspace); opening under another context fails. */
  seal(secret: string, context: string): Buffer
  /** @throws AppError `internal_error` when the bytes were changed, or sealed under another key or context. */
  open(sealed: Uint8Array, context: string): string
}

/**
 * @param key `SECRETS_KEY`: 32 bytes in hex or base64 (also base64url), else a passphrase of at least 16 characters.
 * @throws AppError `invalid_request` for anything shorter.
 */
export function createVault(key: string): Vault {
  const secretKey = keyBytes(key.trim())
  const bound = (context: string) => Buffer.from(`v${VERSION}\0${context}`, 'utf8')

  return {
    seal(secret, context) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', secretKey, nonce, { authTagLength: TAG_BYTES }).setAAD(bound(context))
      const hidden = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), hidden])
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed)
      const [nonce, tag, hidden] = [
        bytes.subarray(1, 1 + NONCE_BYTES),
        bytes.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES),
        bytes.subarray(1 + NONCE_BYTES + TAG_BYTES),
      ]
      if (bytes[0] !== VERSION || tag.length !== TAG_BYTES)
        throw new AppError('internal_error', 'A stored secret is not in a form this version can read.')
      try {
        const decipher = createDecipheriv('aes-256-gcm', secretKey, nonce, { authTagLength: TAG_BYTES })
          .setAAD(bound(context))
          .setAuthTag(tag)
        return Buffer.concat([decipher.update(hidden), decipher.final()]).toString('utf8')
      } catch (error) {
        throw new AppError('internal_error', 'A stored secret cannot be opened; SECRETS_KEY has changed or the row was altered.', {
          cause: error,
        })
      }
    },
  }
}

function keyBytes(key: string): Buffer {
  if (/^[0-9a-f]{64}$/i.test(key)) return Buffer.from(key, 'hex')
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(key)) return Buffer.from(key, 'base64')
  if (key.length < MIN_PASSPHRASE) {
    throw new AppError(
      'invalid_request',
      `SECRETS_KEY must be ${KEY_BYTES} bytes in hex or base64, or a passphrase of at least ${MIN_PASSPHRASE} characters.`,
    )
  }
  return scryptSync(key, PASSPHRASE_SALT, KEY_BYTES, SCRYPT)
}
