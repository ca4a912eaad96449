// Stage: chunks with their identities, and what of the live version stays.
import { createHash } from 'node:crypto'
import { setImmediate as breathe } from 'node:timers/promises'
import type { ParsedDocument } from '../../core/blocks.ts'
import { chunkSteps, type ChunkDraft } from '../../core/chunking.ts'
import { EMPTY_EXTRACTION, type Extraction } from '../../core/extraction.ts'
import { explain } from '../../core/explained.ts'
import { chunkKnowledge, type ChunkKnowledge } from '../../core/knowledge.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import type { LiveChunk } from '../../store/chunks.ts'

/** Named in every recipe: a change of how documents are read or cut makes 'unchanged' untrue. */
export const PARSER_VERSION = 'blocks-2'
/** Names what staged readings of pages are worth; a change of engine, models or preparation makes them another reader's. */
export const OCR_VERSION = 'tesseract-1'
export const CHUNKING_VERSION = 'structure-3'
/** Which chunks explain themselves, and how. */
export const EXPLAINED_VERSION = 'explained-1'

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** Blocks read or chunks cut before the thread serves others. */
const STEPS_AT_ONCE = 50

export type PlannedChunk = ChunkDraft & {
  chunkId: string
  textHash: string
  embedText: string
  embedHash: string
  /** What the source itself states here, by its data or by the shape of its text; such a chunk needs no extractor. */
  stated: ChunkKnowledge | undefined
  statedBy?: StatedBy
  /** Id of the extractor whose mentions this chunk will carry; null when extraction is off. */
  extractor: string | null
  /** Of this chunk alone, in place of the document's; chunks that came ready bring their own. */
  metadata?: Record<string, unknown>
}

export type StatedBy = 'source' | 'glossary' | 'contents' | 'references'

/**
 * A chunk's id derives from workspace, file, its text and which repeat of that text it is, so that text which merely
 * moved keeps its row, its vector's neighbours and its mentions.
 */
export async function planChunks(
  workspace: WorkspaceId,
  fileId: string,
  parsed: ParsedDocument,
  options: { maxTokens: number; extractor: string | null },
): Promise<PlannedChunk[]> {
  const repeats = new Map<string, number>()
  const planned: PlannedChunk[] = []
  let steps = 0
  for (const drafts of chunkSteps(parsed, { maxTokens: options.maxTokens })) {
    if (++steps % STEPS_AT_ONCE === 0) await breathe()
    for (const draft of drafts) planned.push(plannedChunk(workspace, fileId, parsed, { draft, extractor: options.extractor, repeats }))
  }
  return planned
}

function plannedChunk(
  workspace: WorkspaceId,
  fileId: string,
  parsed: ParsedDocument,
  { draft, extractor, repeats }: { draft: ChunkDraft; extractor: string | null; repeats: Map<string, number> },
): PlannedChunk {
  const textHash = sha256(draft.content)
  const repeat = repeats.get(textHash) ?? 0
  repeats.set(textHash, repeat + 1)
  const embedText = draft.header === '' ? draft.content : `${draft.header}\n${draft.content}`
  const { knowledge: stated, by } = statedIn(parsed, draft, extractor !== null) ?? {}
  const chunkId = `c_${createHash('sha256')
    .update(JSON.stringify([workspace, fileId, textHash, repeat]))
    .digest('base64url')
    .slice(0, 20)}`
  const made = stated === undefined ? extractor : `${parsed.stated?.by ?? 'stated'}-${sha256(JSON.stringify(stated)).slice(0, 12)}`
  const told = by === undefined ? {} : { statedBy: by }
  return { ...draft, chunkId, textHash, embedText, embedHash: sha256(embedText), stated, ...told, extractor: made }
}

/** Where nothing is to be extracted, only data that says what it is counts. */
function statedIn(
  parsed: ParsedDocument,
  draft: ChunkDraft,
  isExtracting: boolean,
): { knowledge: ChunkKnowledge; by: StatedBy } | undefined {
  const [from, to] = draft.blocks
  const inside = (entry: { block: number }): boolean => entry.block >= from && entry.block <= to
  const entities = parsed.stated?.entities.filter(inside) ?? []
  const relations = parsed.stated?.relations.filter(inside) ?? []
  if (entities.length > 0 || relations.length > 0 || parsed.stated?.by !== undefined) {
    const extraction: Extraction = {
      ...EMPTY_EXTRACTION,
      entities: entities.map((entity) => ({ ...entity, quote: entity.quote ?? entity.name })),
      relations: relations.map((relation) => ({
        ...relation,
        quote: relation.quote ?? relation.description,
        weight: relation.weight ?? 1,
      })),
    }
    return { knowledge: chunkKnowledge(extraction), by: 'source' }
  }
  if (!isExtracting) return undefined
  const blocks = parsed.blocks.slice(from, to + 1)
  const asides = new Set(blocks.flatMap(({ type, text, table }) => (type === 'heading' ? [text] : (table?.caption ?? []))))
  const explained = explain(draft.content, { headings: [parsed.title, ...draft.headings], asides })
  return explained && { knowledge: chunkKnowledge(explained.extraction), by: explained.by }
}

export type ChunkDiff = {
  removed: string[]
  /** Live chunks whose mentions go: removed ones, and those that get new mentions. */
  stale: string[]
  /** Chunks whose text has no vector in the live version. */
  revector: PlannedChunk[]
  /** Chunks whose mentions must be made; of the live ones among them the old mentions go. */
  reextract: PlannedChunk[]
}

export function diffChunks(live: readonly LiveChunk[], planned: readonly PlannedChunk[]): ChunkDiff {
  const before = new Map(live.map((chunk) => [chunk.chunk_id, chunk]))
  const after = new Set(planned.map((chunk) => chunk.chunkId))
  const removed = live.filter((chunk) => !after.has(chunk.chunk_id)).map((chunk) => chunk.chunk_id)
  const reextract = planned.filter((chunk) => before.get(chunk.chunkId)?.extractor !== chunk.extractor)
  return {
    removed,
    stale: [...removed, ...reextract.map((chunk) => chunk.chunkId).filter((id) => before.has(id))],
    revector: planned.filter((chunk) => before.get(chunk.chunkId)?.embed_hash !== chunk.embedHash),
    reextract,
  }
}
