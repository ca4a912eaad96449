// What every format parser gets and gives, and the limits that hold for all of them.
import type { ParsedDocument } from '../core/blocks.ts'
import { AppError } from '../core/errors.ts'
import type { ParseOptions, Readings } from '../ports/parser.ts'

/** What one document may cost. Exceeding a limit refuses the document with its own sentence, or cuts it with a warning where that is harmless. */
export type ParseLimits = {
  pdfPages: number
  /** Rows read of one sheet or CSV file; the rest is a warning. */
  tableRows: number
  zipEntries: number
  /** Sum of declared sizes, and what may really come out of one archive. */
  zipBytes: number
  /** Of one entry above 1 MB, uncompressed to compressed. */
  zipRatio: number
  /** Elements inside elements, in XML and HTML, and values inside values, in JSON. */
  depth: number
  xmlElements: number
  /** Width × height of one picture. */
  imagePixels: number
  /** Pages or pictures of one document that are sent to OCR; the rest is a warning. */
  ocrPages: number
  /** Milliseconds for the OCR of one page. */
  ocrPageMs: number
}

export const DEFAULT_LIMITS: ParseLimits = {
  pdfPages: 2000,
  tableRows: 100_000,
  zipEntries: 10_000,
  zipBytes: 500_000_000,
  zipRatio: 100,
  depth: 500,
  xmlElements: 5_000_000,
  imagePixels: 50_000_000,
  ocrPages: 300,
  ocrPageMs: 60_000,
}

export type FormatContext = {
  fileName: string
  mediaType: string
  options: ParseOptions
  limits: ParseLimits
  /** As in `ParseInput`. */
  picturesAreRead?: boolean | undefined
  readings?: Readings
  /** Says that work goes on; without it for a while the parser is taken for stuck. `allowMs` asks for more time until the next sign of life. */
  progress(allowMs?: number): void
}

export type FormatParser = (bytes: Uint8Array, context: FormatContext) => Promise<ParsedDocument>

/** The document cannot be read, and a retry would not help. */
export function unreadable(sentence: string, cause?: unknown): AppError {
  return new AppError('unprocessable_document', sentence, cause === undefined ? {} : { cause })
}

/** The file name without folders and extension, as a last resort for a title. */
export function titleFromFileName(fileName: string): string {
  const base = fileName.split(/[\\/]/).at(-1) ?? fileName
  return base.replace(/\.[A-Za-z0-9]{1,8}$/, '') || base
}
