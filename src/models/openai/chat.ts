// A ChatModel over the OpenAI protocol, whole or streamed.
import type OpenAI from 'openai'
import { APIError } from 'openai'
import type { ChatModel, ChatReply, ChatRequest, Usage } from '../../ports/models.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { Endpoint } from '../roles.ts'
import { estimateTokens } from '../token-estimate.ts'
import { calling } from './client.ts'
import { modelError, wrongReply } from './errors.ts'
import { thinkingStripper, withoutThinking } from './thinking.ts'

type Body = Omit<OpenAI.Chat.ChatCompletionCreateParamsNonStreaming, 'stream'>

export function createChatModel(endpoint: Endpoint, entry: CatalogueEntry | undefined): ChatModel {
  // Unknown models get the benefit of the doubt; the first refusal turns JSON mode off for the life of the process.
  let jsonMode = entry?.jsonMode ?? true
  const body = (request: ChatRequest): Body => bodyOf(request, endpoint, entry, jsonMode)

  async function once(request: ChatRequest, signal: AbortSignal): Promise<ChatReply> {
    const completion = await calling(endpoint, signal, (client) => client.chat.completions.create(body(request), { signal }))
    return replyOf(completion, request, endpoint)
  }

  return {
    model: endpoint.model,
    async complete(request, signal) {
      try {
        return await once(request, signal)
      } catch (error) {
        if (!request.json || !jsonMode || !refusesJsonMode(error)) throw error
        jsonMode = false
        return await once(request, signal)
      }
    },
    stream: (request, signal) => streamed(body(request), request, endpoint, signal),
  }
}

function bodyOf(request: ChatRequest, endpoint: Endpoint, entry: CatalogueEntry | undefined, jsonMode: boolean): Body {
  const limit = request.maxOutputTokens === undefined ? undefined : Math.min(request.maxOutputTokens, entry?.maxOutputTokens ?? Infinity)
  return {
    model: endpoint.model,
    messages: request.messages,
    ...(limit === undefined ? {} : { max_tokens: limit }),
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.json && jsonMode ? { response_format: { type: 'json_object' } } : {}),
    ...entry?.extraBody,
    ...endpoint.options,
  }
}

/** A server that does not know `response_format` says so with 400 or 422 and usually names the field. */
function refusesJsonMode(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof APIError && (cause.status === 400 || cause.status === 422) && /response_format|json/i.test(cause.message)
}

function replyOf(completion: OpenAI.Chat.ChatCompletion, request: ChatRequest, endpoint: Endpoint): ChatReply {
  const choice = Array.isArray(completion?.choices) ? completion.choices[0] : undefined
  if (!choice?.message) throw wrongReply(endpoint, 'answered with something that is not a chat completion')
  const text = typeof choice.message.content === 'string' ? choice.message.content : ''
  return { text: withoutThinking(text), usage: usageOf(completion.usage, request, text), truncated: choice.finish_reason === 'length' }
}

function usageOf(usage: OpenAI.CompletionUsage | null | undefined, request: ChatRequest, text: string): Usage {
  return {
    inputTokens: usage?.prompt_tokens ?? request.messages.reduce((sum, message) => sum + estimateTokens(message.content), 0),
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    outputTokens: usage?.completion_tokens ?? estimateTokens(text),
  }
}

type StreamState = { text: string; finish: string | undefined; usage: OpenAI.CompletionUsage | undefined }

async function* streamed(body: Body, request: ChatRequest, endpoint: Endpoint, signal: AbortSignal): AsyncGenerator<string, ChatReply> {
  const idle = idleTimer(endpoint.timeoutMs, signal)
  const state: StreamState = { text: '', finish: undefined, usage: undefined }
  const stripper = thinkingStripper()
  let passed = ''
  try {
    const params = { ...body, stream: true as const, stream_options: { include_usage: true } }
    const stream = await calling(endpoint, signal, (client) => client.chat.completions.create(params, { signal: idle.signal }))
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
    if (state.finish === undefined)
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
  const piece = choice?.delta?.content ?? ''
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
