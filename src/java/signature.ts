// The signature on what we report to the Java backend. How the backend verifies it: docs/callback-signature.md.
import { createHmac } from 'node:crypto'

/**
 * `v1=` and the lower-case hex HMAC-SHA256 of `<event id>.<unix seconds>.<body>`, keyed with the secret's UTF-8 bytes.
 * The time is signed so that an old message cannot be sent again as a new one. Scheme: Standard Webhooks, with hex and our header names.
 */
export function callbackSignature(secret: string, eventId: string, timestamp: number, body: string): string {
  return `v1=${createHmac('sha256', secret).update(`${eventId}.${timestamp}.${body}`, 'utf8').digest('hex')}`
}
