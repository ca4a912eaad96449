// What OCR made of the pages and pictures of a document that is not published yet.
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

export type Source = { fileId: string; /** Of the file's bytes. */ sha256: string; /** The way of reading. */ reader: string }

/** By part, e.g. `page 3`. */
export async function known(tx: ScopedTx, workspace: WorkspaceId, source: Source): Promise<Map<string, unknown>> {
  const found = await sql<{ part: string; reading: unknown }>`
    select part, reading from staged_readings
    where workspace_id = ${workspace} and file_id = ${source.fileId} and content_sha256 = ${source.sha256} and reader = ${source.reader}`.execute(
    tx,
  )
  return new Map(found.rows.map((row) => [row.part, row.reading]))
}

export async function stage(tx: ScopedTx, workspace: WorkspaceId, source: Source, part: string, reading: unknown): Promise<void> {
  await sql`
    insert into staged_readings (workspace_id, file_id, content_sha256, reader, part, reading)
    values (${workspace}, ${source.fileId}, ${source.sha256}, ${source.reader}, ${part}, ${JSON.stringify(reading)}::jsonb)
    on conflict do nothing`.execute(tx)
}
