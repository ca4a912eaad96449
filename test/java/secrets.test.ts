import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createVault } from '../../src/java/secrets.ts'

const KEY = randomBytes(32)
const vault = createVault(KEY.toString('hex'))

describe('a sealed secret', () => {
  test('opens to what it was, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (secret, workspace) => {
        expect(vault.open(vault.seal(secret, workspace), workspace)).toBe(secret)
      }),
    )
  })

  test('does not open in another workspace', () => {
    expect(() => vault.open(vault.seal('jwt', 'teacher-1'), 'teacher-2')).toThrow(
      expect.objectContaining({ code: 'internal_error' }) as Error,
    )
  })

  test('does not open under another key', () => {
    expect(() => createVault(randomBytes(32).toString('hex')).open(vault.seal('jwt', 'teacher-1'), 'teacher-1')).toThrow(/SECRETS_KEY/)
  })

  test('does not open when any one byte was changed or is missing', () => {
    const sealed = vault.seal('jwt', 'teacher-1')
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => vault.open(changed, 'teacher-1')).toThrow(expect.objectContaining({ code: 'internal_error' }) as Error)
      expect(() => vault.open(sealed.subarray(0, at), 'teacher-1')).toThrow(expect.objectContaining({ code: 'internal_error' }) as Error)
    }
  })

  test('shows nothing of its content and is never the same twice', () => {
    const sealed = [vault.seal('eyJhbGciOi', 'teacher-1'), vault.seal('eyJhbGciOi', 'teacher-1')]
    expect(sealed[0]?.equals(sealed[1] ?? Buffer.of())).toBe(false)
    expect(Buffer.concat(sealed).includes('eyJ')).toBe(false)
  })
})

describe('SECRETS_KEY', () => {
  test.each([KEY.toString('hex').toUpperCase(), KEY.toString('base64'), KEY.toString('base64url'), ` ${KEY.toString('base64')}\n`])(
    'of 32 bytes is the same key in every notation',
    (same) => {
      expect(createVault(same).open(vault.seal('jwt', 'public'), 'public')).toBe('jwt')
    },
  )

  test('may be a passphrase, which gives the same key in every process', () => {
    const sealed = createVault('correct horse battery').seal('jwt', 'public')
    expect(createVault('correct horse battery').open(sealed, 'public')).toBe('jwt')
    expect(() => createVault('correct horse batterz').open(sealed, 'public')).toThrow(/SECRETS_KEY/)
  })

  test.each(['', 'short', 'x'.repeat(15), ' '.repeat(40)])('%j is too short', (key) => {
    expect(() => createVault(key)).toThrow(expect.objectContaining({ code: 'invalid_request' }) as Error)
  })
})
