// Many documents at once, for evaluation in a scratch database: the rows that publishing one document writes, without its job.
import { sql, type Kysely } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

export type CorpusDocument = { file_id: string; file_name: string; chunk_count: number }

export async function insertDocuments(tx: ScopedTx, workspace: WorkspaceId, rows: readonly CorpusDocument[]): Promise<void> {
  await sql`
    insert into documents (workspace_id, file_id, file_name, job_id, parse_status, stage, progress, live_name, live_collection, live_metadata, chunk_count)
    select ${workspace}, file_id, file_name, gen_random_uuid(), 'completed', 'completed', 1, file_name, 'default', '{}', chunk_count
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(file_id text, file_name text, chunk_count int)`.execute(tx)
}

/** Tells the planner how much there is; a fresh table looks empty to it for a minute. */
export async function analyze(db: Kysely<unknown>): Promise<void> {
  await sql`analyze`.execute(db)
}
