// What vision models said of a document's pictures: staged replies, and those that the live version's blocks carry.
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

/** By the SHA-256 of the picture; an empty text is an answer too. The live version and what is staged, by the same seer. */
export async function known(tx: ScopedTx, workspace: WorkspaceId, fileId: string, seer: string): Promise<Map<string, string>> {
  const found = await sql<{ sha256: string; description: string }>`
    select block ->> 'asset' as sha256, block -> 'description' ->> 'text' as description from blocks
    where workspace_id = ${workspace} and file_id = ${fileId} and block -> 'description' ->> 'by' = ${seer} and block ? 'asset'
    union all
    select sha256, description from staged_descriptions
    where workspace_id = ${workspace} and file_id = ${fileId} and seer = ${seer}`.execute(tx)
  return new Map(found.rows.map((row) => [row.sha256, row.description]))
}

export async function stage(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
  seer: string,
  reply: { sha256: string; description: string },
): Promise<void> {
  await sql`
    insert into staged_descriptions (workspace_id, file_id, sha256, seer, description)
    values (${workspace}, ${fileId}, ${reply.sha256}, ${seer}, ${reply.description}) on conflict do nothing`.execute(tx)
}
