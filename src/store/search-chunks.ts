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

export type Neighbour = {
  workspace_id: string
  /** The chunk that was found. */ hit: string
  chunk_id: string
  ordinal: number
  content: string
  tokens: number
}

/** Chunks of the same document under the same headings, at most `reach` before and after each located one, in reading order; itself too. */
export async function neighbours(tx: ScopedTx, located: readonly Located[], reach: number): Promise<Neighbour[]> {
  if (located.length === 0) return []
  const found = await sql<Neighbour>`
    select h.workspace_id, h.chunk_id as hit, c.chunk_id, c.ordinal, c.content, c.tokens
    from unnest(${located.map((one) => one.workspaceId)}::text[], ${located.map((one) => one.id)}::text[]) as wanted(workspace_id, chunk_id)
    join chunks h on h.workspace_id = wanted.workspace_id and h.chunk_id = wanted.chunk_id
    join chunks c on c.workspace_id = h.workspace_id and c.file_id = h.file_id and c.headings = h.headings
      and c.ordinal between h.ordinal - ${reach}::int and h.ordinal + ${reach}::int
    order by h.workspace_id, h.chunk_id, c.ordinal`.execute(tx)
  return found.rows
}
