// Stage: everything a document says becomes visible at one instant. Nothing slow happens here; a model is never called.
import type { ParsedDocument } from '../../core/blocks.ts'
import { AppError } from '../../core/errors.ts'
import type { ChunkKnowledge } from '../../core/knowledge.ts'
import { entityId } from '../../core/names.ts'
import { indexTerms, tsvectorLiteral } from '../../core/terms.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as chunks from '../../store/chunks.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import * as mentions from '../../store/mentions.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as staging from '../../store/staging.ts'
import * as vectors from '../../store/vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { applyEvidence, type EvidenceEffect, type NewEvidence } from '../graph/evidence.ts'
import { requestJudging } from '../judging-request.ts'
import { requestSummaries } from '../summaries.ts'
import { tellJava, type IngestJob } from './job.ts'
import { diffChunks, sha256, type PlannedChunk } from './plan.ts'
import type { Home } from './think.ts'

type Diff = ReturnType<typeof diffChunks>

export type Publication = {
  parsed: ParsedDocument
  planned: readonly PlannedChunk[]
  knowledge: ReadonlyMap<string, ChunkKnowledge>
  /** Unit vectors by the hash of the embedded text: chunks, names and facts. */
  vectorsByHash: ReadonlyMap<string, Float32Array>
  home: Home
  collection: string
  metadata: Record<string, unknown>
  live: Omit<documents.LiveVersion, 'fileId' | 'jobId'>
  /** What else becomes true at the same instant. */
  within?: (tx: ScopedTx) => Promise<void>
  /** The job goes on after this publication; only its lease is checked. */
  keepsJob?: boolean
  /** The vectors lie in a space of their own, not in the workspace's. */
  ownSpace?: boolean
  /** Writes the vectors of unchanged chunks too. */
  rewriteVectors?: boolean
}

/** While the last statements run; the heartbeat takes over again. */
const PUBLISH_LEASE_MS = 60_000

/** The lease was lost or the document deleted: nothing was written. */
export class Superseded extends Error {}

/** Texts whose vectors vanished between thinking and publishing, because another document let go of them. */
export class VectorsMissing extends Error {
  readonly texts: string[]

  constructor(texts: string[]) {
    super('vectors are missing')
    this.texts = texts
  }
}

/**
 * Replaces the document's chunks, vectors, terms, mentions, the folds they touch, its state and the outbox row in one
 * transaction under the workspace's lock.
 *
 * @throws Superseded when this job may not commit any more; VectorsMissing when texts must be embedded first.
 */
export async function publish(deps: EngineDeps, job: IngestJob, publication: Publication): Promise<void> {
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    await workspaces.lockForPublish(tx, job.workspace)
    const ours = publication.keepsJob ? jobs.heartbeat(tx, job.row, PUBLISH_LEASE_MS) : jobs.finish(tx, job.row)
    if (!(await ours)) throw new Superseded()
    if (!publication.ownSpace) await stillAtHome(tx, job, publication.home)
    const before = await chunks.live(tx, job.workspace, job.fileId)
    const diff = diffChunks(before, publication.planned)
    const evidence = newEvidence(publication, diff.reextract)
    const effect = await writeContent(tx, job, publication, diff, evidence)
    await writeVectors(tx, job, publication, diff, effect)
    const counts = await documents.complete(tx, job.workspace, { fileId: job.fileId, jobId: job.row.job_id, ...publication.live })
    if (counts === undefined) throw new Superseded()
    await staging.clear(tx, job.workspace, job.fileId)
    await publication.within?.(tx)
    await requestSummaries(deps, tx, job.workspace, effect.folded)
    await requestJudging(deps, tx, job.workspace)
    await workspaces.bumpRevision(tx, job.workspace)
    await tellJava(deps, tx, job, { parseStatus: 'completed', chunkCount: counts.chunks, entityCount: counts.entities, parseError: null })
  })
  if (job.payload.callback) deps.wake('outbox')
}

/** A workspace that was re-embedded meanwhile would not find vectors of the space it left. */
async function stillAtHome(tx: ScopedTx, job: IngestJob, home: Home): Promise<void> {
  const [row] = await workspaces.inScope(tx, [job.workspace])
  if (row?.space_id === home.space_id) return
  throw new AppError(
    'vector_store_error',
    'The workspace moved to another embedding space while this document was read; it is tried again.',
  )
}

/** The content is the live version's already: only the attempt is completed. */
export async function publishUnchanged(deps: EngineDeps, job: IngestJob, live: documents.LiveVersion): Promise<void> {
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    if (!(await jobs.finish(tx, job.row))) throw new Superseded()
    const counts = await documents.complete(tx, job.workspace, live)
    if (counts === undefined) throw new Superseded()
    await staging.clear(tx, job.workspace, job.fileId)
    await tellJava(deps, tx, job, { parseStatus: 'completed', chunkCount: counts.chunks, entityCount: counts.entities, parseError: null })
  })
  if (job.payload.callback) deps.wake('outbox')
}

function newEvidence(publication: Publication, reextract: readonly PlannedChunk[]): NewEvidence[] {
  return reextract.flatMap((chunk): NewEvidence[] => {
    const knowledge = publication.knowledge.get(chunk.chunkId)
    if (knowledge === undefined || chunk.extractor === null) return []
    const rank = chunk.extractor.startsWith('stated-') ? 0 : chunk.extractor.startsWith('builtin') ? 2 : 1
    return [{ chunkId: chunk.chunkId, knowledge, rank, extractor: chunk.extractor }]
  })
}

async function writeContent(
  tx: ScopedTx,
  job: IngestJob,
  publication: Publication,
  diff: Diff,
  evidence: readonly NewEvidence[],
): Promise<EvidenceEffect> {
  const { workspace, fileId } = job
  const rows = publication.planned.map((chunk) => toRow(chunk, publication, workspace))
  await chunks.upsert(
    tx,
    workspace,
    rows.map((row) => ({ ...row, file_id: fileId })),
  )
  await chunks.upsertTerms(tx, workspace, rows)
  const effect = await applyEvidence(tx, workspace, { removeChunks: diff.stale, add: evidence })
  await chunks.remove(tx, workspace, diff.removed)
  await chunks.replaceBlocks(tx, workspace, fileId, publication.parsed.blocks)
  await chunks.replaceAssets(
    tx,
    workspace,
    fileId,
    publication.parsed.assets.map((asset) => ({ sha256: asset.sha256, media_type: asset.mediaType, bytes: Buffer.from(asset.bytes) })),
  )
  return effect
}

function toRow(chunk: PlannedChunk, publication: Publication, workspace: IngestJob['workspace']): chunks.ChunkRow {
  const terms = indexTerms(chunk.embedText)
  return {
    chunk_id: chunk.chunkId,
    ordinal: chunk.ordinal,
    content: chunk.content,
    header: chunk.header,
    headings: chunk.headings,
    page: chunk.page ?? null,
    page_end: chunk.pageEnd ?? null,
    tokens: chunk.tokens,
    text_hash: chunk.textHash,
    embed_hash: chunk.embedHash,
    extractor: chunk.extractor,
    collection: publication.collection,
    metadata: chunk.metadata ?? publication.metadata,
    terms: tsvectorLiteral(terms, workspace),
    length: [...terms.values()].reduce((sum, frequency) => sum + frequency, 0),
  }
}

async function writeVectors(tx: ScopedTx, job: IngestJob, publication: Publication, diff: Diff, effect: EvidenceEffect): Promise<void> {
  const { home, vectorsByHash } = publication
  const missing: string[] = []
  const take = (into: Map<string, Float32Array>, id: string, text: string): void => {
    const vector = vectorsByHash.get(sha256(text))
    if (vector) into.set(id, vector)
    else missing.push(text)
  }
  const ofChunks = new Map<string, Float32Array>()
  for (const chunk of publication.rewriteVectors ? publication.planned : diff.revector) take(ofChunks, chunk.chunkId, chunk.embedText)
  await vectors.remove(tx, job.workspace, home, 'chunk', diff.removed)
  await vectors.upsert(tx, job.workspace, home, 'chunk', ofChunks)
  await settleGraphVectors(tx, job.workspace, home, effect, take)
  if (missing.length > 0) throw new VectorsMissing(missing)
}

/** A name has a vector while any mention uses it, a fact while any chunk asserts it. */
async function settleGraphVectors(
  tx: ScopedTx,
  workspace: IngestJob['workspace'],
  home: vectors.VectorHome,
  effect: EvidenceEffect,
  take: (into: Map<string, Float32Array>, id: string, text: string) => void,
): Promise<void> {
  const names = new Map([...effect.addedKeys].map((key) => [entityId(key), key]))
  const haveNames = await vectors.present(tx, workspace, home, 'entity', [...names.keys()])
  const newNames = new Map<string, Float32Array>()
  for (const [id, key] of names) if (!haveNames.has(id)) take(newNames, id, key)
  await vectors.upsert(tx, workspace, home, 'entity', newNames)
  const haveFacts = await vectors.present(tx, workspace, home, 'relation', [...effect.addedFacts.keys()])
  const newFacts = new Map<string, Float32Array>()
  for (const [id, text] of effect.addedFacts) if (!haveFacts.has(id)) take(newFacts, id, text)
  await vectors.upsert(tx, workspace, home, 'relation', newFacts)
  await dropGraphVectors(tx, workspace, home, effect)
}

export async function dropGraphVectors(
  tx: ScopedTx,
  workspace: IngestJob['workspace'],
  home: vectors.VectorHome,
  effect: EvidenceEffect,
): Promise<void> {
  const lostNames = [...effect.removedKeys].filter((key) => !effect.addedKeys.has(key))
  const usedNames = await mentions.keysInUse(tx, workspace, lostNames)
  const goneNames = lostNames.filter((key) => !usedNames.has(key)).map(entityId)
  await vectors.remove(tx, workspace, home, 'entity', goneNames)
  const lostFacts = [...effect.removedFacts].filter((fact) => !effect.addedFacts.has(fact))
  const usedFacts = await mentions.factsInUse(tx, workspace, lostFacts)
  const goneFacts = lostFacts.filter((fact) => !usedFacts.has(fact))
  await vectors.remove(tx, workspace, home, 'relation', goneFacts)
}
