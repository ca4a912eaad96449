// Re-embedding a workspace: what its candidate space still lacks, and the switch.
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { vectorTable, type VectorHome, type VectorKind } from './vectors.ts'

export type ReembeddingRow = {
  job_id: string
  from_space_id: number
  space_id: number
  state: 'filling' | 'comparing' | 'held' | 'switched' | 'dropped' | 'failed'
  done: number
  total: number
  options: Record<string, unknown>
  comparison: Record<string, unknown> | null
  error: string | null
  started_at: Date
  finished_at: Date | null
}

export async function get(tx: ScopedTx, workspace: WorkspaceId): Promise<ReembeddingRow | undefined> {
  const found = await sql<ReembeddingRow>`select * from reembeddings where workspace_id = ${workspace}`.execute(tx)
  return found.rows[0]
}

/** A new re-embedding; what a stopped one into the same space has done already still counts. */
export async function start(
  tx: ScopedTx,
  workspace: WorkspaceId,
  made: { jobId: string; from: number; to: number; options: object },
): Promise<void> {
  await sql`
    insert into reembeddings (workspace_id, job_id, from_space_id, space_id, state, options)
    values (${workspace}, ${made.jobId}, ${made.from}, ${made.to}, 'filling', ${JSON.stringify(made.options)}::jsonb)
    on conflict (workspace_id) do update
    set job_id = excluded.job_id, from_space_id = excluded.from_space_id, space_id = excluded.space_id, state = 'filling', done = 0, total = 0,
      options = excluded.options, comparison = null, error = null, started_at = now(), updated_at = now(), finished_at = null`.execute(tx)
}

export async function progress(tx: ScopedTx, workspace: WorkspaceId, jobId: string, done: number, total: number): Promise<void> {
  await sql`
    update reembeddings set done = ${done}, total = ${total}, updated_at = now()
    where workspace_id = ${workspace} and job_id = ${jobId}`.execute(tx)
}

export async function settle(
  tx: ScopedTx,
  workspace: WorkspaceId,
  end: { state: ReembeddingRow['state']; comparison?: object | undefined; error?: string },
): Promise<void> {
  await sql`
    update reembeddings set state = ${end.state}, comparison = coalesce(${end.comparison === undefined ? null : JSON.stringify(end.comparison)}::jsonb, comparison),
      error = ${end.error ?? null}, updated_at = now(), finished_at = case when ${end.state} in ('comparing', 'held') then null else now() end
    where workspace_id = ${workspace}`.execute(tx)
}

export type MissingChunk = { id: string; text: string; hash: string }

/** Chunks without a vector of their present text in the candidate space, in the order of their ids. */
export async function missingChunks(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome, limit: number): Promise<MissingChunk[]> {
  const found = await sql<MissingChunk>`
    select c.chunk_id as id, case when c.header = '' then c.content else c.header || E'\\n' || c.content end as text, c.embed_hash as hash
    from chunks c
    left join reembedded_chunks r on r.workspace_id = c.workspace_id and r.space_id = ${home.space_id} and r.chunk_id = c.chunk_id and r.embed_hash = c.embed_hash
    left join ${vectorTable('chunk', home.dim)} v
      on v.shard = ${home.shard} and v.workspace_id = ${workspace} and v.space_id = ${home.space_id} and v.id = c.chunk_id
    where c.workspace_id = ${workspace} and (r.chunk_id is null or v.id is null)
    order by c.chunk_id limit ${limit}`.execute(tx)
  return found.rows
}

/** A few chunks spread over the workspace, for a comparison without questions. */
export async function samples(tx: ScopedTx, workspace: WorkspaceId, count: number): Promise<string[]> {
  const found = await sql<{ text: string }>`
    select left(content, 80) as text from chunks where workspace_id = ${workspace} order by text_hash limit ${count}`.execute(tx)
  return found.rows.map((row) => row.text)
}

/** Remembers which text a chunk's vector was made from; with the vector, in one transaction. */
export async function checkpoint(
  tx: ScopedTx,
  workspace: WorkspaceId,
  spaceId: number,
  chunks: readonly { id: string; hash: string }[],
): Promise<void> {
  if (chunks.length === 0) return
  await sql`
    insert into reembedded_chunks (workspace_id, space_id, chunk_id, embed_hash)
    select ${workspace}, ${spaceId}, id, hash
    from unnest(${chunks.map((chunk) => chunk.id)}::text[], ${chunks.map((chunk) => chunk.hash)}::text[]) as r(id, hash)
    on conflict (workspace_id, space_id, chunk_id) do update set embed_hash = excluded.embed_hash`.execute(tx)
}

/** Ids of the names and facts that are in use. */
export type GraphIds = { entity: readonly string[]; relation: readonly string[] }

/**
 * Makes the candidate space the workspace's, releases of a knowledge base included, and drops the vectors of the space it leaves.
 * Vectors of what was deleted meanwhile go too. Under the workspace's publish lock, when nothing is missing.
 */
export async function switchSpace(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: VectorHome,
  from: VectorHome,
  graph: GraphIds,
): Promise<void> {
  await dropOrphans(tx, workspace, home, graph)
  await sql`update workspaces set space_id = ${home.space_id}, revision = revision + 1 where workspace_id = ${workspace}`.execute(tx)
  const others = await sql<{ space_id: number; dim: number }>`
    select distinct v.space_id, e.dim from kb_versions v join embedding_spaces e using (space_id)
    where v.workspace_id = ${workspace} and v.space_id not in (${home.space_id}, ${from.space_id})`.execute(tx)
  for (const other of others.rows) await dropSpace(tx, workspace, { ...other, shard: home.shard })
  await sql`update kb_versions set space_id = ${home.space_id} where workspace_id = ${workspace}`.execute(tx)
  await sql`update kb_profiles set space_id = ${home.space_id} where workspace_id = ${workspace} and space_id = ${from.space_id}`.execute(
    tx,
  )
  await dropSpace(tx, workspace, from)
  await sql`delete from reembedded_chunks where workspace_id = ${workspace} and space_id = ${home.space_id}`.execute(tx)
}

/** Vectors of what was deleted while the space was filled. */
async function dropOrphans(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome, graph: GraphIds): Promise<void> {
  const here = (kind: VectorKind) => sql`${vectorTable(kind, home.dim)} v
    where v.shard = ${home.shard} and v.workspace_id = ${workspace} and v.space_id = ${home.space_id}`
  await sql`
    delete from ${here('chunk')} and not exists (select from chunks c where c.workspace_id = ${workspace} and c.chunk_id = v.id)`.execute(
    tx,
  )
  await sql`delete from ${here('entity')} and v.id <> all(${[...graph.entity]}::text[])`.execute(tx)
  await sql`delete from ${here('relation')} and v.id <> all(${[...graph.relation]}::text[])`.execute(tx)
}

/** Every vector of a workspace in one space. */
export async function dropSpace(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome): Promise<void> {
  for (const kind of ['chunk', 'entity', 'relation'] as const) {
    await sql`
      delete from ${vectorTable(kind, home.dim)}
      where shard = ${home.shard} and workspace_id = ${workspace} and space_id = ${home.space_id}`.execute(tx)
  }
  await sql`delete from reembedded_chunks where workspace_id = ${workspace} and space_id = ${home.space_id}`.execute(tx)
}

export async function spaceOf(tx: ScopedTx, spaceId: number): Promise<{ model: string; dim: number } | undefined> {
  const found = await sql<{ model: string; dim: number }>`select model, dim from embedding_spaces where space_id = ${spaceId}`.execute(tx)
  return found.rows[0]
}

export async function dimOf(tx: ScopedTx, spaceId: number): Promise<number> {
  return (await spaceOf(tx, spaceId))?.dim ?? 0
}

/** How many chunks have been done. */
export async function checkpoints(tx: ScopedTx, workspace: WorkspaceId, spaceId: number): Promise<number> {
  const found = await sql<{ n: number }>`
    select count(*)::int as n from reembedded_chunks where workspace_id = ${workspace} and space_id = ${spaceId}`.execute(tx)
  return found.rows[0]?.n ?? 0
}

/** Chunks that have been done, also those that are gone since. */
export async function checkpointed(tx: ScopedTx, workspace: WorkspaceId, spaceId: number): Promise<string[]> {
  const found = await sql<{ chunk_id: string }>`
    select chunk_id from reembedded_chunks where workspace_id = ${workspace} and space_id = ${spaceId}`.execute(tx)
  return found.rows.map((row) => row.chunk_id)
}
