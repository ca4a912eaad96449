// What a model server does wrong, as sentences that name the setting to change. No key, prompt or reply text in any of them.
import { APIConnectionError, APIConnectionTimeoutError, APIError } from 'openai'
import { AppError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Endpoint } from '../roles.ts'
import { BadReply, retryAfter } from './transport.ts'

const NOUNS: Record<Endpoint['role'], string> = {
  extract: 'language model for extraction',
  keyword: 'language model for keywords',
  answer: 'language model for answers',
  summarise: 'language model for summaries',
  vision: 'vision model',
  rerank: 'reranking model',
  embed: 'embedding model',
}

export const nounOf = (endpoint: Endpoint): string => NOUNS[endpoint.role]

const unavailable = (endpoint: Endpoint): ErrorCode => (endpoint.role === 'embed' ? 'embedding_service_unavailable' : 'llm_unavailable')

/** An error that says the reply was not of the protocol: HTML, another schema, a stream that broke off. */
export function wrongReply(endpoint: Endpoint, what: string, cause?: unknown): AppError {
  const message = `The ${nounOf(endpoint)} ${what}; check that ${endpoint.settings.baseUrl} is the base URL of an OpenAI-compatible server.`
  return new AppError(unavailable(endpoint), message, { cause, details: { reason: 'wrong_reply' } })
}

/**
 * Translates whatever the SDK threw. An abort by the caller stays what the caller gave as reason.
 * `details.reason` tells kinds apart: timeout, unreachable, wrong_reply, credential, model, refused, content_filter, too_long, server.
 */
export function modelError(error: unknown, endpoint: Endpoint, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason
  if (error instanceof AppError) return error
  if (error instanceof APIConnectionTimeoutError || isTimeout(error)) {
    return failure(endpoint, 'timeout', `did not answer within ${Math.round(endpoint.timeoutMs / 1000)} s`, error)
  }
  if (error instanceof APIConnectionError) {
    if (rootCause(error) instanceof BadReply) return wrongReply(endpoint, 'answered with broken JSON', error)
    return failure(endpoint, 'unreachable', `cannot be reached; check ${endpoint.settings.baseUrl}`, error)
  }
  if (error instanceof APIError) return statusError(error, endpoint)
  if (error instanceof SyntaxError) return wrongReply(endpoint, 'sent a stream that is not of the protocol', error)
  // What undici throws when the other side ends a body early; any other TypeError is a bug of ours and stays one.
  if (error instanceof TypeError && (error.cause !== undefined || error.message === 'terminated')) {
    return failure(endpoint, 'unreachable', 'broke the connection', error)
  }
  return error
}

function statusError(error: APIError, endpoint: Endpoint): AppError {
  const { status } = error
  if (status === undefined) return failure(endpoint, 'server', 'reported an error in the middle of its reply', error)
  if (status === 429) return quotaError(error, endpoint)
  if (status === 401) return failure(endpoint, 'credential', `refused the key; check ${endpoint.settings.apiKey}`, error)
  if (status === 403) {
    return failure(
      endpoint,
      'credential',
      `denied access (403); check ${endpoint.settings.apiKey} and that the account may use the model`,
      error,
    )
  }
  if (status === 404) {
    return failure(
      endpoint,
      'model',
      `does not know the model or the address; check ${endpoint.settings.model} and ${endpoint.settings.baseUrl}`,
      error,
    )
  }
  if (isTooLong(error)) return failure(endpoint, 'too_long', 'finds the text too long', error)
  if (isContentFilter(error)) return failure(endpoint, 'content_filter', 'refuses this text by its content filter', error)
  if (status >= 500) return failure(endpoint, 'server', `failed with status ${status}`, error)
  return failure(endpoint, 'refused', `refused the request with status ${status}; check ${endpoint.settings.model}`, error)
}

/** DashScope: "Range of input length should be"; OpenAI and vLLM: "maximum context length"; TEI: "must have less than 512 tokens". */
const isTooLong = (error: APIError): boolean =>
  error.status === 413 ||
  ((error.status === 400 || error.status === 422) &&
    /input length|context length|model length|too long|less than \d+ tokens/i.test(error.message))

/** DashScope: `data_inspection_failed`; Azure and others: `content_filter`. */
const isContentFilter = (error: APIError): boolean =>
  error.status === 400 && /data_?inspection|content_?filter|content_policy/i.test(`${error.code} ${error.type} ${error.message}`)

function quotaError(error: APIError, endpoint: Endpoint): AppError {
  const seconds = retryAfter(error.headers)
  const message = `The ${nounOf(endpoint)} is over its rate limit or quota; try again later.`
  return new AppError('rate_limited', message, { cause: error, ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }) })
}

function failure(endpoint: Endpoint, reason: string, what: string, cause: unknown): AppError {
  return new AppError(unavailable(endpoint), `The ${nounOf(endpoint)} ${what}.`, { cause, details: { reason } })
}

const isTimeout = (error: unknown): boolean =>
  rootCause(error) instanceof DOMException && (rootCause(error) as DOMException).name === 'TimeoutError'

function rootCause(error: unknown): unknown {
  let deepest = error
  for (let depth = 0; depth < 5 && deepest instanceof Error && deepest.cause !== undefined; depth += 1) deepest = deepest.cause
  if (deepest instanceof SyntaxError && error instanceof Error) return causeOfType(error, BadReply) ?? deepest
  return deepest
}

function causeOfType<T extends Error>(error: Error, type: new (...args: never[]) => T): T | undefined {
  let current: unknown = error
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    if (current instanceof type) return current
    current = current.cause
  }
  return undefined
}
