// Stage: the slow work with models, before any transaction. Every reply is stored as it arrives, and what the live
// version or an equal chunk already holds is not asked for again.
import pLimit from 'p-limit'
import { EMPTY_EXTRACTION, type Extraction } from '../../core/extraction.ts'
import { chunkKnowledge, type ChunkKnowledge } from '../../core/knowledge.ts'
import { workspaceScope } from '../../core/workspace.ts'
import type { EmbeddingModel, Extractor } from '../../ports/models.ts'
import * as mentions from '../../store/mentions.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as staging from '../../store/staging.ts'
import { toHalf } from '../../store/vectors-codec.ts'
import * as vectors from '../../store/vectors.ts'
import { requireBudget } from '../budget.ts'
import type { EngineDeps } from '../deps.ts'
import { happened } from '../steps.ts'
import type { IngestJob } from './job.ts'
import { sha256, type PlannedChunk } from './plan.ts'

/** Texts per round of embedding and chunks per round of extraction: what a crash can lose at most. */
const EMBED_ROUND = 64
const EXTRACT_ROUND = 8
const EXTRACT_PARALLEL = 4

/** Built-in models cost nothing to ask again, so their replies are not stored. */
const isFree = (id: string): boolean => id.startsWith('builtin')

export type Home = vectors.VectorHome & { model: EmbeddingModel }

const inScope = <T>(deps: EngineDeps, job: IngestJob, work: (tx: ScopedTx) => Promise<T>): Promise<T> =>
  withScope(deps.database, workspaceScope(job.workspace), work)

/** What each chunk says, by chunk id, and the chunks whose answer was cut short: used, but asked for again next time. */
export type Extracted = { knowledge: Map<string, ChunkKnowledge>; truncated: Set<string> }

/**
 * For the chunks that need it made. The extractor sees the text alone, never its header: what a chunk says must not depend on
 * the title of the document that said it first, or replies for equal text could not be shared and a title could outlive its document.
 */
export async function extractKnowledge(
  deps: EngineDeps,
  job: IngestJob,
  extractor: Extractor | undefined,
  chunks: readonly PlannedChunk[],
  progress: (share: number) => Promise<void>,
): Promise<Extracted> {
  const result = new Map<string, ChunkKnowledge>()
  const truncated = new Set<string>()
  for (const chunk of chunks) if (chunk.stated) result.set(chunk.chunkId, chunk.stated)
  for (const [by, explained] of Map.groupBy(chunks, (chunk) => chunk.statedBy))
    if (by !== undefined) happened({ kind: 'explained', by, chunks: explained.length })
  const open = chunks.filter((chunk) => chunk.stated === undefined)
  if (extractor === undefined || open.length === 0) return { knowledge: result, truncated }
  const byHash = Map.groupBy(open, (chunk) => chunk.textHash)
  const settleKnown = (hash: string, knowledge: ChunkKnowledge): void => {
    for (const chunk of byHash.get(hash) ?? []) result.set(chunk.chunkId, knowledge)
    byHash.delete(hash)
  }
  const settle = (hash: string, extraction: Extraction): void => {
    if (extraction.truncated) for (const chunk of byHash.get(hash) ?? []) truncated.add(chunk.chunkId)
    settleKnown(hash, chunkKnowledge(extraction))
  }
  const asking = byHash.size
  for (const [hash, knowledge] of await knownExtractions(deps, job, extractor, [...byHash.keys()])) settleKnown(hash, knowledge)
  const found = asking - byHash.size
  const asked = [...byHash.values()].flatMap((group) => group.slice(0, 1))
  if (!isFree(extractor.id)) happened({ kind: 'cache', cache: 'extraction', hits: found, misses: asked.length })
  if (asked.length > 0 && !isFree(extractor.id)) await requireBudget(deps, job.workspace)
  const limit = pLimit(EXTRACT_PARALLEL)
  let done = 0
  const rounds = Array.from({ length: Math.ceil(asked.length / EXTRACT_ROUND) }, (_, at) =>
    asked.slice(at * EXTRACT_ROUND, (at + 1) * EXTRACT_ROUND),
  )
  // The first round that fails ends the others, and none outlives this call: a reply nobody waits for would still be paid for.
  const stop = new AbortController()
  const signal = AbortSignal.any([job.signal, stop.signal])
  const started = rounds.map((round) =>
    limit(async () => {
      signal.throwIfAborted()
      const made = await extractRound(deps, { ...job, signal }, extractor, round)
      for (const [hash, extraction] of made) settle(hash, extraction)
      done += round.length
      await progress(done / asked.length)
    }),
  )
  try {
    await Promise.all(started)
  } finally {
    stop.abort(new Error('another part of the document failed'))
    await Promise.allSettled(started)
  }
  return { knowledge: result, truncated }
}

async function extractRound(
  deps: EngineDeps,
  job: IngestJob,
  extractor: Extractor,
  round: readonly PlannedChunk[],
): Promise<Map<string, Extraction>> {
  const { extractions } = await extractor.extract(
    round.map((chunk) => ({ text: chunk.content, header: '' })),
    job.signal,
  )
  const made = new Map(round.map((chunk, at) => [chunk.textHash, extractions[at] ?? EMPTY_EXTRACTION]))
  // A truncated answer is used, but asked for again next time.
  const keep = new Map([...made].filter(([, extraction]) => !extraction.truncated))
  if (!isFree(extractor.id)) await inScope(deps, job, (tx) => staging.stageExtractions(tx, job.workspace, job.fileId, extractor.id, keep))
  return made
}

async function knownExtractions(
  deps: EngineDeps,
  job: IngestJob,
  extractor: Extractor,
  hashes: readonly string[],
): Promise<Map<string, ChunkKnowledge>> {
  if (isFree(extractor.id)) return new Map()
  return inScope(deps, job, async (tx) => {
    const staged = await staging.extractions(tx, job.workspace, job.fileId, extractor.id)
    const equal = await mentions.ofEqualChunks(tx, job.workspace, hashes, extractor.id)
    return new Map([
      ...equal.map((row) => [row.text_hash, fromMentions(row)] as const),
      ...[...staged].filter(([hash]) => hashes.includes(hash)).map(([hash, extraction]) => [hash, chunkKnowledge(extraction)] as const),
    ])
  })
}

function fromMentions(row: Awaited<ReturnType<typeof mentions.ofEqualChunks>>[number]): ChunkKnowledge {
  return {
    entities: row.entities.map(({ key, name, type, description, quote }) => ({ key, name, type, description, quote })),
    relations: row.relations.map((relation) => ({
      sourceKey: relation.source_key,
      targetKey: relation.target_key,
      factId: relation.fact_id,
      factText: `${relation.source_key} ${relation.keywords.join(', ')} ${relation.target_key}`,
      keywords: relation.keywords,
      description: relation.description,
      quote: relation.quote,
      weight: Number(relation.weight),
    })),
    aliases: row.aliases.map((alias) => ({ key: alias.key, aliasKey: alias.alias_key, aliasName: alias.alias_name })),
  }
}

/**
 * Vectors of the texts, by text hash: staged ones, those of equal live chunks (unless all are to be made anew), and the rest
 * from the model.
 */
export async function embedTexts(
  deps: EngineDeps,
  job: IngestJob,
  home: Home,
  texts: readonly string[],
  progress: (share: number) => Promise<void>,
  options: { anew?: boolean } = {},
): Promise<Map<string, Float32Array>> {
  const byHash = new Map(texts.map((text) => [sha256(text), text]))
  const free = isFree(home.model.model)
  const known =
    free || byHash.size === 0 ? new Map<string, Float32Array>() : await knownVectors(deps, job, home, byHash, options.anew === true)
  const missing = [...byHash].filter(([hash]) => !known.has(hash))
  if (!free) happened({ kind: 'cache', cache: 'embedding', hits: byHash.size - missing.length, misses: missing.length })
  if (missing.length > 0 && !free) await requireBudget(deps, job.workspace)
  for (let at = 0; at < missing.length; at += EMBED_ROUND) {
    const round = missing.slice(at, at + EMBED_ROUND)
    const { vectors: made } = await home.model.embed(
      round.map(([, text]) => text),
      'document',
      job.signal,
    )
    const fresh = new Map(round.map(([hash], index) => [hash, toHalf(made[index] ?? [])]))
    if (!free) await inScope(deps, job, (tx) => staging.stageEmbeddings(tx, job.workspace, job.fileId, home.space_id, fresh))
    for (const [hash, vector] of fresh) known.set(hash, vector)
    await progress((at + round.length) / missing.length)
  }
  return known
}

function knownVectors(
  deps: EngineDeps,
  job: IngestJob,
  home: Home,
  byHash: ReadonlyMap<string, string>,
  anew: boolean,
): Promise<Map<string, Float32Array>> {
  return inScope(deps, job, async (tx) => {
    const staged = await staging.embeddings(tx, job.workspace, job.fileId, home.space_id)
    const equal = anew ? new Map<string, Float32Array>() : await vectors.ofEqualChunks(tx, job.workspace, home, [...byHash.keys()])
    return new Map([...equal, ...[...staged].filter(([hash]) => byHash.has(hash))])
  })
}
