// Delivers the events of knowledge releases to one configured address, signed like our callbacks.
import type { CallbackOutcome, EventWebhook } from '../ports/java.ts'
import { faultName, isTransient } from './http.ts'
import { callbackSignature } from './signature.ts'

const TIMEOUT_MS = 15_000

export type WebhookSettings = { url: string; /** Signs when it is set. */ secret: string | undefined }

export function createEventWebhook({ url, secret }: WebhookSettings): EventWebhook {
  return {
    deliver: async ({ eventId, body, timestamp }, signal): Promise<CallbackOutcome> => {
      const text = JSON.stringify(body)
      const signed = secret === undefined ? {} : { 'x-signature': callbackSignature(secret, eventId, timestamp, text) }
      const headers = { 'content-type': 'application/json', 'x-event-id': eventId, 'x-timestamp': String(timestamp), ...signed }
      try {
        const reply = await fetch(url, {
          method: 'POST',
          headers,
          body: text,
          redirect: 'manual',
          signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
        })
        await reply.body?.cancel()
        return outcomeOf(reply.status, Number(reply.headers.get('retry-after')))
      } catch (error) {
        signal.throwIfAborted()
        return { status: 'retry', reason: `the receiver of events cannot be reached: ${faultName(error)}` }
      }
    },
  }
}

function outcomeOf(status: number, retryAfter: number): CallbackOutcome {
  if (status >= 200 && status < 300) return { status: 'delivered' }
  const reason = `the receiver of events answered ${status}`
  if (isTransient(status)) return { status: 'retry', reason, ...(retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {}) }
  return status === 401 || status === 403 ? { status: 'unauthorized', reason } : { status: 'rejected', reason }
}
