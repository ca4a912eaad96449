import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { callbackSignature } from '../../src/java/signature.ts'

const DOCUMENT = readFileSync(new URL('../../docs/callback-signature.md', import.meta.url), 'utf8')

/** The value of a row of the document's last table. */
function documented(name: string): string {
  const row = DOCUMENT.slice(DOCUMENT.indexOf('## To check'))
    .split('\n')
    .find((line) => line.startsWith(`| ${name} |`))
  return row?.split('`').at(-2) ?? ''
}

test('the documented example is what is sent', () => {
  const signature = callbackSignature(
    documented('secret'),
    documented('`X-Event-Id`'),
    Number(documented('`X-Timestamp`')),
    documented('body'),
  )
  expect(signature).toMatch(/^v1=[0-9a-f]{64}$/)
  expect(documented('`X-Signature`')).toBe(signature)
})

test('changing any part changes the signature', () => {
  const signatures = [
    callbackSignature('s', 'id', 1, 'body'),
    callbackSignature('t', 'id', 1, 'body'),
    callbackSignature('s', 'ie', 1, 'body'),
    callbackSignature('s', 'id', 2, 'body'),
    callbackSignature('s', 'id', 1, 'bodz'),
  ]
  expect(new Set(signatures).size).toBe(signatures.length)
})
