// Structured log lines on standard output: codes, ids and durations, never content, addresses, stacks or credentials.
import { basename } from 'node:path'
import pino, { type DestinationStream } from 'pino'
import { AppError } from './core/errors.ts'
import type { Log } from './services/deps.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A last net below the rule that nobody logs these. */
const NEVER = ['authorization', 'cookie', 'token', 'password', 'secret', 'apiKey', 'signedUrl'].flatMap((name) => [name, `*.${name}`])

export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = { level, base: null, redact: NEVER, serializers: { err: describeError }, timestamp: pino.stdTimeFunctions.isoTime }
  return destination === undefined ? pino(options) : pino(options, destination)
}

export type DescribedError = { type: string; code?: string; message?: string; where?: string; cause?: DescribedError }

/**
 * What may be known of an error: our own sentences are made to be shown; of every other error only its kind, its code and the
 * line it came from, since its message may quote SQL, a path, an address or a document.
 */
export function describeError(error: unknown): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error }
  const own = error instanceof AppError
  const code = (error as { code?: unknown }).code
  const where = own ? undefined : placeOf(error.stack)
  return {
    type: error.name,
    ...(typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code) ? { code } : {}),
    ...(own ? { message: error.message } : {}),
    ...(where === undefined ? {} : { where }),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  }
}

/** `documents.ts:42`: the innermost line of the stack that is not Node's, without its folder. */
function placeOf(stack: string | undefined): string | undefined {
  for (const [, file = '', line] of (stack ?? '').matchAll(/^\s+at .*?\(?((?:file:\/\/)?\/[^:()]+):(\d+):\d+\)?$/gm))
    return `${basename(file)}:${line}`
  return undefined
}
