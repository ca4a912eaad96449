// The canonical content of a workspace as one hash: what tests, restore drills and the doctor compare. Without clocks,
// identities, caches and summaries.
import { createHash } from 'node:crypto'
import { sql, type RawBuilder } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { isPublished } from './staged-versions.ts'
import { vectorTable, type VectorHome } from './vectors.ts'

type Part = { name: string; columns: string; order: string; from: RawBuilder<unknown> }

const part = (name: string, columns: string, order: string): Part => ({ name, columns, order, from: sql.table(name) })

const PARTS: readonly Part[] = [
  part(
    'documents',
    'file_id, live_name, live_collection, live_metadata, title, media_type, content_sha256, recipe, chunk_count, entity_count, relation_count, warnings, models',
    'file_id',
  ),
  part('blocks', 'file_id, ordinal, block', 'file_id, ordinal'),
  part('assets', 'file_id, sha256, media_type', 'file_id, sha256'),
  part(
    'chunks',
    'chunk_id, file_id, ordinal, content, header, headings, page, page_end, tokens, text_hash, embed_hash, extractor, collection, metadata',
    'chunk_id',
  ),
  part('chunk_terms', 'chunk_id, length, terms', 'chunk_id'),
  part('entity_mentions', 'chunk_id, key, entity_id, name, type, description, quote, rank, extractor', 'chunk_id, key'),
  part(
    'relation_mentions',
    'chunk_id, source_key, target_key, relation_id, fact_id, forward, keywords, description, quote, weight, rank, extractor',
    'chunk_id, source_key, target_key',
  ),
  part('alias_mentions', 'chunk_id, key, alias_key, alias_name', 'chunk_id, key, alias_key'),
  part('entity_merges', 'merge_id, from_key, into_key, into_name', 'merge_id, from_key'),
  part('entity_distinctions', 'a_key, b_key', 'a_key, b_key'),
  part('entity_keys', 'key, key_id, entity_id', 'key'),
  part('entity_edits', 'key, name, type, description, created, deleted', 'key'),
  part(
    'relation_edits',
    'source_key, target_key, keywords, description, weight, created, deleted, fact_id, relation_id',
    'source_key, target_key',
  ),
  part('entity_votes', 'entity_id, kind, value, votes', 'entity_id, kind, value'),
  part('relation_votes', 'relation_id, keyword, forward, backward, weight', 'relation_id, keyword'),
  part('entities', 'entity_id, key, name, type, description, aliases, mentions, degree', 'entity_id'),
  part('relations', 'relation_id, a_id, b_id, forward, keywords, description, weight, mentions', 'relation_id'),
]

/** The number of a space is an identity; what it stands for is not. */
const SPACE_AND_VECTOR = `(select s.model || ':' || s.dim from embedding_spaces s where s.space_id = t.space_id) as space, id, embedding::text`

/** One hash per table, so that a difference says where it is. */
export async function workspaceDigest(tx: ScopedTx, workspace: WorkspaceId, home: VectorHome): Promise<Record<string, string>> {
  const digest: Record<string, string> = {}
  const vectors = (['chunk', 'entity', 'relation'] as const).map((kind) => ({ kind, from: vectorTable(kind, home.dim) }))
  for (const { name, columns, order, from } of PARTS) {
    // The term index has no policy that would hide what is not published.
    const published = name === 'chunk_terms' ? sql` and ${isPublished('t')}` : sql``
    digest[name] = await hashRows(tx, workspace, from, columns, order, published)
  }
  for (const { kind, from } of vectors) digest[`${kind}_vectors`] = await hashRows(tx, workspace, from, SPACE_AND_VECTOR, 'space, id')
  return digest
}

/** The folds alone: entities and relations as they stand. */
export async function foldDigest(tx: ScopedTx, workspace: WorkspaceId): Promise<string> {
  const folds = PARTS.filter((one) => one.name === 'entities' || one.name === 'relations')
  const hashes: string[] = []
  for (const { columns, order, from } of folds) hashes.push(await hashRows(tx, workspace, from, columns, order))
  return hashes.join(' ')
}

async function hashRows(
  tx: ScopedTx,
  workspace: WorkspaceId,
  from: RawBuilder<unknown>,
  columns: string,
  order: string,
  condition = sql``,
): Promise<string> {
  const rows = await sql<{ row: string }>`
    select to_jsonb(r)::text as row from (
      select ${sql.raw(columns)} from ${from} t where workspace_id = ${workspace}${condition} order by ${sql.raw(order)}) r`.execute(tx)
  const hash = createHash('sha256')
  for (const { row } of rows.rows) hash.update(row).update('\n')
  return `${rows.rows.length}:${hash.digest('hex').slice(0, 24)}`
}
