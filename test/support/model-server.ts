// A real HTTP server that speaks the OpenAI protocol (chat, streamed chat, embeddings) and both rerank protocols, counts what it
// was asked, and misbehaves on demand. Runs inside a test or, for benches, in its own process: `node test/support/model-server.ts --port 0`.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { countTokens, defaultReply, hashedVector, messageText, overlap } from './model-replies.ts'
import type { ChatBody } from './model-replies.ts'

export type Route = 'chat' | 'embeddings' | 'rerank'

/** One way to misbehave. `stall` sends the beginning and then nothing; `garbage` is a stream of nonsense; `reset` cuts the connection. */
export type Fault =
  | { kind: 'status'; status: number; retryAfter?: number | string; retryAfterMs?: number; code?: string; message?: string }
  | { kind: 'delay'; ms: number }
  | { kind: 'half-json' | 'html' | 'stall' | 'garbage' | 'other-schema' | 'reset' | 'break-off' }

export type RouteStats = {
  calls: number
  succeeded: number
  faults: number
  inputTokens: number
  outputTokens: number
  inFlight: number
  peakInFlight: number
  /** In flight, summed over time. */
  busyMs: number
  /** When the first request came and when the number in flight last changed, in ms. */
  firstAt: number
  lastAt: number
}

export type ModelServerOptions = {
  port?: number
  /** When set, other keys are refused with 401. */
  apiKey?: string
  /** When set, other models are refused with 404. */
  models?: string[]
  /** Default dimension of embeddings where the request names none. */
  dim?: number
  /** Added to every reply. */
  latencyMs?: number
  /** Texts per embedding request; more is 400, as DashScope does. */
  maxBatch?: number
  /** Characters per text to embed; more is 400 for the whole batch, as servers do with tokens. */
  maxInputLength?: number
  /** Requests in flight per route; more is 429 at once. */
  maxConcurrency?: number
}

export type ModelServer = {
  /** Base URL for the OpenAI client, ends in /v1. */
  url: string
  stats: Record<Route, RouteStats>
  /** Bodies of all requests, oldest first. */
  requests: { route: Route; body: Record<string, unknown> }[]
  /** The next requests of a route fail like this, one fault each; undefined lets one through. */
  failNext(route: Route, ...faults: (Fault | undefined)[]): void
  /** From now on a share of a route's requests fails like this; spread evenly, so that counts are exact. 0 ends it. */
  failAt(route: Route, rate: number, fault: Fault): void
  /** The next chat requests get these replies instead of the default ones. */
  script(...replies: (string | ((body: ChatBody) => string))[]): void
  setLatency(ms: number): void
  /** From now on requests wait until they are let go, oldest first. */
  hold(): void
  /** Lets this many go; without a number all, and ends the holding. */
  letGo(count?: number): void
  close(): Promise<void>
}

type State = {
  options: ModelServerOptions
  latencyMs: number
  server: ModelServer
  queued: Record<Route, (Fault | undefined)[]>
  rates: Record<Route, { rate: number; fault: Fault; owed: number } | undefined>
  replies: (string | ((body: ChatBody) => string))[]
  seenPrefixes: Set<string>
  holding: boolean
  held: (() => void)[]
}

const ROUTES: Record<string, Route> = {
  '/v1/chat/completions': 'chat',
  '/v1/embeddings': 'embeddings',
  '/v1/rerank': 'rerank',
  '/api/v1/services/rerank/text-rerank/text-rerank': 'rerank',
}

const newStats = (): RouteStats => ({
  calls: 0,
  succeeded: 0,
  faults: 0,
  inputTokens: 0,
  outputTokens: 0,
  inFlight: 0,
  peakInFlight: 0,
  busyMs: 0,
  firstAt: 0,
  lastAt: 0,
})

export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const http = createServer((request, response) => {
    handle(state, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { error: { message: error instanceof Error ? error.message : String(error) } })
    })
  })
  const state: State = {
    options,
    latencyMs: options.latencyMs ?? 0,
    queued: { chat: [], embeddings: [], rerank: [] },
    rates: { chat: undefined, embeddings: undefined, rerank: undefined },
    replies: [],
    seenPrefixes: new Set(),
    holding: false,
    held: [],
    server: {
      url: '',
      stats: { chat: newStats(), embeddings: newStats(), rerank: newStats() },
      requests: [],
      failNext: (route, ...faults) => void state.queued[route].push(...faults),
      failAt: (route, rate, fault) => void (state.rates[route] = { rate, fault, owed: 0 }),
      script: (...replies) => void state.replies.push(...replies),
      setLatency: (ms) => void (state.latencyMs = ms),
      hold: () => void (state.holding = true),
      letGo(count) {
        if (count === undefined) state.holding = false
        for (const go of state.held.splice(0, count ?? state.held.length)) go()
      },
      async close() {
        http.closeAllConnections()
        await new Promise((resolve) => http.close(resolve))
      },
    },
  }
  await new Promise<void>((resolve) => http.listen(options.port ?? 0, '127.0.0.1', resolve))
  state.server.url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/v1`
  return state.server
}

async function handle(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://localhost').pathname
  const route = ROUTES[path]
  if (!route || request.method !== 'POST') return sendJson(response, 404, { error: { message: 'no such route', code: 'not_found' } })
  const stats = state.server.stats[route]
  stats.calls += 1
  changeInFlight(stats, 1)
  stats.peakInFlight = Math.max(stats.peakInFlight, stats.inFlight)
  response.on('close', () => changeInFlight(stats, -1))
  const body = JSON.parse(await readBody(request)) as ChatBody & Record<string, unknown>
  state.server.requests.push({ route, body })
  if (stats.inFlight > (state.options.maxConcurrency ?? Infinity)) {
    stats.faults += 1
    response.setHeader('retry-after-ms', '5')
    return sendError(response, 429, 'limit_requests', 'too many requests in flight')
  }
  const fault = nextFault(state, route)
  if (fault) stats.faults += 1
  if (fault && fault.kind !== 'delay') return misbehave(fault, response, body['stream'] === true)
  if (state.holding) await new Promise<void>((go) => state.held.push(go))
  await sleep(state.latencyMs + (fault?.ms ?? 0))
  if (response.destroyed) return
  const refusal = refuse(state, request, body)
  if (refusal) return sendError(response, refusal.status, refusal.code, refusal.message)
  stats.succeeded += 1
  if (route === 'chat') return chat(state, body, response)
  if (route === 'embeddings') return embeddings(state, body, response)
  rerank(state, body, response, path.startsWith('/api'))
}

function changeInFlight(stats: RouteStats, by: number): void {
  const now = performance.now()
  if (stats.firstAt === 0) stats.firstAt = now
  else stats.busyMs += stats.inFlight * (now - stats.lastAt)
  stats.lastAt = now
  stats.inFlight += by
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString('utf8')
}

function nextFault(state: State, route: Route): Fault | undefined {
  if (state.queued[route].length > 0) return state.queued[route].shift()
  const planned = state.rates[route]
  if (!planned) return undefined
  planned.owed += planned.rate
  if (planned.owed < 1) return undefined
  planned.owed -= 1
  return planned.fault
}

function misbehave(fault: Exclude<Fault, { kind: 'delay' }>, response: ServerResponse, stream: boolean): void {
  const start = '{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assi'
  if (fault.kind === 'status') {
    if (fault.retryAfter !== undefined) response.setHeader('retry-after', String(fault.retryAfter))
    if (fault.retryAfterMs !== undefined) response.setHeader('retry-after-ms', String(fault.retryAfterMs))
    sendError(response, fault.status, fault.code ?? 'injected', fault.message ?? 'injected failure')
  } else if (fault.kind === 'html') response.writeHead(200, { 'content-type': 'text/html' }).end('<html><body>Sign in</body></html>')
  else if (fault.kind === 'other-schema') sendJson(response, 200, { status: 'ok', result: [1, 2, 3] })
  else if (fault.kind === 'half-json') response.writeHead(200, { 'content-type': 'application/json' }).end(start)
  else if (fault.kind === 'reset') response.destroy()
  else {
    response.writeHead(200, { 'content-type': stream ? 'text/event-stream' : 'application/json' })
    if (fault.kind === 'garbage') response.end('data: {{{ not json\n\ndata: \u0000\u0001\n\n')
    else {
      const delta = JSON.stringify({
        id: 'x',
        object: 'chat.completion.chunk',
        choices: [{ index: 0, delta: { content: '半' }, finish_reason: null }],
      })
      response.write(stream ? `data: ${delta}\n\n` : start)
      if (fault.kind === 'break-off') response.end()
    }
  }
}

function refuse(
  state: State,
  request: IncomingMessage,
  body: Record<string, unknown>,
): { status: number; code: string; message: string } | undefined {
  const { apiKey, models } = state.options
  if (apiKey !== undefined && request.headers.authorization !== `Bearer ${apiKey}`)
    return { status: 401, code: 'invalid_api_key', message: 'Incorrect API key provided.' }
  if (models && !models.includes(String(body['model'])))
    return { status: 404, code: 'model_not_found', message: 'The model does not exist.' }
  return undefined
}

function chat(state: State, body: ChatBody, response: ServerResponse): void | Promise<void> {
  const messages = body.messages ?? []
  const prompt = messages.map(messageText).join('\n')
  if (body.response_format?.type === 'json_object' && !/json/i.test(prompt)) {
    return sendError(
      response,
      400,
      'invalid_parameter_error',
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
    )
  }
  const scripted = state.replies.shift()
  const full = scripted === undefined ? defaultReply(body) : typeof scripted === 'string' ? scripted : scripted(body)
  const { text, cut } = cutAt(full, body.max_tokens ?? Infinity)
  const first = messageText(messages[0])
  const usage = {
    prompt_tokens: countTokens(prompt),
    completion_tokens: countTokens(text),
    total_tokens: countTokens(prompt) + countTokens(text),
    prompt_tokens_details: { cached_tokens: messages.length > 1 && state.seenPrefixes.has(first) ? countTokens(first) : 0 },
  }
  state.seenPrefixes.add(first)
  const stats = state.server.stats.chat
  stats.inputTokens += usage.prompt_tokens
  stats.outputTokens += usage.completion_tokens
  const base = { id: 'chatcmpl-1', created: 1, model: body.model }
  const finish = cut ? 'length' : 'stop'
  if (body.stream) return streamChat(response, base, text, finish, body.stream_options?.include_usage ? usage : undefined)
  const choices = [{ index: 0, message: { role: 'assistant', content: text }, finish_reason: finish, logprobs: null }]
  sendJson(response, 200, { ...base, object: 'chat.completion', choices, usage })
}

function cutAt(text: string, maxTokens: number): { text: string; cut: boolean } {
  if (countTokens(text) <= maxTokens) return { text, cut: false }
  let end = text.length
  while (end > 0 && countTokens(text.slice(0, end)) > maxTokens) end = Math.floor(end * 0.9)
  return { text: text.slice(0, end), cut: true }
}

function streamChat(response: ServerResponse, base: object, text: string, finish: string, usage: object | undefined): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  const send = (choices: object[], extra: object = {}): void =>
    void response.write(`data: ${JSON.stringify({ ...base, object: 'chat.completion.chunk', choices, ...extra })}\n\n`)
  send([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }])
  for (const [piece] of text.matchAll(/[\s\S]{1,7}/gu)) send([{ index: 0, delta: { content: piece }, finish_reason: null }])
  send([{ index: 0, delta: {}, finish_reason: finish }])
  if (usage) send([], { usage })
  response.end('data: [DONE]\n\n')
}

function embeddings(state: State, body: Record<string, unknown>, response: ServerResponse): void {
  const input = Array.isArray(body['input']) ? body['input'].map(String) : [String(body['input'])]
  const maxBatch = state.options.maxBatch ?? 10
  if (input.length > maxBatch)
    return sendError(response, 400, 'InvalidParameter', `batch size is invalid, it should not be larger than ${maxBatch}.`)
  if (input.some((text) => text.length > (state.options.maxInputLength ?? Infinity))) {
    return sendError(response, 400, 'InvalidParameter', 'Range of input length should be [1, 8192]')
  }
  if (input.some((text) => text === '')) return sendError(response, 400, 'InvalidParameter', 'the input must not be empty.')
  const dim = typeof body['dimensions'] === 'number' ? body['dimensions'] : (state.options.dim ?? 1024)
  const encode = (vector: number[]): unknown =>
    body['encoding_format'] === 'float' ? vector : Buffer.from(Float32Array.from(vector).buffer).toString('base64')
  const tokens = input.reduce((sum, text) => sum + countTokens(text), 0)
  state.server.stats.embeddings.inputTokens += tokens
  const data = input.map((text, index) => ({ object: 'embedding', index, embedding: encode(hashedVector(text, dim)) }))
  sendJson(response, 200, { object: 'list', data, model: body['model'], usage: { prompt_tokens: tokens, total_tokens: tokens } })
}

function rerank(state: State, body: Record<string, unknown>, response: ServerResponse, dashscope: boolean): void {
  const input = (dashscope ? body['input'] : body) as { query?: string; documents?: string[] }
  const query = input.query ?? ''
  const documents = input.documents ?? []
  const tokens = documents.reduce((sum, text) => sum + countTokens(text), countTokens(query))
  state.server.stats.rerank.inputTokens += tokens
  const results = documents
    .map((text, index) => ({ index, relevance_score: overlap(query, text) }))
    .toSorted((one, other) => other.relevance_score - one.relevance_score || one.index - other.index)
  sendJson(
    response,
    200,
    dashscope
      ? { output: { results }, usage: { total_tokens: tokens }, request_id: 'r' }
      : { id: 'r', results, usage: { total_tokens: tokens } },
  )
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const sendError = (response: ServerResponse, status: number, code: string, message: string): void =>
  sendJson(response, status, { error: { message, type: code, code, param: null } })

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      latency: { type: 'string', default: '0' },
      dim: { type: 'string', default: '1024' },
      'max-concurrency': { type: 'string', default: '1000000' },
    },
  })
  const server = await startModelServer({
    port: Number(values.port),
    latencyMs: Number(values.latency),
    dim: Number(values.dim),
    maxConcurrency: Number(values['max-concurrency']),
  })
  process.stdout.write(`${server.url}\n`)
  // On SIGTERM the counts are the last line, so that a bench can read them.
  process.on('SIGTERM', () => {
    process.stdout.write(`${JSON.stringify(server.stats)}\n`)
    void server.close().then(() => process.exit(0))
  })
}
