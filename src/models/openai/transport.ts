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

/** Streams that ended with the protocol's own end mark; many small servers send it and no finish_reason. */
const ENDED = new WeakSet<Response>()

/** Whether a stream, read to its end, was ended by the server and not by the network. */
export const endedByServer = (response: Response): boolean => ENDED.has(response)

/** Base addresses without a path whose server turned out to keep the protocol under /v1. */
const UNDER_V1 = new Set<string>()

/**
 * A `fetch` for one endpoint.
 * @param baseUrl   an address without a path may mean the server's root or its /v1: where the root answers 404, /v1 is asked.
 * @param timeoutMs one attempt until its last byte; for an event stream, until its headers.
 */
export function modelFetch(baseUrl: string, timeoutMs: number): typeof fetch {
  const root = new URL(baseUrl)
  const isBare = root.pathname === '/'
  const underV1 = (url: string): string => url.replace(root.origin, `${root.origin}/v1`)
  const attempt = bounded(timeoutMs)
  const found: typeof attempt = async (url, init) => {
    if (!isBare || !url.startsWith(root.origin)) return attempt(url, init)
    if (UNDER_V1.has(root.origin)) return attempt(underV1(url), init)
    const response = await attempt(url, init)
    if (response.status !== 404 && response.status !== 405) return response
    const other = await attempt(underV1(url), init)
    if (other.status === 404 || other.status === 405) return response
    UNDER_V1.add(root.origin)
    return other
  }
  return (url: string | URL | Request, init?: RequestInit) => found(url instanceof Request ? url.url : String(url), init)
}

function bounded(timeoutMs: number): (url: string, init?: RequestInit) => Promise<Response> {
  return async (url, init) => {
    const started = performance.now()
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(new DOMException('The model server timed out.', 'TimeoutError')), timeoutMs)
    const signal = init?.signal ? AbortSignal.any([init.signal, deadline.signal]) : deadline.signal
    try {
      const response = await undiciFetch(url, { ...(init as unknown as UndiciRequestInit), signal, dispatcher: POOL })
      const complete = await completed(response, typeof init?.body === 'string' && STREAMED.test(init.body))
      const retryAfterSeconds = complete.status === 429 || complete.status === 503 ? retryAfter(complete.headers) : undefined
      observers.getStore()?.({ status: complete.status, ms: performance.now() - started, retryAfterSeconds })
      return complete
    } catch (error) {
      if (!init?.signal?.aborted) observers.getStore()?.({ status: 0, ms: performance.now() - started, retryAfterSeconds: undefined })
      throw deadline.signal.aborted ? deadline.signal.reason : error
    } finally {
      clearTimeout(timer)
    }
  }
}

/** In a request body. */
const STREAMED = /"stream":\s*true/

/**
 * Reads everything but event streams to the end, checks that JSON is JSON whatever the server calls it, and marks a wait that is
 * too long as final. A whole reply where a stream was asked for becomes a stream of one piece.
 */
async function completed(response: Response, streamed: boolean): Promise<Response> {
  const type = response.headers.get('content-type') ?? ''
  if (response.ok && type.includes('text/event-stream')) return watched(response)
  const body = await limitedText(response)
  const value = response.ok ? readJson(body, type.includes('json')) : undefined
  const headers = new Headers(response.headers)
  headers.delete('content-encoding')
  headers.delete('content-length')
  if (value !== undefined) headers.set('content-type', 'application/json')
  if ((retryAfter(headers) ?? 0) > LONGEST_WAIT_SECONDS) headers.set('x-should-retry', 'false')
  const text = (streamed ? asStream(value) : undefined) ?? body
  const whole = new Response([204, 205, 304].includes(response.status) ? null : text, { status: response.status, headers })
  if (streamed && /^data:\s*\[DONE\]/m.test(text)) ENDED.add(whole)
  return whole
}

/** A stream that is passed on as it comes, with an eye on its last line. */
function watched(response: Response): Response {
  if (!response.body) return response
  const decoder = new TextDecoder('latin1')
  let tail = ''
  const eye = new TransformStream<Uint8Array, Uint8Array>({
    transform(piece, controller) {
      tail = (tail + decoder.decode(piece, { stream: true })).slice(-4096)
      if (/^data:\s*\[DONE\]/m.test(tail)) ENDED.add(passed)
      controller.enqueue(piece)
    },
  })
  const passed = new Response(response.body.pipeThrough(eye), { status: response.status, headers: response.headers })
  return passed
}

/** A whole chat completion in the form of a stream; undefined when it is none. */
function asStream(value: unknown): string | undefined {
  const reply = value as { choices?: { message?: { content?: unknown }; finish_reason?: unknown }[]; usage?: unknown } | undefined
  const choice = Array.isArray(reply?.choices) ? reply.choices[0] : undefined
  if (!choice?.message) return undefined
  const piece = { ...reply, choices: [{ index: 0, delta: choice.message, finish_reason: choice.finish_reason ?? 'stop' }] }
  return `data: ${JSON.stringify(piece)}\n\ndata: [DONE]\n\n`
}

/** `Retry-After` in seconds, from a number or a date; undefined when it is missing or senseless. */
export function retryAfter(headers: Headers | undefined, now = Date.now()): number | undefined {
  const raw = headers?.get('retry-after')
  if (!raw) return undefined
  const seconds = Number.isNaN(Number(raw)) ? (Date.parse(raw) - now) / 1000 : Number(raw)
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : undefined
}

/** Undefined where a reply that does not call itself JSON is none. @throws BadReply */
function readJson(body: string, isDeclared: boolean): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    if (!isDeclared) return undefined
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
