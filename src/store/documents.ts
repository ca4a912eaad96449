// Documents: the latest attempt (what parse-status tells) beside the live version (what searches see).
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { drop as dropStaged } from './staged-versions.ts'

export type DocumentRow = {
  file_id: string
  file_name: string
  collection: string
  metadata: Record<string, unknown>
  job_id: string
  parse_status: 'pending' | 'processing' | 'completed' | 'failed'
  stage: string
  progress: number
  attempts: number
  parse_error: string | null
  live_name: string | null
  /** The live version carries the attempt's name, collection and metadata. */
  described: boolean
  content_sha256: string | null
  recipe: string | null
  chunk_count: number
  entity_count: number
  relation_count: number
  warnings: string[]
  timings: Record<string, number>
  models: Record<string, string>
  created_at: Date
  updated_at: Date
}

const COLUMNS = sql`file_id, file_name, collection, metadata, job_id, parse_status, stage, progress, attempts, parse_error, live_name,
  (live_name is not distinct from file_name and live_collection is not distinct from collection and live_metadata is not distinct from metadata) as described,
  content_sha256, recipe, chunk_count, entity_count, relation_count, warnings, timings, models, created_at, updated_at`

export type Attempt = { fileId: string; jobId: string; fileName: string; collection: string; metadata: Record<string, unknown> }

/** A new attempt at a document: the live version, if there is one, stays as it is. */
export async function startAttempt(tx: ScopedTx, workspace: WorkspaceId, attempt: Attempt): Promise<void> {
  await sql`
    insert into documents (workspace_id, file_id, file_name, collection, metadata, job_id, parse_status)
    values (${workspace}, ${attempt.fileId}, ${attempt.fileName}, ${attempt.collection}, ${JSON.stringify(attempt.metadata)}::jsonb, ${attempt.jobId}, 'pending')
    on conflict (workspace_id, file_id) do update
    set file_name = excluded.file_name, collection = excluded.collection, metadata = excluded.metadata, job_id = excluded.job_id,
      parse_status = 'pending', stage = 'queued', progress = 0, attempts = 0, parse_error = null, updated_at = now()`.execute(tx)
}

/**
 * Progress of one job. One that is no longer the document's, or whose document has ended meanwhile, writes nothing: a worker
 * that was paused must not take back what another has completed. True when the document was waiting until now.
 */
export async function advance(
  tx: ScopedTx,
  workspace: WorkspaceId,
  step: { fileId: string; jobId: string; status: 'pending' | 'processing'; stage: string; progress: number; attempts: number },
): Promise<boolean> {
  const changed = await sql<{ began: boolean }>`
    update documents d set parse_status = ${step.status}, stage = ${step.stage}, progress = ${step.progress}, attempts = ${step.attempts}, updated_at = now()
    from (
      select parse_status from documents
      where workspace_id = ${workspace} and file_id = ${step.fileId} and job_id = ${step.jobId} and parse_status in ('pending', 'processing')
      for update) before
    where d.workspace_id = ${workspace} and d.file_id = ${step.fileId}
    returning before.parse_status = 'pending' as began`.execute(tx)
  return changed.rows[0]?.began === true
}

/** The name that the file's owner gives it, when the caller did not. */
export async function rename(tx: ScopedTx, workspace: WorkspaceId, fileId: string, jobId: string, fileName: string): Promise<void> {
  await sql`
    update documents set file_name = ${fileName}, updated_at = now()
    where workspace_id = ${workspace} and file_id = ${fileId} and job_id = ${jobId}`.execute(tx)
}

export async function fail(
  tx: ScopedTx,
  workspace: WorkspaceId,
  failure: { fileId: string; jobId: string; error: string; attempts: number },
): Promise<boolean> {
  const changed = await sql`
    update documents set parse_status = 'failed', stage = 'failed', parse_error = ${failure.error}, attempts = ${failure.attempts}, updated_at = now()
    where workspace_id = ${workspace} and file_id = ${failure.fileId} and job_id = ${failure.jobId}`.execute(tx)
  return (changed.numAffectedRows ?? 0n) > 0n
}

export type LiveVersion = {
  fileId: string
  jobId: string
  title: string
  mediaType: string
  sha256: string
  recipe: string
  warnings: string[]
  timings: Record<string, number>
  models: Record<string, string>
}

/** Chunks, and names and pairs as this document writes them, whatever aliases of other documents make of them. */
export type Counts = { chunks: number; entities: number; relations: number }

/**
 * Makes the attempt the live version and completes it. Undefined when the document is gone or another job's.
 *
 * @param counts undefined when they are what they were.
 */
export async function complete(
  tx: ScopedTx,
  workspace: WorkspaceId,
  live: LiveVersion,
  counts: Counts | undefined,
): Promise<Counts | undefined> {
  const done = await sql<Counts>`
    update documents
    set parse_status = 'completed', stage = 'completed', progress = 1, parse_error = null, live_name = file_name, live_collection = collection,
      live_metadata = metadata, title = ${live.title}, media_type = ${live.mediaType}, content_sha256 = ${live.sha256}, recipe = ${live.recipe},
      chunk_count = coalesce(${counts?.chunks ?? null}::int, chunk_count), entity_count = coalesce(${counts?.entities ?? null}::int, entity_count),
      relation_count = coalesce(${counts?.relations ?? null}::int, relation_count), warnings = ${JSON.stringify(live.warnings)}::jsonb,
      timings = ${JSON.stringify(live.timings)}::jsonb, models = ${JSON.stringify(live.models)}::jsonb, updated_at = now()
    where workspace_id = ${workspace} and file_id = ${live.fileId} and job_id = ${live.jobId}
    returning chunk_count as chunks, entity_count as entities, relation_count as relations`.execute(tx)
  return done.rows[0]
}

export async function get(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<DocumentRow | undefined> {
  const found = await sql<DocumentRow>`select ${COLUMNS} from documents where workspace_id = ${workspace} and file_id = ${fileId}`.execute(
    tx,
  )
  return found.rows[0]
}

export type ListQuery = {
  collection: string | undefined
  status: string | undefined
  text: string | undefined
  after: { createdAt: string; fileId: string } | undefined
  limit: number
}

/** Newest first; one row more than `limit` tells that there is a next page. */
export async function list(tx: ScopedTx, workspace: WorkspaceId, query: ListQuery): Promise<(DocumentRow & { created_text: string })[]> {
  const pattern = query.text === undefined ? null : `%${query.text.replace(/[\\%_]/g, '\\$&')}%`
  const found = await sql<DocumentRow & { created_text: string }>`
    select ${COLUMNS}, created_at::text as created_text from documents
    where workspace_id = ${workspace}
      and (${query.collection ?? null}::text is null or collection = ${query.collection ?? null})
      and (${query.status ?? null}::text is null or parse_status = ${query.status ?? null})
      and (${pattern}::text is null or file_name ilike ${pattern} or file_id ilike ${pattern})
      and (${query.after?.createdAt ?? null}::timestamptz is null
        or created_at < ${query.after?.createdAt ?? null}::timestamptz
        or (created_at = ${query.after?.createdAt ?? null}::timestamptz and file_id > ${query.after?.fileId ?? ''}))
    order by created_at desc, file_id
    limit ${query.limit + 1}`.execute(tx)
  return found.rows
}

export async function liveFacts(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
): Promise<{ title: string; mediaType: string; warnings: string[] }> {
  const found = await sql<{ title: string | null; media_type: string | null; warnings: string[] }>`
    select title, media_type, warnings from documents where workspace_id = ${workspace} and file_id = ${fileId}`.execute(tx)
  const row = found.rows[0]
  return { title: row?.title ?? '', mediaType: row?.media_type ?? '', warnings: row?.warnings ?? [] }
}

/** Locks the document's row until the transaction ends; false when there is none. */
export async function hold(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<boolean> {
  const found = await sql`select 1 from documents where workspace_id = ${workspace} and file_id = ${fileId} for update`.execute(tx)
  return found.rows.length > 0
}

/** Keeps the document from being deleted until the transaction ends; false when there is none. */
export async function keep(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<boolean> {
  const found = await sql`select 1 from documents where workspace_id = ${workspace} and file_id = ${fileId} for key share`.execute(tx)
  return found.rows.length > 0
}

export async function remove(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<boolean> {
  await dropStaged(tx, workspace, fileId)
  const gone = await sql`delete from documents where workspace_id = ${workspace} and file_id = ${fileId}`.execute(tx)
  return (gone.numAffectedRows ?? 0n) > 0n
}
