// How bytes reach a model server: one keep-alive pool for all of them, and a fetch that bounds every attempt in time and
// size including its body (the SDK's own timeout ends at the headers), and tells the flow control what the server said.
import { AsyncLocalStorage } from 'node:async_hooks'
import { Agent, fetch as undiciFetch } from 'undici'
import type { RequestInit as UndiciRequestInit } from 'undici'

/** Larger replies are an error: 256 embeddings of 4,096 numbers are 20 MB as text. */
const MAX_REPLY_BYTES = 64 * 1024 * 1024
/** A server that asks for more patience than this is not waited for inside a call; the job comes back later. */
const LONGEST_WAIT_SECONDS = 20

const POOL = new Agent({
  connections: 128,
  pipelining: 1,
  keepAliveTimeout: 30_000,
  headersTimeout: 0,
  bodyTimeout: 0,
  connect: { timeout: 10_000 },
})

/** One request on the wire; status 0 is a network fault or a timeout. */
type Attempt = { status: number; ms: number; retryAfterSeconds: number | undefined }

/** Called once per attempt, also for those the SDK repeats by itself. */
export type AttemptObserver = (attempt: Attempt) => void

const observers = new AsyncLocalStorage<AttemptObserver>()

/** Runs a call whose attempts are reported to `observer`. */
export function observingAttempts<T>(observer: AttemptObserver, call: () => Promise<T>): Promise<T> {
  return observers.run(observer, call)
}

/** The reply is not what the protocol promises; retried by the SDK like a broken connection. */
export class BadReply extends Error {
  override readonly name = 'BadReply'
}

/** A `fetch` for one endpoint. @param timeoutMs one attempt until its last byte; for an event stream, until its headers. */
export function modelFetch(timeoutMs: number): typeof fetch {
  const bounded = async (url: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const started = performance.now()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(new DOMException('The model server timed out.', 'TimeoutError')), timeoutMs)
    const signal = init?.signal ? AbortSignal.any([init.signal, deadline.signal]) : deadline.signal
    try {
      const response = await undiciFetch(url as string | URL, { ...(init as unknown as UndiciRequestInit), signal, dispatcher: POOL })
      const complete = await completed(response)
      const retryAfterSeconds = complete.status === 429 ? retryAfter(complete.headers) : undefined
      observers.getStore()?.({ status: complete.status, ms: performance.now() - started, retryAfterSeconds })
      return complete
    } catch (error) {
      if (!init?.signal?.aborted) observers.getStore()?.({ status: 0, ms: performance.now() - started, retryAfterSeconds: undefined })
      throw deadline.signal.aborted ? deadline.signal.reason : error
    } finally {
      clearTimeout(timer)
    }
  }
  return bounded
}

/** Reads everything but event streams to the end, checks that JSON is JSON, and marks a wait that is too long as final. */
async function completed(response: Response): Promise<Response> {
  const type = response.headers.get('content-type') ?? ''
  if (response.ok && type.includes('text/event-stream')) return response
  const body = await limitedText(response)
  if (response.ok && type.includes('json')) assertJson(body)
  const headers = new Headers(response.headers)
  headers.delete('content-encoding')
  headers.delete('content-length')
  if ((retryAfter(headers) ?? 0) > LONGEST_WAIT_SECONDS) headers.set('x-should-retry', 'false')
  return new Response([204, 205, 304].includes(response.status) ? null : body, { status: response.status, headers })
}

/** `Retry-After` in seconds, from a number or a date; undefined when it is missing or senseless. */
export function retryAfter(headers: Headers | undefined, now = Date.now()): number | undefined {
  const raw = headers?.get('retry-after')
  if (!raw) return undefined
  const seconds = Number.isNaN(Number(raw)) ? (Date.parse(raw) - now) / 1000 : Number(raw)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : undefined
}

function assertJson(body: string): void {
  try {
    JSON.parse(body)
  } catch (cause) {
    throw new BadReply('The reply is not complete JSON.', { cause })
  }
}

async function limitedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  if (!response.body) return text
  for await (const piece of response.body) {
    bytes += piece.byteLength
    if (bytes > MAX_REPLY_BYTES) throw new BadReply('The reply is too large.')
    text += decoder.decode(piece, { stream: true })
  }
  return text + decoder.decode()
}
