// Versions of large documents that are written but not published: their rows stand in the tables of every reader, behind a curtain that
// the policies of row-level security draw (migration 0010). To publish a version is to delete its row here.
import { randomInt } from 'node:crypto'
import { sql, type RawBuilder } from 'kysely'
import { entityId } from '../core/names.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { vectorTable, type VectorHome } from './vectors.ts'

/** For the one table that no policy guards, the term index: the row is not behind a curtain. Read once per statement. */
export function isPublished(alias: string): RawBuilder<unknown> {
  return sql`${sql.raw(alias)}.staged_as <> all((select array(select version from staged_versions))::bigint[])`
}

/** Beyond the reach of chance: a row carried into another database must meet no version that is staged there. */
const MAX_VERSION = 2 ** 48 - 1

/** A new version of the document; what an earlier attempt left is taken back. */
export async function begin(tx: ScopedTx, workspace: WorkspaceId, fileId: string, jobId: string, home: VectorHome): Promise<number> {
  await drop(tx, workspace, fileId)
  const version = randomInt(1, MAX_VERSION)
  await sql`
    insert into staged_versions (workspace_id, version, file_id, job_id, space_id, shard)
    values (${workspace}, ${version}, ${fileId}, ${jobId}, ${home.space_id}, ${home.shard})`.execute(tx)
  return version
}

/**
 * Keeps the version from being dropped until the transaction ends; false when it is gone, and nothing may be added to it. The document's
 * row first, which its chunks refer to: in the order in which a deletion takes them.
 */
export async function hold(tx: ScopedTx, workspace: WorkspaceId, fileId: string, version: number): Promise<boolean> {
  const found = await sql`
    with document as materialized (
      select 1 from documents where workspace_id = ${workspace} and file_id = ${fileId} for key share)
    select 1 from staged_versions
    where workspace_id = ${workspace} and version = ${version} and exists (select from document)
    for share`.execute(tx)
  return found.rows.length > 0
}

/** Draws the curtain back. False when the version was dropped meanwhile. */
export async function reveal(tx: ScopedTx, workspace: WorkspaceId, version: number): Promise<boolean> {
  const gone = await sql`delete from staged_versions where workspace_id = ${workspace} and version = ${version}`.execute(tx)
  return (gone.numAffectedRows ?? 0n) > 0n
}

type Dropped = { version: string; space_id: number; dim: number; shard: string }

/** Vectors deleted in one statement. */
const BATCH = 5000

/**
 * Takes back what is staged of a document. The row goes first: whoever writes rows of the version holds it, so none is missed, and from
 * then on this transaction, and no other, sees the rows that it deletes.
 *
 * @param jobId only what this job staged.
 */
export async function drop(tx: ScopedTx, workspace: WorkspaceId, fileId: string, jobId?: string): Promise<void> {
  const dropped = await sql<Dropped>`
    with gone as (
      delete from staged_versions where workspace_id = ${workspace} and file_id = ${fileId}
        and ${jobId === undefined ? sql`true` : sql`job_id = ${jobId}`} returning version, space_id, shard)
    select g.version, g.space_id, s.dim, g.shard from gone g join embedding_spaces s using (space_id)`.execute(tx)
  for (const version of dropped.rows) await dropRows(tx, workspace, fileId, version)
}

async function dropRows(tx: ScopedTx, workspace: WorkspaceId, fileId: string, { version, space_id, dim, shard }: Dropped): Promise<void> {
  const found = await sql<{ chunk_id: string }>`
    select chunk_id from chunks where workspace_id = ${workspace} and file_id = ${fileId} and staged_as = ${version}`.execute(tx)
  const chunkIds = found.rows.map((row) => row.chunk_id)
  const said = await sql<{ keys: string[]; facts: string[] }>`
    select array(select distinct key from entity_mentions where workspace_id = ${workspace} and chunk_id = any(${chunkIds}::text[])) as keys,
      array(select distinct fact_id from relation_mentions where workspace_id = ${workspace} and chunk_id = any(${chunkIds}::text[])) as facts`.execute(
    tx,
  )
  const ids = { chunk: chunkIds, entity: (said.rows[0]?.keys ?? []).map(entityId), relation: said.rows[0]?.facts ?? [] }
  for (const kind of ['chunk', 'entity', 'relation'] as const) {
    for (let at = 0; at < ids[kind].length; at += BATCH) {
      await sql`
        delete from ${vectorTable(kind, dim)}
        where shard = ${shard} and workspace_id = ${workspace} and space_id = ${space_id} and id = any(${ids[kind].slice(at, at + BATCH)}::text[])
          and staged_as = ${version}`.execute(tx)
    }
  }
  // Terms and mentions go with their chunks.
  await sql`delete from chunks where workspace_id = ${workspace} and chunk_id = any(${chunkIds}::text[])`.execute(tx)
  await sql`
    delete from blocks where workspace_id = ${workspace} and file_id = ${fileId} and staged_as = ${version}`.execute(tx)
}

/** Documents with something staged for a job that waits and runs no more. */
export async function abandoned(tx: ScopedTx, workspace: WorkspaceId): Promise<{ file_id: string; job_id: string }[]> {
  const found = await sql<{ file_id: string; job_id: string }>`
    select v.file_id, v.job_id from staged_versions v
    where v.workspace_id = ${workspace} and not exists (
      select from jobs j where j.job_id = v.job_id and j.workspace_id = ${workspace} and j.state in ('queued', 'running'))`.execute(tx)
  return found.rows
}

/** Where the workspace is now, and what is staged of the document. */
export type Standing = { space_id: number; shard: string; versions: { version: number; shard: string }[] }

export async function standing(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<Standing | undefined> {
  const found = await sql<Standing>`
    select w.space_id, w.shard, coalesce((
      select jsonb_agg(jsonb_build_object('version', v.version, 'shard', v.shard)) from staged_versions v
      where v.workspace_id = ${workspace} and v.file_id = ${fileId}), '[]') as versions
    from workspaces w where w.workspace_id = ${workspace}`.execute(tx)
  return found.rows[0]
}
