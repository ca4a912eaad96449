// What ingesting a file would cost, before anything is called: read and cut as ingest does, then counted. Nothing is stored.
import type { ParsedDocument } from '../core/blocks.ts'
import { AppError } from '../core/errors.ts'
import { type WorkspaceId, workspaceId } from '../core/workspace.ts'
import { countTokens } from '../core/tokens.ts'
import type { Database } from '../ports/database.ts'
import { NO_USAGE, type EmbeddingModel, type Extractor, type Usage, type VisionModel } from '../ports/models.ts'
import { DEFAULT_PARSE_OPTIONS, type DocumentParser, type ParseOptions } from '../ports/parser.ts'
import * as ledger from '../store/ledger.ts'
import * as workspaces from '../store/workspaces.ts'
import type { EngineDeps } from './deps.ts'
import { planChunks } from './ingest/plan.ts'

export type EstimateDeps = {
  parser: DocumentParser
  extractor: Extractor | undefined
  embedding: EmbeddingModel
  vision: VisionModel | undefined
  chunkMaxTokens: number
  /** CNY; undefined where the catalogue has no price. */
  price: (model: string, usage: Usage) => number | undefined
  /** What the model has written before for a token it was given; undefined: nobody knows. */
  history?: ((model: string) => Promise<WrittenBefore | undefined>) | undefined
}

export type WrittenBefore = { basis: 'workspace' | 'service'; outputPerInput: number }

export type RoleEstimate = {
  role: 'extract' | 'embed' | 'vision'
  model: string
  calls: number
  inputTokens: number
  outputTokens: number
  /** What output is told from: earlier calls of this workspace or of everybody, or an assumption; a model that writes none has none. */
  outputFrom?: WrittenBefore['basis'] | 'assumption'
  /** Null: the catalogue has no price for the model. */
  costCny: number | null
}

export type Estimate = {
  file: string
  characters: number
  chunks: number
  /** Chunks that their source explains itself; they need no extractor. */
  stated: number
  roles: RoleEstimate[]
  /** Null when a role has no price. */
  costCny: number | null
}

/** Names and facts that a chunk of a lesson adds to what is embedded, and the tokens of each; from our own corpora, so an assumption elsewhere. */
const NAMES_PER_CHUNK = 6
const TOKENS_PER_NAME = 8
/** A picture of about one megapixel and a paragraph about it. */
const PICTURE: Usage = { ...NO_USAGE, inputTokens: 1500, outputTokens: 300 }
/** Below this many pixels a side nobody looks at a picture. */
const MIN_SIDE = 64

/** @throws AppError as parsing does. */
export async function estimateFile(
  deps: EstimateDeps,
  file: { name: string; bytes: Uint8Array; options?: ParseOptions },
  signal: AbortSignal,
): Promise<Estimate> {
  const { bytes, name: fileName, options = DEFAULT_PARSE_OPTIONS } = file
  const input = { bytes, fileName, options, picturesAreRead: deps.vision !== undefined }
  const parsed = await deps.parser.parse(input, signal)
  const planned = await planChunks(workspaceId('public'), 'estimate', parsed, {
    maxTokens: deps.chunkMaxTokens,
    extractor: deps.extractor?.id ?? null,
  })
  const texts = [...new Map(planned.filter((chunk) => chunk.stated === undefined).map((chunk) => [chunk.textHash, chunk.content])).values()]
  const roles = [
    await extraction(deps, texts),
    embedding(
      deps,
      planned.map((chunk) => chunk.embedText),
    ),
    pictures(deps, parsed),
  ].filter((role) => role !== undefined)
  return {
    file: file.name,
    characters: planned.reduce((sum, chunk) => sum + chunk.content.length, 0),
    chunks: planned.length,
    stated: planned.filter((chunk) => chunk.stated !== undefined).length,
    roles,
    costCny: total(roles.map((role) => role.costCny)),
  }
}

/** Null as soon as one part is unknown: a sum without it would look like a whole. */
export const total = (costs: readonly (number | null)[]): number | null =>
  costs.includes(null) ? null : costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0)

async function extraction({ extractor, price, history }: EstimateDeps, texts: readonly string[]): Promise<RoleEstimate | undefined> {
  const expected = extractor?.expect?.(texts.map((text) => ({ text, header: '' })))
  if (expected === undefined) return undefined
  const { model, calls } = expected
  const before = await history?.(model)
  const usage =
    before === undefined
      ? expected.usage
      : { ...expected.usage, outputTokens: Math.ceil(expected.usage.inputTokens * before.outputPerInput) }
  const outputFrom = before?.basis ?? 'assumption'
  return { role: 'extract', model, calls, ...tokensOf(usage), outputFrom, costCny: price(model, usage) ?? null }
}

/** Fewer calls than these say little about a model. */
const MIN_CALLS = 10

/** What the ledger knows of what a model writes when it extracts: for this workspace, else for all. */
export async function writtenBefore(db: Database['side'], workspace: WorkspaceId, model: string): Promise<WrittenBefore | undefined> {
  const { here, everywhere } = await ledger.written(db, workspace, { role: 'extract', model })
  const [basis, seen] = here.calls >= MIN_CALLS ? (['workspace', here] as const) : (['service', everywhere] as const)
  if (seen.calls < MIN_CALLS || seen.inputTokens === 0) return undefined
  return { basis, outputPerInput: seen.outputTokens / seen.inputTokens }
}

/** For a file that would be uploaded: with the workspace's own models and profile, and what they wrote before. Stores nothing, calls nothing. */
export async function estimateUpload(
  deps: EngineDeps,
  workspace: WorkspaceId,
  { fileName, bytes, options }: { fileName: string; bytes: Uint8Array; options: ParseOptions },
  signal: AbortSignal,
): Promise<Estimate> {
  const { models, limits } = deps
  if (bytes.length === 0) throw new AppError('invalid_request', 'The file is empty.')
  if (bytes.length > limits.uploadMaxBytes) {
    throw new AppError('payload_too_large', `The file is larger than ${limits.uploadMaxBytes} bytes.`)
  }
  const [row] = await workspaces.inScope(deps.database.side, [workspace])
  const estimating: EstimateDeps = {
    parser: deps.parser,
    extractor: models.extractorFor(row?.settings.profile ?? {}),
    embedding: (row === undefined ? undefined : models.embeddingFor(row.model, row.dim)) ?? models.embedding,
    vision: models.vision,
    chunkMaxTokens: limits.chunkMaxTokens,
    price: deps.price ?? (() => undefined),
    history: (model) => writtenBefore(deps.database.side, workspace, model),
  }
  return estimateFile(estimating, { name: fileName, bytes, options }, signal)
}

/** Models of this machine cost nothing that a catalogue knows. */
function embedding({ embedding: model, price }: EstimateDeps, texts: readonly string[]): RoleEstimate | undefined {
  const [provider, name] = splitOnce(model.model)
  if (provider !== 'openai') return undefined
  const names = texts.length * NAMES_PER_CHUNK
  const inputTokens = texts.reduce((sum, text) => sum + countTokens(text), 0) + names * TOKENS_PER_NAME
  const usage = { ...NO_USAGE, inputTokens }
  return {
    role: 'embed',
    model: name,
    calls: Math.ceil((texts.length + names) / model.maxBatch),
    ...tokensOf(usage),
    costCny: price(name, usage) ?? null,
  }
}

function pictures({ vision, price }: EstimateDeps, { assets }: ParsedDocument): RoleEstimate | undefined {
  const seen = assets.filter(({ width = 0, height = 0 }) => width >= MIN_SIDE && height >= MIN_SIDE).length
  if (vision === undefined || seen === 0) return undefined
  const usage = { ...NO_USAGE, inputTokens: seen * PICTURE.inputTokens, outputTokens: seen * PICTURE.outputTokens }
  return { role: 'vision', model: vision.model, calls: seen, ...tokensOf(usage), costCny: price(vision.model, usage) ?? null }
}

const tokensOf = ({ inputTokens, outputTokens }: Usage): { inputTokens: number; outputTokens: number } => ({ inputTokens, outputTokens })

/** `openai/Qwen/Qwen3` is the provider openai and the model Qwen/Qwen3. */
function splitOnce(model: string): [string, string] {
  const at = model.indexOf('/')
  return [model.slice(0, at), model.slice(at + 1)]
}
