// One-off reading of a score sheet or any picture: OCR, and a vision model where one is configured. Nothing is stored.
import type { ParsedDocument } from '../../core/blocks.ts'
import { AppError } from '../../core/errors.ts'
import { failedChecks, type FailedCheck, sheetRows, sheetTables, type CellValue } from '../../core/score-sheet.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../ports/parser.ts'
import type { EngineDeps } from '../deps.ts'
import { onBehalfOf } from '../usage.ts'

export type AnalyzeRequest = {
  /** The picture itself, or where it is: a signed address, or a file that Java knows. */
  file?: { bytes: Uint8Array; fileName: string }
  signedUrl?: string
  fileId?: string
  prompt?: string
}

export type ImageAnalysis = {
  text: string
  tables: { columns: string[]; rows: CellValue[][]; confidence: number | null }[]
  /** Every row of every table as an object. */
  rows: Record<string, CellValue>[]
  /** What read it, e.g. `ocr` or `ocr+qwen-vl-max`. */
  engine: string
  /** What the vision model said to the prompt; null without one. */
  description: string | null
  /** Totals that do not add up, marks out of range, numbers given twice. */
  checks: FailedCheck[]
  warnings: string[]
}

export type Images = {
  analyze(workspace: WorkspaceId, request: AnalyzeRequest, token: string | undefined, signal: AbortSignal): Promise<ImageAnalysis>
}

const DEFAULT_PROMPT = 'Describe what this picture shows. Transcribe every table and every number exactly.'

export function createImages(deps: EngineDeps): Images {
  return { analyze: (workspace, request, token, signal) => onBehalfOf({ workspace }, () => analyze(deps, request, token, signal)) }
}

async function analyze(deps: EngineDeps, request: AnalyzeRequest, token: string | undefined, signal: AbortSignal): Promise<ImageAnalysis> {
  const { bytes, fileName } = await fileOf(deps, request, token, signal)
  if (bytes.length === 0) throw new AppError('unprocessable_document', 'The file is empty.')
  const { mediaType } = deps.parser.identify(bytes, fileName)
  if (!mediaType.startsWith('image/') && mediaType !== 'application/pdf') {
    throw new AppError('unsupported_file_type', `A picture or a PDF is expected, not ${mediaType}.`)
  }
  const picturesAreRead = deps.models.vision !== undefined
  const parsed = await deps.parser.parse(
    { bytes, fileName, options: { ...DEFAULT_PARSE_OPTIONS, parseMethod: 'auto' }, picturesAreRead },
    signal,
  )
  const seen = await look(deps, parsed, bytes, mediaType, request.prompt, signal)
  const tables = sheetTables(parsed.blocks)
  return {
    text: parsed.blocks
      .filter((block) => block.text !== '')
      .map((block) => block.text)
      .join('\n\n'),
    tables,
    rows: sheetRows(tables),
    engine: seen === undefined ? 'ocr' : `ocr+${seen.model}`,
    description: seen?.text ?? null,
    checks: failedChecks(tables),
    warnings: [...parsed.warnings, ...(seen?.warning === undefined ? [] : [seen.warning])],
  }
}

async function fileOf(
  deps: EngineDeps,
  request: AnalyzeRequest,
  token: string | undefined,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; fileName: string }> {
  if (request.file !== undefined) return request.file
  if (request.signedUrl !== undefined) {
    const { bytes } = await deps.download(request.signedUrl, signal)
    return { bytes, fileName: request.fileId ?? 'picture' }
  }
  if (request.fileId === undefined) throw new AppError('invalid_request', 'Send a file, a signedUrl or a fileId.')
  if (deps.java === undefined) throw new AppError('invalid_request', 'A fileId alone needs JAVA_BASE_URL; send a file or a signedUrl.')
  const { bytes } = await deps.download(await deps.java.downloadUrl(request.fileId, token, signal), signal)
  return { bytes, fileName: request.fileId }
}

type Seen = { model: string; text: string | null; warning?: string }

/** The vision model reads in addition; when it fails, what OCR read is still an answer, and the failure is a warning. */
async function look(
  deps: EngineDeps,
  parsed: ParsedDocument,
  bytes: Uint8Array,
  mediaType: string,
  prompt: string | undefined,
  signal: AbortSignal,
): Promise<Seen | undefined> {
  const { vision } = deps.models
  const [asset] = parsed.assets
  const picture = asset?.preview ?? (mediaType.startsWith('image/') ? { bytes, mediaType } : asset)
  if (vision === undefined || picture === undefined) return undefined
  try {
    const { text } = await vision.describe(picture, prompt ?? DEFAULT_PROMPT, signal)
    return { model: vision.model, text }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof AppError)) throw error
    return { model: vision.model, text: null, warning: `The vision model could not be used: ${error.message}` }
  }
}
