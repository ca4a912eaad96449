// What a found chunk shows: its text, where it stands, and the file that people know it by.
import { sql } from 'kysely'
import type { Located } from '../core/fusion.ts'
import type { ScopedTx } from './scope.ts'

export type FoundChunk = {
  workspace_id: string
  chunk_id: string
  file_id: string
  ordinal: number
  content: string
  header: string
  headings: string[]
  page: number | null
  tokens: number
  metadata: Record<string, unknown>
  /** Of the live version. */
  file_name: string
}

/** Content of the located chunks, in no particular order. */
export async function contents(tx: ScopedTx, located: readonly Located[]): Promise<FoundChunk[]> {
  if (located.length === 0) return []
  const found = await sql<FoundChunk>`
    select c.workspace_id, c.chunk_id, c.file_id, c.ordinal, c.content, c.header, c.headings, c.page, c.tokens, c.metadata,
      coalesce(d.live_name, d.file_name) as file_name
    from unnest(${located.map((one) => one.workspaceId)}::text[], ${located.map((one) => one.id)}::text[]) as wanted(workspace_id, chunk_id)
    join chunks c on c.workspace_id = wanted.workspace_id and c.chunk_id = wanted.chunk_id
    join documents d on d.workspace_id = c.workspace_id and d.file_id = c.file_id`.execute(tx)
  return found.rows
}
