// Stage: the new rows of a large document are written in many short transactions, behind a curtain, so that the one that publishes it is
// short. Rows of chunks that exist already change in place, and that is left to the publication.
import { entityId } from '../../core/names.ts'
import { workspaceScope } from '../../core/workspace.ts'
import * as chunks from '../../store/chunks.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import * as mentions from '../../store/mentions.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as versions from '../../store/staged-versions.ts'
import * as vectors from '../../store/vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { foreseenLeads, mentionRows } from '../graph/evidence.ts'
import type { IngestJob } from './job.ts'
import { sha256, type PlannedChunk } from './plan.ts'
import { Superseded, VectorsMissing, type Publication } from './publication.ts'
import { contentRows, newEvidence } from './rows.ts'

/** Blocks to a chunk, roughly: they are much smaller. */
const BLOCKS_PER_CHUNK = 10
/** While what an earlier attempt left is taken back. */
const BEGIN_LEASE_MS = 60_000

/**
 * Writes what is new of a large document and notes it in the publication, once; of others nothing.
 *
 * @throws Superseded when another attempt or a deletion took back what was written; VectorsMissing when texts must be embedded first.
 */
export async function stageLarge(deps: EngineDeps, job: IngestJob, publication: Publication): Promise<void> {
  const { chunksAtOnce } = deps.limits
  if (publication.staged !== undefined || publication.planned.length <= chunksAtOnce) return
  const inScope = <T>(work: (tx: ScopedTx) => Promise<T>): Promise<T> =>
    withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
      job.signal.throwIfAborted()
      return work(tx)
    })
  const before = new Set((await inScope((tx) => chunks.live(tx, job.workspace, job.fileId))).map((chunk) => chunk.chunk_id))
  const fresh = publication.planned.filter((chunk) => !before.has(chunk.chunkId))
  if (fresh.length <= chunksAtOnce) return
  const { version, home, blocksFrom, leads } = await inScope((tx) => begin(tx, job, publication, fresh))
  const written = { name: new Set<string>(), fact: new Set<string>() }
  const whileHeld = (work: (tx: ScopedTx) => Promise<void>): Promise<void> =>
    inScope(async (tx) => {
      if (!(await versions.hold(tx, job.workspace, job.fileId, version))) throw new Superseded()
      await work(tx)
    })
  for (let at = 0; at < fresh.length; at += chunksAtOnce) {
    const batch = fresh.slice(at, at + chunksAtOnce)
    const ids = new Set(batch.map((chunk) => chunk.chunkId))
    const content = await contentRows(publication, job, (chunk) => ids.has(chunk.chunkId))
    const said = mentionRows(newEvidence(publication, batch), leads)
    const embedded = vectorsOf(publication, batch, said, written)
    await whileHeld(async (tx) => {
      await chunks.upsert(tx, job.workspace, content.chunks, version)
      await chunks.upsertTerms(tx, job.workspace, content.terms, version)
      await mentions.addEntityMentions(tx, job.workspace, said.entities, version)
      await mentions.addRelationMentions(tx, job.workspace, said.relations, version)
      for (const kind of ['chunk', 'entity', 'relation'] as const)
        await vectors.stage(tx, job.workspace, home, kind, embedded[kind], version)
    })
  }
  const { blocks } = publication.parsed
  const blocksAtOnce = chunksAtOnce * BLOCKS_PER_CHUNK
  for (let at = blocksFrom; at < blocks.length; at += blocksAtOnce) {
    await whileHeld((tx) => chunks.upsertBlocks(tx, job.workspace, job.fileId, blocks.slice(at, at + blocksAtOnce), at, version))
  }
  publication.staged = { version, chunkIds: new Set(fresh.map((chunk) => chunk.chunkId)), blocksFrom, leads }
}

async function begin(
  tx: ScopedTx,
  job: IngestJob,
  publication: Publication,
  fresh: readonly PlannedChunk[],
): Promise<{ version: number; home: vectors.VectorHome; blocksFrom: number; leads: Map<string, string> }> {
  const [row] = await workspaces.inScope(tx, [job.workspace])
  if (row === undefined) throw new Superseded()
  // A worker that was paused and lost its job must not take back what the next one writes. The document first, as in a deletion.
  if (!(await documents.keep(tx, job.workspace, job.fileId)) || !(await jobs.heartbeat(tx, job.row, BEGIN_LEASE_MS))) throw new Superseded()
  const home = { ...publication.home, shard: row.shard }
  const version = await versions.begin(tx, job.workspace, job.fileId, job.row.job_id, home)
  const blocksFrom = await chunks.countBlocks(tx, job.workspace, job.fileId)
  return { version, home, blocksFrom, leads: await foreseenLeads(tx, job.workspace, newEvidence(publication, fresh)) }
}

type Vectors = Record<vectors.VectorKind, Map<string, Float32Array>>

/** Vectors of the chunks, and of the names and facts that no batch before this one has written. A name or fact that lacks one is left to the publication. */
function vectorsOf(
  { vectorsByHash }: Publication,
  batch: readonly PlannedChunk[],
  said: ReturnType<typeof mentionRows>,
  written: { name: Set<string>; fact: Set<string> },
): Vectors {
  const found: Vectors = { chunk: new Map(), entity: new Map(), relation: new Map() }
  const take = (kind: vectors.VectorKind, id: string, text: string): void => {
    const vector = vectorsByHash.get(sha256(text))
    if (vector) found[kind].set(id, vector)
  }
  for (const chunk of batch) take('chunk', chunk.chunkId, chunk.embedText)
  const bare = batch.filter((chunk) => !found.chunk.has(chunk.chunkId))
  if (bare.length > 0) throw new VectorsMissing(bare.map((chunk) => chunk.embedText))
  for (const { key } of said.entities) {
    if (written.name.has(key)) continue
    written.name.add(key)
    take('entity', entityId(key), key)
  }
  for (const { fact_id, fact_text } of said.relations) {
    if (written.fact.has(fact_id)) continue
    written.fact.add(fact_id)
    take('relation', fact_id, fact_text)
  }
  return found
}
