// The Java backend over HTTP: looks files up and reports how their parsing went. Its address is trusted configuration;
// addresses it hands out are not, and go through the guarded download.
import { Agent, request, type Dispatcher } from 'undici'
import { AppError } from '../core/errors.ts'
import type { CallbackOutcome, JavaBackend, ParseStatusBody, ParseStatusReport } from '../ports/java.ts'
import { callbackOutcome, effectiveStatus, fileInfoFrom, jsonObject, lookupError, retryAfter, signedUrlFrom } from './answers.ts'
import { discard, faultName, header, isRedirect, readAtMost } from './http.ts'
import { callbackSignature } from './signature.ts'

export type JavaBackendSettings = {
  /** `JAVA_BASE_URL`; may have a path. */
  baseUrl: string
  /** Default PUT. */
  callbackMethod?: 'PUT' | 'POST'
  /** Used where no user token came in, and once more where the user's was refused. */
  serviceToken?: string | undefined
  /** Turns on `X-Signature`. */
  callbackSecret?: string | undefined
  /** For one exchange; default 15 s. */
  timeoutMs?: number
}

const MAX_ANSWER_BYTES = 64 * 1024
const MAX_ERROR_MESSAGE = 500

type Answer = { status: number; location?: string; retryAfter?: string; body?: Record<string, unknown> }

/** @throws AppError `invalid_request` when the base address is not http or https. */
export function createJavaBackend(settings: JavaBackendSettings): JavaBackend {
  const base = settings.baseUrl.replace(/\/+$/, '')
  if (!/^https?:\/\//i.test(base) || !URL.canParse(base))
    throw new AppError('invalid_request', 'JAVA_BASE_URL must be an http or https address.')
  const dispatcher = new Agent()
  const timeoutMs = settings.timeoutMs ?? 15_000

  async function exchange(
    path: string,
    options: { method: Dispatcher.HttpMethod; headers: Record<string, string>; body?: string },
    signal: AbortSignal,
  ): Promise<Answer> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    const { statusCode, headers, body } = await request(base + path, { ...options, dispatcher, signal: within })
    return readAnswer(statusCode, headers, body)
  }

  async function ask(path: string, token: string | undefined, signal: AbortSignal): Promise<Answer> {
    try {
      return await exchange(
        path,
        { method: 'GET', headers: { accept: 'application/json', ...bearer(token ?? settings.serviceToken) } },
        signal,
      )
    } catch (error) {
      signal.throwIfAborted()
      throw new AppError('java_unavailable', `The Java backend could not be reached (${faultName(error)}).`, { cause: error })
    }
  }

  async function report(
    { fileId, eventId, body, timestamp }: ParseStatusReport,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<CallbackOutcome> {
    const text = wireBody(body)
    const headers = {
      'content-type': 'application/json',
      'x-event-id': eventId,
      'x-timestamp': String(timestamp),
      ...bearer(token),
      ...signature(),
    }
    function signature(): Record<string, string> {
      return settings.callbackSecret === undefined
        ? {}
        : { 'x-signature': callbackSignature(settings.callbackSecret, eventId, timestamp, text) }
    }
    try {
      const answer = await exchange(
        `${filePath(fileId)}/parse-status`,
        { method: settings.callbackMethod ?? 'PUT', headers, body: text },
        signal,
      )
      return callbackOutcome(effectiveStatus(answer.status, answer.body), retryAfter(answer.retryAfter, timestamp))
    } catch (error) {
      signal.throwIfAborted()
      return { status: 'retry', reason: `the Java backend could not be reached (${faultName(error)})` }
    }
  }

  return {
    async fileInfo(fileId, token, signal) {
      const { status, body } = await ask(filePath(fileId), token, signal)
      const effective = effectiveStatus(status, body)
      if (effective !== 200) throw lookupError(effective)
      if (body === undefined) throw new AppError('java_unavailable', 'The Java backend described the file in no way this service can read.')
      return fileInfoFrom(body)
    },

    async downloadUrl(fileId, token, signal) {
      const path = `${filePath(fileId)}/download`
      const { status, location, body } = await ask(path, token, signal)
      const effective = effectiveStatus(status, body)
      if (!isRedirect(status) && effective !== 200) throw lookupError(effective)
      const url = isRedirect(status) ? location : body === undefined ? undefined : signedUrlFrom(body)
      if (url === undefined || !URL.canParse(url, base + path))
        throw new AppError('java_unavailable', 'The Java backend gave no address for the file.')
      return new URL(url, base + path).href
    },

    async reportParseStatus(status, signal) {
      signal.throwIfAborted()
      if (isDotSegment(status.fileId)) return { status: 'rejected', reason: 'a file of this name cannot be addressed' }
      const token = status.token ?? settings.serviceToken
      const outcome = await report(status, token, signal)
      const another = settings.serviceToken !== undefined && token !== settings.serviceToken
      return outcome.status === 'unauthorized' && another ? report(status, settings.serviceToken, signal) : outcome
    },

    async close() {
      await dispatcher.destroy()
    },
  }
}

/** `.` and `..` are valid file ids, but in a path they would name another resource, encoded or not (WHATWG URL, section 4.5). */
const isDotSegment = (fileId: string) => fileId === '.' || fileId === '..'

function filePath(fileId: string): string {
  if (isDotSegment(fileId)) throw new AppError('not_found', 'The Java backend does not know this file.')
  return `/api/studio/teacher/me/files/${encodeURIComponent(fileId)}`
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

/** Cut at 500 UTF-16 units, which is how Java counts, but never between the halves of a character. */
function wireBody({ parseStatus, chunkCount, entityCount, parseError, errorMessage }: ParseStatusBody): string {
  const message = errorMessage ?? parseError
  const short = message?.slice(0, MAX_ERROR_MESSAGE).replace(/[\uD800-\uDBFF]$/, '') ?? null
  return JSON.stringify({ parseStatus, chunkCount, entityCount, parseError, errorMessage: short })
}

async function readAnswer(
  status: number,
  headers: Dispatcher.ResponseData['headers'],
  body: Dispatcher.ResponseData['body'],
): Promise<Answer> {
  const [location, wait] = [header(headers, 'location'), header(headers, 'retry-after')]
  const answer: Answer = { status, ...(location === undefined ? {} : { location }), ...(wait === undefined ? {} : { retryAfter: wait }) }
  if (status >= 300) {
    discard(body)
    return answer
  }
  const text = (await readAtMost(body, MAX_ANSWER_BYTES))?.toString('utf8')
  const object = text === undefined ? undefined : jsonObject(text)
  return object === undefined ? answer : { ...answer, body: object }
}
