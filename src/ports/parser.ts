// What turns bytes into blocks. Implementations live in src/parsers, one per sniffed media type.
import type { ParsedDocument } from '../core/blocks.ts'

export type ParseMethod = 'auto' | 'text' | 'ocr'

export type ParseOptions = {
  parseMethod: ParseMethod
  processImages: boolean
  processTables: boolean
  processEquations: boolean
}

export const DEFAULT_PARSE_OPTIONS: ParseOptions = { parseMethod: 'auto', processImages: true, processTables: true, processEquations: true }

/** What OCR made of parts of one file; only the parser knows what a reading holds, and it survives JSON. */
export type Readings = {
  /** By part, e.g. `page 3`: not read again. */
  known: ReadonlyMap<string, unknown>
  /** Called for each part as soon as it was read. */
  keep(part: string, reading: unknown): void
}

export type ParseInput = {
  bytes: Uint8Array
  /** Display text and a hint where the content alone cannot decide (CSV or plain text); never trusted over the content. */
  fileName: string
  /** What the other side said it is; a mismatch with the content becomes a warning. */
  declaredType?: string
  options: ParseOptions
  /**
   * A vision model will look at the pictures: they come with what it needs, pages that OCR could not make out come as pictures,
   * and a document of nothing but pictures is not refused.
   */
  picturesAreRead?: boolean
  /** For documents that may be tried again. */
  readings?: Readings
}

/** Parses in a killable child process with time and memory limits. */
export type DocumentParser = {
  /**
   * The media type by content, at once and without parsing; warnings where name or declared type contradict it.
   * @throws AppError `unsupported_file_type` | `unprocessable_document` (empty or visibly broken).
   */
  identify(bytes: Uint8Array, fileName: string, declaredType?: string): { mediaType: string; warnings: string[] }
  /**
   * @throws AppError `unsupported_file_type` | `unprocessable_document` (encrypted, corrupt, empty, too large inside: the sentence says which).
   */
  parse(input: ParseInput, signal: AbortSignal): Promise<ParsedDocument>
  close(): Promise<void>
}
