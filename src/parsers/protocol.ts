// What the pool and its child processes say to each other.
import type { ParsedDocument } from '../core/blocks.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { ParseOptions } from '../ports/parser.ts'
import type { ParseLimits } from './format.ts'

export type ParseTask = {
  bytes: Uint8Array
  fileName: string
  mediaType: string
  options: ParseOptions
  limits: ParseLimits
  picturesAreRead: boolean
  /** What an earlier try read, by part. */
  known: [string, unknown][]
}

export type ParseReply =
  | { kind: 'progress'; /** Extra time asked for until the next sign of life. */ allowMs: number }
  | { kind: 'read'; part: string; reading: unknown }
  | { kind: 'done'; document: ParsedDocument }
  | { kind: 'failed'; code: ErrorCode; message: string }
