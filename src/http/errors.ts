// Any failure as the answer of the contract: `{"error":{code,message,details?},"requestId"}` with the status of its code.
import { AppError, type ErrorCode } from '../core/errors.ts'

export type ErrorBody = { error: { code: ErrorCode; message: string; details?: Record<string, unknown> }; requestId: string }

/** Turns a failure of a driver into an AppError, or leaves it; the composition root knows the drivers. */
export type Translate = (error: unknown) => AppError | undefined

/** When nobody said how long to wait: soon enough for a hiccup, late enough not to add to it. */
const DEFAULT_RETRY_AFTER_SECONDS = 5

/** What the framework and its plugins refuse by themselves, in our words. Everything else they refuse is `invalid_request`. */
const FRAMEWORK: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['invalid_request', 'Send the body as JSON with Content-Type: application/json.'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_request', 'The body is not valid JSON.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload_too_large', 'The body is larger than this route accepts.'],
  FST_ERR_BAD_URL: ['invalid_request', 'The address of the request is not validly encoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['invalid_request', 'A part of the address is too long.'],
}

/** Never throws; what is not understood is `internal_error` with the original as its cause. */
export function toAppError(error: unknown, translate: Translate = () => undefined): AppError {
  if (error instanceof AppError) return error
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; statusCode?: unknown }
  const framework = typeof code === 'string' ? FRAMEWORK[code] : undefined
  if (framework !== undefined) return new AppError(framework[0], framework[1], { cause: error })
  if (error instanceof SyntaxError && statusCode === 400)
    return new AppError('invalid_request', 'The body is not valid JSON.', { cause: error })
  if (typeof code === 'string' && code.startsWith('FST_') && typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) {
    return new AppError(statusCode === 413 ? 'payload_too_large' : 'invalid_request', undefined, { cause: error })
  }
  return translate(error) ?? new AppError('internal_error', undefined, { cause: error })
}

export function errorBody(error: AppError, requestId: string): ErrorBody {
  const { code, message, details } = error
  return { error: { code, message, ...(details === undefined ? {} : { details }) }, requestId }
}

/** Seconds for `Retry-After`, for the answers that invite another try. */
export function retryAfter(error: AppError): number | undefined {
  const { status } = error.definition
  if (status !== 429 && status !== 503) return undefined
  return Math.max(1, Math.ceil(error.retryAfterSeconds ?? DEFAULT_RETRY_AFTER_SECONDS))
}
