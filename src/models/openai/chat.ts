// A ChatModel over the OpenAI protocol, whole or streamed.
import type OpenAI from 'openai'
import { APIError } from 'openai'
import type { ChatModel, ChatReply, ChatRequest, Usage } from '../../ports/models.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { Endpoint } from '../roles.ts'
import { estimateTokens } from '../token-estimate.ts'
import { counted } from '../usage.ts'
import { calling } from './client.ts'
import { modelError, wrongReply } from './errors.ts'
import { thinkingStripper, withoutThinking } from './thinking.ts'
import { endedByServer } from './transport.ts'

type Body = Omit<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming, 'stream'>

/** Optional fields some servers or models refuse; what was refused once is left out for the life of the process. */
type Optional = 'response_format' | 'temperature' | 'max_tokens' | 'stream_options'
const NAMED: [Optional, RegExp][] = [
  ['stream_options', /stream_options/i],
  ['max_tokens', /max_tokens|max_completion_tokens|in the completion/i],
  ['temperature', /temperature/i],
  ['response_format', /response_format|json/i],
]

export function createChatModel(endpoint: Endpoint, entry: CatalogueEntry | undefined): ChatModel {
  const refused = new Set<Optional>(entry?.jsonMode === false ? ['response_format'] : [])
  const body = (request: ChatRequest): Body => bodyOf(request, endpoint, entry, refused)

  /** Opens a call, again without the field the server complains about; each field is given up once, so this ends. */
  async function open<T>(request: ChatRequest, call: (body: Body) => Promise<T>): Promise<T> {
    try {
      return await call(body(request))
    } catch (error) {
      const field = refusedField(error, refused)
      if (!field) throw error
      refused.add(field)
      return open(request, call)
    }
  }

  return {
    model: endpoint.model,
    async complete(request, signal) {
      const completion = await open(request, (params) =>
        calling(endpoint, signal, (client) => client.chat.completions.create(params, { signal })),
      )
      return replyOf(completion, request, endpoint)
    },
    stream(request, signal) {
      const streaming = (idle: AbortSignal): Promise<Opened> =>
        open(request, (params) => {
          const usage = refused.has('stream_options') ? {} : { stream_options: { include_usage: true } }
          return calling(endpoint, signal, (client) =>
            client.chat.completions.create({ ...params, stream: true, ...usage }, { signal: idle }).withResponse(),
          )
        })
      return streamed(streaming, request, endpoint, signal)
    },
  }
}

type Opened = { data: AsyncIterable<OpenAI.Chat.ChatCompletionChunk>; response: Response }

function bodyOf(request: ChatRequest, endpoint: Endpoint, entry: CatalogueEntry | undefined, refused: ReadonlySet<Optional>): Body {
  const limit = request.maxOutputTokens === undefined ? undefined : Math.min(request.maxOutputTokens, entry?.maxOutputTokens ?? Infinity)
  return {
    model: endpoint.model,
    messages: request.messages,
    ...(limit === undefined || refused.has('max_tokens') ? {} : { max_tokens: limit }),
    ...(request.temperature === undefined || refused.has('temperature') ? {} : { temperature: request.temperature }),
    ...(request.json && !refused.has('response_format') ? { response_format: { type: 'json_object' } } : {}),
    ...entry?.extraBody,
    ...endpoint.options,
  }
}

/** A server that does not know a field, or not that value, says so with 400 or 422 and names it. */
function refusedField(error: unknown, refused: ReadonlySet<Optional>): Optional | undefined {
  const cause = error instanceof Error ? error.cause : undefined
  if (!(cause instanceof APIError) || (cause.status !== 400 && cause.status !== 422)) return undefined
  return NAMED.find(([field, name]) => !refused.has(field) && name.test(`${cause.param ?? ''} ${cause.message}`))?.[0]
}

function replyOf(completion: OpenAI.Chat.ChatCompletion, request: ChatRequest, endpoint: Endpoint): ChatReply {
  const choice = Array.isArray(completion?.choices) ? completion.choices[0] : undefined
  if (!choice?.message) throw wrongReply(endpoint, 'answered with something that is not a chat completion')
  const text = textOf(choice.message.content)
  return { text: withoutThinking(text), usage: usageOf(completion.usage, request, text), truncated: choice.finish_reason === 'length' }
}

/** Some servers answer in parts, as requests may be written. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: { text?: unknown } | null) => (typeof part?.text === 'string' ? part.text : '')).join('')
}

function usageOf(usage: OpenAI.CompletionUsage | null | undefined, request: ChatRequest, text: string): Usage {
  return {
    inputTokens: counted(usage?.prompt_tokens, () => request.messages.reduce((sum, message) => sum + estimateTokens(message.content), 0)),
    cachedTokens: counted(usage?.prompt_tokens_details?.cached_tokens, () => 0),
    outputTokens: counted(usage?.completion_tokens, () => estimateTokens(text)),
  }
}

type StreamState = { text: string; finish: string | undefined; usage: OpenAI.CompletionUsage | undefined }

async function* streamed(
  open: (idle: AbortSignal) => Promise<Opened>,
  request: ChatRequest,
  endpoint: Endpoint,
  signal: AbortSignal,
): AsyncGenerator<string, ChatReply> {
  const idle = idleTimer(endpoint.timeoutMs, signal)
  const state: StreamState = { text: '', finish: undefined, usage: undefined }
  const stripper = thinkingStripper()
  let passed = ''
  try {
    const { data: stream, response } = await open(idle.signal)
    if (typeof stream?.[Symbol.asyncIterator] !== 'function') throw wrongReply(endpoint, 'did not stream')
    for await (const chunk of stream) {
      idle.touch()
      const piece = takeChunk(chunk, state, endpoint)
      const visible = passed === '' ? stripper.push(piece).trimStart() : stripper.push(piece)
      if (visible === '') continue
      passed += visible
      yield visible
    }
    const rest = stripper.end()
    if (rest !== '') {
      passed += rest
      yield rest
    }
    // The SDK ends an aborted stream quietly: silence that lasted too long must not look like an end.
    if (signal.aborted) throw signal.reason
    if (state.finish === undefined && !endedByServer(response))
      throw wrongReply(endpoint, idle.signal.aborted ? 'fell silent in the middle of its reply' : 'broke off its reply')
  } catch (error) {
    throw modelError(error, endpoint, signal)
  } finally {
    idle.stop()
  }
  return { text: passed, usage: usageOf(state.usage, request, state.text), truncated: state.finish === 'length' }
}

function takeChunk(chunk: OpenAI.Chat.ChatCompletionChunk, state: StreamState, endpoint: Endpoint): string {
  if (!Array.isArray(chunk?.choices)) throw wrongReply(endpoint, 'sent a stream that is not of the protocol')
  if (chunk.usage) state.usage = chunk.usage
  const choice = chunk.choices[0]
  if (choice?.finish_reason) state.finish = choice.finish_reason
  const piece = textOf(choice?.delta?.content)
  state.text += piece
  return piece
}

/** A signal that aborts with the caller's, on `stop`, and when nothing has been heard for `timeoutMs`. */
function idleTimer(timeoutMs: number, signal: AbortSignal): { signal: AbortSignal; touch(): void; stop(): void } {
  const controller = new AbortController()
  const fire = (): void => controller.abort(new DOMException('The model server fell silent.', 'TimeoutError'))
  let timer = setTimeout(fire, timeoutMs)
  return {
    signal: AbortSignal.any([signal, controller.signal]),
    touch() {
      clearTimeout(timer)
      timer = setTimeout(fire, timeoutMs)
    },
    stop() {
      clearTimeout(timer)
      controller.abort()
    },
  }
}
