// Stage: everything a document says becomes visible at one instant. Nothing slow happens here; a model is never called.
import { AppError } from '../../core/errors.ts'
import { entityId } from '../../core/names.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as chunks from '../../store/chunks.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import * as mentions from '../../store/mentions.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as versions from '../../store/staged-versions.ts'
import * as staging from '../../store/staging.ts'
import * as vectors from '../../store/vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { applyEvidence, type EvidenceEffect } from '../graph/evidence.ts'
import { requestJudging } from '../judging-request.ts'
import { requestSummaries } from '../summaries.ts'
import { tellJava, type IngestJob } from './job.ts'
import { type ChunkDiff, diffChunks, sha256 } from './plan.ts'
import { type Publication, type Staged, Superseded, VectorsMissing } from './publication.ts'
import { contentRows, newEvidence, type ContentRows } from './rows.ts'
import { stageLarge } from './stage.ts'

/** While the last statements run; the heartbeat takes over again. */
const PUBLISH_LEASE_MS = 60_000

/**
 * Replaces the document's chunks, vectors, terms, mentions, the folds they touch, its state and the outbox row in one
 * transaction under the workspace's lock. The new rows of a large document were written before, behind a curtain (stage.ts).
 *
 * @throws Superseded when this job may not commit any more; VectorsMissing when texts must be embedded first.
 */
export async function publish(deps: EngineDeps, job: IngestJob, publication: Publication): Promise<void> {
  await stageLarge(deps, job, publication)
  const rows = await contentRows(publication, job, (chunk) => publication.staged?.chunkIds.has(chunk.chunkId) !== true)
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    await workspaces.lockForPublish(tx, job.workspace)
    const ours = publication.keepsJob ? jobs.heartbeat(tx, job.row, PUBLISH_LEASE_MS) : jobs.finish(tx, job.row)
    if (!(await ours)) throw new Superseded()
    await settleStaged(tx, job, publication)
    const before = await chunks.live(tx, job.workspace, job.fileId)
    const diff = diffChunks(before, publication.planned)
    const effect = await writeContent(tx, job, publication, diff, rows)
    await writeVectors(tx, job, publication, diff, effect)
    const counts = await countNames(tx, job.workspace, publication, diff)
    const live = { fileId: job.fileId, jobId: job.row.job_id, ...publication.live }
    if ((await documents.complete(tx, job.workspace, live, counts)) === undefined) throw new Superseded()
    await staging.clear(tx, job.workspace, job.fileId)
    await publication.within?.(tx)
    await requestSummaries(deps, tx, job.workspace, effect.folded)
    await requestJudging(deps, tx, job.workspace)
    await workspaces.bumpRevision(tx, job.workspace)
    await tellJava(deps, tx, job, { parseStatus: 'completed', chunkCount: counts.chunks, entityCount: counts.entities, parseError: null })
  })
  if (job.payload.callback) deps.wake('outbox')
}

/** Nothing may be staged of the document but what is about to be published, and the workspace must be where it was then. */
async function settleStaged(tx: ScopedTx, job: IngestJob, { staged, home, ownSpace }: Publication): Promise<void> {
  const now = await versions.standing(tx, job.workspace, job.fileId)
  // A workspace that was re-embedded meanwhile would not find vectors of the space it left.
  if (ownSpace !== true && now?.space_id !== home.space_id) {
    throw new AppError(
      'vector_store_error',
      'The workspace moved to another embedding space while this document was read; it is tried again.',
    )
  }
  const standing = now?.versions ?? []
  if (staged === undefined) {
    if (standing.length > 0) await versions.drop(tx, job.workspace, job.fileId)
    return
  }
  if (standing.length !== 1 || standing[0]?.version !== staged.version) throw new Superseded()
  if (standing[0].shard === now?.shard) return
  throw new AppError('vector_store_error', 'The workspace moved to another partition while this document was written; it is tried again.')
}

/** The content is the live version's already: only the attempt is completed. */
export async function publishUnchanged(deps: EngineDeps, job: IngestJob, live: documents.LiveVersion): Promise<void> {
  await withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    if (!(await jobs.finish(tx, job.row))) throw new Superseded()
    const counts = await documents.complete(tx, job.workspace, live, undefined)
    if (counts === undefined) throw new Superseded()
    await staging.clear(tx, job.workspace, job.fileId)
    await tellJava(deps, tx, job, { parseStatus: 'completed', chunkCount: counts.chunks, entityCount: counts.entities, parseError: null })
  })
  if (job.payload.callback) deps.wake('outbox')
}

async function writeContent(
  tx: ScopedTx,
  job: IngestJob,
  publication: Publication,
  diff: ChunkDiff,
  rows: ContentRows,
): Promise<EvidenceEffect> {
  const { workspace, fileId } = job
  const { staged, parsed } = publication
  await chunks.upsert(tx, workspace, rows.chunks)
  await chunks.upsertTerms(tx, workspace, rows.terms)
  const change = { removeChunks: diff.stale, add: newEvidence(publication, diff.reextract) }
  const reveal = async ({ version }: Staged): Promise<void> => {
    if (!(await versions.reveal(tx, workspace, version))) throw new Superseded()
  }
  const effect = await applyEvidence(tx, workspace, staged ? { ...change, staged: { ...staged, reveal: () => reveal(staged) } } : change)
  await chunks.remove(tx, workspace, diff.removed)
  await chunks.cutBlocks(tx, workspace, fileId, parsed.blocks.length)
  await chunks.upsertBlocks(tx, workspace, fileId, parsed.blocks.slice(0, staged?.blocksFrom))
  await chunks.replaceAssets(
    tx,
    workspace,
    fileId,
    parsed.assets.map((asset) => ({ sha256: asset.sha256, media_type: asset.mediaType, bytes: Buffer.from(asset.bytes) })),
  )
  return effect
}

/** Names and pairs as this document writes them: what stays is asked for, what is new is known. */
async function countNames(
  tx: ScopedTx,
  workspace: IngestJob['workspace'],
  { planned, knowledge }: Publication,
  diff: ChunkDiff,
): Promise<documents.Counts> {
  const renewed = new Set(diff.reextract.map((chunk) => chunk.chunkId))
  const kept = planned.map((chunk) => chunk.chunkId).filter((id) => !renewed.has(id))
  const { keys, pairs } = await mentions.namedIn(tx, workspace, kept)
  const said = diff.reextract.flatMap((chunk) => (chunk.extractor === null ? [] : (knowledge.get(chunk.chunkId) ?? [])))
  const names = new Set([...keys, ...said.flatMap(({ entities }) => entities.map((entity) => entity.key))])
  const links = [...pairs, ...said.flatMap(({ relations }) => relations.map(({ sourceKey, targetKey }) => [sourceKey, targetKey]))]
  return { chunks: planned.length, entities: names.size, relations: new Set(links.map((pair) => pair.toSorted().join('\n'))).size }
}

async function writeVectors(
  tx: ScopedTx,
  job: IngestJob,
  publication: Publication,
  diff: ChunkDiff,
  effect: EvidenceEffect,
): Promise<void> {
  const { home, vectorsByHash, staged } = publication
  const missing: string[] = []
  const take = (into: Map<string, Float32Array>, id: string, text: string): void => {
    const vector = vectorsByHash.get(sha256(text))
    if (vector) into.set(id, vector)
    else missing.push(text)
  }
  const ofChunks = new Map<string, Float32Array>()
  for (const chunk of publication.rewriteVectors ? publication.planned : diff.revector)
    if (staged?.chunkIds.has(chunk.chunkId) !== true) take(ofChunks, chunk.chunkId, chunk.embedText)
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
