// Fills a scratch database with a corpus: the same chunking, extraction, folding and vectors as publishing, many documents to a transaction.
import type { ParsedDocument } from '../../core/blocks.ts'
import type { CorpusEntry } from '../../core/beir.ts'
import { AppError } from '../../core/errors.ts'
import { EMPTY_EXTRACTION, type Extraction } from '../../core/extraction.ts'
import { chunkKnowledge } from '../../core/knowledge.ts'
import { entityId } from '../../core/names.ts'
import { normaliseForSearch } from '../../core/text.ts'
import { type WorkspaceId, workspaceScope } from '../../core/workspace.ts'
import type { Database } from '../../ports/database.ts'
import type { Models } from '../../ports/models.ts'
import * as chunks from '../../store/chunks.ts'
import { analyze, insertDocuments } from '../../store/corpus.ts'
import { type ScopedTx, withScope } from '../../store/scope.ts'
import * as vectors from '../../store/vectors.ts'
import { toHalf } from '../../store/vectors-codec.ts'
import * as workspaces from '../../store/workspaces.ts'
import { applyEvidence } from '../graph/evidence.ts'
import { planChunks, type PlannedChunk } from '../ingest/plan.ts'
import { chunkRow, termsRow } from '../ingest/rows.ts'

/** Documents to a transaction: enough to hide its cost, few enough to keep memory small. */
const BATCH = 64

export type LoadOptions = { workspace: WorkspaceId; chunkMaxTokens: number; graph: ReadonlyMap<string, Extraction> | undefined }

/** A loaded corpus; entries are found again by the file they became. */
export type Loaded = { workspace: WorkspaceId; entryOfFile: ReadonlyMap<string, string>; chunks: number }

type Planned = { entry: CorpusEntry; fileId: string; chunks: PlannedChunk[] }

export async function loadCorpus(
  database: Database,
  models: Models,
  entries: readonly CorpusEntry[],
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Loaded> {
  const { workspace } = options
  const { embedding } = models
  const spaceId = await workspaces.ensureSpace(database.db, embedding.model, embedding.dim)
  const home = { shard: 'small', space_id: spaceId, dim: embedding.dim }
  await withScope(database, workspaceScope(workspace), (tx) => workspaces.ensure(tx, workspace, spaceId))
  const extractor = options.graph ? 'graph' : (models.extractor?.id ?? null)
  // Corpora name their entries as they like; files have names of ours.
  const planned: Planned[] = []
  for (const [index, entry] of entries.entries()) {
    const fileId = `d${index}`
    const chunks = await planChunks(workspace, fileId, documentOf(entry), { maxTokens: options.chunkMaxTokens, extractor })
    planned.push({ entry, fileId, chunks })
  }
  for (let at = 0; at < planned.length; at += BATCH) {
    const batch = planned.slice(at, at + BATCH)
    const evidence = await evidenceOf(batch, models, options.graph, signal)
    await writeBatch({ database, models, workspace, home }, batch, evidence, signal)
  }
  await analyze(database.db)
  return {
    workspace,
    entryOfFile: new Map(planned.map(({ entry, fileId }) => [fileId, entry.id])),
    chunks: planned.reduce((sum, document) => sum + document.chunks.length, 0),
  }
}

function documentOf({ title, text, id }: CorpusEntry): ParsedDocument {
  return {
    title: title || id,
    mediaType: 'text/plain',
    blocks: [{ type: 'paragraph', text: text || title, headings: [] }],
    assets: [],
    warnings: [],
  }
}

type Evidence = Parameters<typeof applyEvidence>[2]['add'][number]

async function evidenceOf(
  batch: readonly Planned[],
  models: Models,
  graph: LoadOptions['graph'],
  signal: AbortSignal,
): Promise<Evidence[]> {
  if (graph) {
    return batch.flatMap(({ entry, chunks }) => {
      const extraction = graph.get(entry.id) ?? EMPTY_EXTRACTION
      return chunks.map((chunk, index): Evidence => ({
        chunkId: chunk.chunkId,
        knowledge: chunkKnowledge(shareOf(extraction, chunks, index)),
        rank: 1,
        extractor: 'graph',
      }))
    })
  }
  const { extractor } = models
  if (!extractor) return []
  const all = batch.flatMap((document) => document.chunks)
  const open = all.filter((chunk) => chunk.stated === undefined)
  const { extractions } = await extractor.extract(
    open.map((chunk) => ({ text: chunk.content, header: chunk.header })),
    signal,
  )
  const rank = extractor.id.startsWith('builtin') ? 2 : 1
  const extracted = new Map(open.map((chunk, index) => [chunk.chunkId, chunkKnowledge(extractions[index] ?? EMPTY_EXTRACTION)]))
  return all.map(({ chunkId, stated, extractor: by }): Evidence => ({
    chunkId,
    knowledge: stated ?? extracted.get(chunkId) ?? chunkKnowledge(EMPTY_EXTRACTION),
    rank: stated ? 0 : rank,
    extractor: by ?? extractor.id,
  }))
}

/** Of an entry's extraction, what one of its chunks says: names that stand in it; the first chunk gets what stands in none. */
function shareOf(extraction: Extraction, chunks: readonly PlannedChunk[], index: number): Extraction {
  if (chunks.length === 1) return extraction
  const texts = chunks.map((chunk) => normaliseForSearch(chunk.embedText))
  const holds = (...names: string[]): boolean => {
    const wanted = names.map(normaliseForSearch)
    const inText = (text: string | undefined): boolean => text !== undefined && wanted.every((name) => text.includes(name))
    return inText(texts[index]) || (index === 0 && !texts.some(inText))
  }
  return {
    ...extraction,
    entities: extraction.entities.filter((entity) => holds(entity.name)),
    relations: extraction.relations.filter((relation) => holds(relation.source, relation.target)),
  }
}

type Target = { database: Database; models: Models; workspace: WorkspaceId; home: vectors.VectorHome }

async function writeBatch(
  { database, models, workspace, home }: Target,
  batch: readonly Planned[],
  evidence: readonly Evidence[],
  signal: AbortSignal,
): Promise<void> {
  const all = batch.flatMap((document) => document.chunks)
  const names = [
    ...new Set(
      evidence.flatMap(({ knowledge }) => [
        ...knowledge.entities.map((entity) => entity.key),
        ...knowledge.aliases.map((alias) => alias.aliasKey),
      ]),
    ),
  ]
  const facts = new Map(
    evidence.flatMap(({ knowledge }) => knowledge.relations.map((relation) => [relation.factId, relation.factText] as const)),
  )
  const texts = [...new Set([...all.map((chunk) => chunk.embedText), ...names, ...facts.values()])]
  const made = texts.length === 0 ? [] : (await models.embedding.embed(texts, 'document', signal)).vectors
  const vectorOf = new Map(texts.map((text, index) => [text, toHalf(made[index] ?? [])]))
  const pick = (pairs: Iterable<readonly [id: string, text: string]>): Map<string, Float32Array> =>
    new Map(
      [...pairs].map(([id, text]) => {
        const vector = vectorOf.get(text)
        if (!vector || vector.length !== home.dim)
          throw new AppError('embedding_service_unavailable', 'The embedding model returned fewer vectors than texts.')
        return [id, vector]
      }),
    )
  await withScope(database, workspaceScope(workspace), async (tx) => {
    await insertDocuments(
      tx,
      workspace,
      batch.map(({ entry, fileId, chunks }) => ({ file_id: fileId, file_name: entry.title || entry.id, chunk_count: chunks.length })),
    )
    await writeChunks(tx, workspace, batch)
    await applyEvidence(tx, workspace, { removeChunks: [], add: evidence })
    await vectors.upsert(tx, workspace, home, 'chunk', pick(all.map((chunk) => [chunk.chunkId, chunk.embedText])))
    await vectors.upsert(tx, workspace, home, 'entity', pick(names.map((name) => [entityId(name), name])))
    await vectors.upsert(tx, workspace, home, 'relation', pick(facts))
    await workspaces.bumpRevision(tx, workspace)
  })
}

async function writeChunks(tx: ScopedTx, workspace: WorkspaceId, batch: readonly Planned[]): Promise<void> {
  const rows = batch.flatMap(({ fileId, chunks: planned }) =>
    planned.map((chunk) => chunkRow(fileId, chunk, { collection: 'default', metadata: {} })),
  )
  await chunks.upsert(tx, workspace, rows)
  const terms = batch.flatMap(({ chunks: planned }) => planned.map((chunk) => termsRow(workspace, chunk.chunkId, chunk.embedText)))
  await chunks.upsertTerms(tx, workspace, terms)
}
