// Chunks with their lexical terms, and the blocks and assets they were cut from: one document's live content.
import { sql } from 'kysely'
import type { Block } from '../core/blocks.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

export type ChunkRow = {
  chunk_id: string
  ordinal: number
  content: string
  header: string
  headings: string[]
  page: number | null
  page_end: number | null
  tokens: number
  text_hash: string
  embed_hash: string
  extractor: string | null
  collection: string
  metadata: Record<string, unknown>
}

/** A tsvector literal and the number of term occurrences in it. */
export type TermsRow = { chunk_id: string; terms: string; length: number }

/** What a replacement needs to know of the version before it. */
export type LiveChunk = Pick<ChunkRow, 'chunk_id' | 'ordinal' | 'text_hash' | 'embed_hash' | 'extractor'>

export async function live(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<LiveChunk[]> {
  const found = await sql<LiveChunk>`
    select chunk_id, ordinal, text_hash, embed_hash, extractor from chunks
    where workspace_id = ${workspace} and file_id = ${fileId} order by ordinal`.execute(tx)
  return found.rows
}

export async function page(tx: ScopedTx, workspace: WorkspaceId, fileId: string, from: number, limit: number): Promise<ChunkRow[]> {
  const found = await sql<ChunkRow>`
    select chunk_id, ordinal, content, header, headings, page, page_end, tokens, metadata from chunks
    where workspace_id = ${workspace} and file_id = ${fileId} and ordinal >= ${from}
    order by ordinal limit ${limit + 1}`.execute(tx)
  return found.rows
}

/**
 * Inserts new chunks and rewrites changed ones in place; rows that say the same already are left untouched.
 *
 * @param stagedAs the version behind whose curtain new rows stand; 0 for none. Nothing behind a curtain can be in conflict: an
 *   `on conflict` there would ask for rows that this transaction may not see, and be refused.
 */
export async function upsert(
  tx: ScopedTx,
  workspace: WorkspaceId,
  rows: readonly (ChunkRow & { file_id: string })[],
  stagedAs = 0,
): Promise<void> {
  if (rows.length === 0) return
  const body = JSON.stringify(rows)
  await sql`
    insert into chunks as c (workspace_id, chunk_id, file_id, ordinal, content, header, headings, page, page_end, tokens, text_hash, embed_hash, extractor, collection, metadata, staged_as)
    select ${workspace}, chunk_id, file_id, ordinal, content, header, array(select jsonb_array_elements_text(headings)), page, page_end, tokens, text_hash,
      embed_hash, extractor, collection, metadata, ${stagedAs}
    from jsonb_to_recordset(${body}::jsonb) as r(chunk_id text, file_id text, ordinal int, content text, header text, headings jsonb, page int, page_end int, tokens int,
      text_hash text, embed_hash text, extractor text, collection text, metadata jsonb)
    ${
      stagedAs === 0
        ? sql`on conflict (workspace_id, chunk_id) do update
    set ordinal = excluded.ordinal, header = excluded.header, headings = excluded.headings, page = excluded.page, page_end = excluded.page_end,
      tokens = excluded.tokens, embed_hash = excluded.embed_hash, extractor = excluded.extractor, collection = excluded.collection, metadata = excluded.metadata
    where (c.ordinal, c.header, c.headings, c.page, c.page_end, c.tokens, c.embed_hash, c.extractor, c.collection, c.metadata)
      is distinct from (excluded.ordinal, excluded.header, excluded.headings, excluded.page, excluded.page_end, excluded.tokens, excluded.embed_hash,
        excluded.extractor, excluded.collection, excluded.metadata)`
        : sql``
    }`.execute(tx)
}

export async function upsertTerms(tx: ScopedTx, workspace: WorkspaceId, rows: readonly TermsRow[], stagedAs = 0): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into chunk_terms as t (workspace_id, chunk_id, length, terms, staged_as)
    select ${workspace}, id, length, terms::tsvector, ${stagedAs}
    from unnest(${rows.map((row) => row.chunk_id)}::text[], ${rows.map((row) => row.length)}::int[], ${rows.map((row) => row.terms)}::text[]) as r(id, length, terms)
    ${
      stagedAs === 0
        ? sql`on conflict (workspace_id, chunk_id) do update set length = excluded.length, terms = excluded.terms
    where (t.length, t.terms) is distinct from (excluded.length, excluded.terms)`
        : sql``
    }`.execute(tx)
}

export async function remove(tx: ScopedTx, workspace: WorkspaceId, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`delete from chunks where workspace_id = ${workspace} and chunk_id = any(${[...ids]}::text[])`.execute(tx)
}

/** Drops the blocks from this ordinal on. */
export async function cutBlocks(tx: ScopedTx, workspace: WorkspaceId, fileId: string, from: number): Promise<void> {
  await sql`
    delete from blocks where workspace_id = ${workspace} and file_id = ${fileId} and ordinal >= ${from}`.execute(tx)
}

/** Blocks in reading order, the first of them at ordinal `from`. */
export async function upsertBlocks(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
  blocks: readonly unknown[],
  from = 0,
  stagedAs = 0,
): Promise<void> {
  if (blocks.length === 0) return
  await sql`
    insert into blocks as b (workspace_id, file_id, ordinal, block, staged_as)
    select ${workspace}, ${fileId}, (r.ordinality - 1)::int + ${from}, r.value, ${stagedAs}
    from jsonb_array_elements(${JSON.stringify(blocks)}::jsonb) with ordinality as r
    ${stagedAs === 0 ? sql`on conflict (workspace_id, file_id, ordinal) do update set block = excluded.block where b.block is distinct from excluded.block` : sql``}`.execute(
    tx,
  )
}

export async function countBlocks(tx: ScopedTx, workspace: WorkspaceId, fileId: string): Promise<number> {
  const found = await sql<{ n: number }>`
    select count(*)::int as n from blocks where workspace_id = ${workspace} and file_id = ${fileId}`.execute(tx)
  return found.rows[0]?.n ?? 0
}

export type AssetRow = { sha256: string; media_type: string; bytes: Buffer }

export async function replaceAssets(tx: ScopedTx, workspace: WorkspaceId, fileId: string, assets: readonly AssetRow[]): Promise<void> {
  await sql`
    delete from assets where workspace_id = ${workspace} and file_id = ${fileId} and sha256 <> all(${assets.map((asset) => asset.sha256)}::text[])`.execute(
    tx,
  )
  for (const asset of assets) {
    await sql`
      insert into assets (workspace_id, file_id, sha256, media_type, bytes)
      values (${workspace}, ${fileId}, ${asset.sha256}, ${asset.media_type}, ${asset.bytes}) on conflict do nothing`.execute(tx)
  }
}

export async function asset(tx: ScopedTx, workspace: WorkspaceId, fileId: string, sha256: string): Promise<AssetRow | undefined> {
  const found = await sql<AssetRow>`
    select sha256, media_type, bytes from assets where workspace_id = ${workspace} and file_id = ${fileId} and sha256 = ${sha256}`.execute(
    tx,
  )
  return found.rows[0]
}

/** Blocks in reading order; one more than `limit` when there are more. */
export async function blocks(
  tx: ScopedTx,
  workspace: WorkspaceId,
  fileId: string,
  from: number,
  limit: number,
): Promise<{ ordinal: number; block: Block }[]> {
  const found = await sql<{ ordinal: number; block: Block }>`
    select ordinal, block from blocks
    where workspace_id = ${workspace} and file_id = ${fileId} and ordinal >= ${from}
    order by ordinal limit ${limit + 1}`.execute(tx)
  return found.rows
}
