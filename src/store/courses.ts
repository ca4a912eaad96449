// Courses: what is to be embedded, how far it is, and whether vectors and chunks agree.
import { sql } from 'kysely'
import type { CourseChunk } from '../core/course-chunks.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { vectorTable, type VectorHome } from './vectors.ts'

export type EmbeddingStatus = 'not_started' | 'pending' | 'running' | 'done' | 'failed'

export type CourseRow = {
  workspace_id: WorkspaceId
  embedding_status: EmbeddingStatus
  embedding_progress: number
  embedding_error: string | null
  job_id: string | null
  ready: boolean
  updated_at: Date
}

export async function ensure(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  await sql`insert into courses (workspace_id) values (${workspace}) on conflict do nothing`.execute(tx)
}

export async function get(tx: ScopedTx, workspace: WorkspaceId): Promise<CourseRow | undefined> {
  const found = await sql<CourseRow>`select * from courses where workspace_id = ${workspace}`.execute(tx)
  return found.rows[0]
}

/** Every course of the scope, by id. */
export async function list(tx: ScopedTx): Promise<CourseRow[]> {
  const found = await sql<CourseRow>`
    select * from courses where workspace_id = any(${[...tx.scope]}::text[]) order by workspace_id`.execute(tx)
  return found.rows
}

/** Inserts and replaces by id; with `replace` the chunks that are not named are dropped. */
export async function putChunks(tx: ScopedTx, workspace: WorkspaceId, chunks: readonly CourseChunk[], replace: boolean): Promise<void> {
  if (replace) {
    await sql`
      delete from course_chunks
      where workspace_id = ${workspace} and chunk_id <> all(${chunks.map((chunk) => chunk.chunkId)}::text[])`.execute(tx)
  }
  if (chunks.length === 0) return
  await sql`
    insert into course_chunks (workspace_id, chunk_id, text, metadata)
    select ${workspace}, "chunkId", text, metadata
    from jsonb_to_recordset(${JSON.stringify(chunks)}::jsonb) as r("chunkId" text, text text, metadata jsonb)
    on conflict (workspace_id, chunk_id) do update set text = excluded.text, metadata = excluded.metadata`.execute(tx)
}

/** In the order of the course, as far as it has one. */
export async function chunks(tx: ScopedTx, workspace: WorkspaceId): Promise<CourseChunk[]> {
  const found = await sql<{ chunk_id: string; text: string; metadata: Record<string, unknown> }>`
    select chunk_id, text, metadata from course_chunks where workspace_id = ${workspace}
    order by metadata ->> 'lecture_id' collate "C", metadata ->> 'section_id' collate "C", (metadata ->> 'order_in_section')::numeric, chunk_id`.execute(
    tx,
  )
  return found.rows.map((row) => ({ chunkId: row.chunk_id, text: row.text, metadata: row.metadata }))
}

export type CourseCounts = { chunks: number; skipped: number; vectors: number }

/** What was handed over, and how many vectors stand behind it. */
export async function counts(tx: ScopedTx, workspace: WorkspaceId, fileId: string, home: VectorHome): Promise<CourseCounts> {
  const found = await sql<CourseCounts>`
    select count(*)::int as chunks, (count(*) filter (where text !~ '\\S'))::int as skipped,
      (select count(*)::int from chunks c
        join ${vectorTable('chunk', home.dim)} v on v.workspace_id = c.workspace_id and v.id = c.chunk_id
        where c.workspace_id = ${workspace} and c.file_id = ${fileId}
          and v.shard = ${home.shard} and v.workspace_id = ${workspace} and v.space_id = ${home.space_id}) as vectors
    from course_chunks where workspace_id = ${workspace}`.execute(tx)
  return found.rows[0] ?? { chunks: 0, skipped: 0, vectors: 0 }
}

export async function queue(tx: ScopedTx, workspace: WorkspaceId, jobId: string): Promise<void> {
  await sql`
    update courses set embedding_status = 'pending', embedding_progress = 0, embedding_error = null, job_id = ${jobId}, updated_at = now()
    where workspace_id = ${workspace}`.execute(tx)
}

/** Progress of one job; false when the course is another job's or gone. */
export async function advance(tx: ScopedTx, workspace: WorkspaceId, jobId: string, progress: number): Promise<boolean> {
  const changed = await sql`
    update courses set embedding_status = 'running', embedding_progress = ${progress}, updated_at = now()
    where workspace_id = ${workspace} and job_id = ${jobId}`.execute(tx)
  return (changed.numAffectedRows ?? 0n) > 0n
}

export async function complete(tx: ScopedTx, workspace: WorkspaceId, jobId: string): Promise<void> {
  await sql`
    update courses set embedding_status = 'done', embedding_progress = 1, embedding_error = null, ready = true, updated_at = now()
    where workspace_id = ${workspace} and job_id = ${jobId}`.execute(tx)
}

export async function fail(tx: ScopedTx, workspace: WorkspaceId, jobId: string, error: string): Promise<void> {
  await sql`
    update courses set embedding_status = 'failed', embedding_error = ${error}, updated_at = now()
    where workspace_id = ${workspace} and job_id = ${jobId}`.execute(tx)
}

export async function remove(tx: ScopedTx, workspace: WorkspaceId): Promise<boolean> {
  const gone = await sql`delete from courses where workspace_id = ${workspace}`.execute(tx)
  return (gone.numAffectedRows ?? 0n) > 0n
}
