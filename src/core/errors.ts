// The one table of stable error codes. HTTP, MCP, CLI, job rows and the documentation derive from it; a test holds them together.

/** How a failed job treats the error: never again, again later, or wait for a quota without using up an attempt. */
export type RetryClass = 'permanent' | 'transient' | 'quota'

export type ErrorDefinition = {
  /** HTTP status of the response. */
  readonly status: number
  readonly retry: RetryClass
  /** Exit number of the command line. */
  readonly exit: number
  /** What a person reads when the thrower had nothing more precise to say. */
  readonly sentence: string
}

const define = (status: number, retry: RetryClass, exit: number, sentence: string): ErrorDefinition => ({ status, retry, exit, sentence })

export const ERRORS = {
  invalid_request: define(400, 'permanent', 2, 'The request is not valid.'),
  unauthorized: define(401, 'permanent', 3, 'A valid credential is required.'),
  forbidden: define(403, 'permanent', 3, 'This credential may not do that.'),
  not_found: define(404, 'permanent', 4, 'Nothing by that name exists here.'),
  already_running: define(409, 'permanent', 5, 'The same work is already running.'),
  not_retryable: define(409, 'permanent', 5, 'Only a failed document can be retried.'),
  conflict: define(409, 'permanent', 5, 'This contradicts what is already stored.'),
  gate_failed: define(409, 'permanent', 5, 'The version did not pass its evaluation gate.'),
  payload_too_large: define(413, 'permanent', 2, 'The content is larger than this service accepts.'),
  unsupported_file_type: define(415, 'permanent', 2, 'This type of file cannot be read.'),
  unprocessable_document: define(422, 'permanent', 6, 'The document cannot be processed.'),
  rate_limited: define(429, 'transient', 7, 'Too many requests; try again later.'),
  budget_exhausted: define(402, 'quota', 7, 'The monthly model budget of this workspace is used up.'),
  forbidden_url: define(400, 'permanent', 2, 'The file address is not one this service may fetch.'),
  download_failed: define(502, 'transient', 7, 'The file could not be downloaded.'),
  java_unavailable: define(502, 'transient', 7, 'The Java backend did not answer as expected.'),
  embedding_not_ready: define(400, 'permanent', 2, 'This course has no finished embedding yet.'),
  embedding_service_unavailable: define(503, 'transient', 7, 'The embedding model cannot be reached.'),
  llm_unavailable: define(503, 'transient', 7, 'The language model cannot be reached.'),
  vector_store_error: define(503, 'transient', 8, 'The database cannot answer right now.'),
  storage_full: define(503, 'quota', 8, 'The disk of the database is full; once there is room again, waiting work goes on by itself.'),
  overloaded: define(503, 'transient', 7, 'More is being asked than this process can answer; try again shortly.'),
  not_ready: define(503, 'transient', 8, 'The service is not ready yet.'),
  internal_error: define(500, 'transient', 70, 'Something went wrong inside the service.'),
} as const satisfies Record<string, ErrorDefinition>

export type ErrorCode = keyof typeof ERRORS

/**
 * An error a caller can act on. The message is one sentence safe to show: no path, SQL, key or token.
 * A bug is not an AppError; it reaches the outside as `internal_error`.
 */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly details: Record<string, unknown> | undefined
  /** Seconds after which another try makes sense, when the other side said so. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: ErrorCode,
    message?: string,
    options: { details?: Record<string, unknown>; cause?: unknown; retryAfterSeconds?: number } = {},
  ) {
    super(message ?? ERRORS[code].sentence, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AppError'
    this.code = code
    this.details = options.details
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get definition(): ErrorDefinition {
    return ERRORS[this.code]
  }
}

/** Any thrown value as an AppError: itself, or `internal_error` with the original as cause. */
export function asAppError(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal_error', undefined, { cause: error })
}
