// Mentions: what single chunks say about entities, relations and aliases. The graph's source of truth.
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

export type EntityMention = {
  chunk_id: string
  key: string
  entity_id: string
  name: string
  type: string
  description: string
  quote: string
  rank: number
  extractor: string
}

export type RelationMention = {
  chunk_id: string
  source_key: string
  target_key: string
  relation_id: string | null
  fact_id: string
  forward: boolean
  keywords: string[]
  description: string
  quote: string
  /** Decimal text, so that sums stay exact. */
  weight: string
  rank: number
  extractor: string
}

export type AliasMention = { chunk_id: string; key: string; alias_key: string; alias_name: string }

/** The parts of a mention that its entity's counts depend on. */
export type EntityVote = Pick<EntityMention, 'key' | 'entity_id' | 'name' | 'type'>
export type RelationVote = Pick<
  RelationMention,
  'source_key' | 'target_key' | 'relation_id' | 'fact_id' | 'forward' | 'keywords' | 'weight'
>

export async function removeEntityMentions(tx: ScopedTx, workspace: WorkspaceId, chunkIds: readonly string[]): Promise<EntityVote[]> {
  const gone = await sql<EntityVote>`
    delete from entity_mentions where workspace_id = ${workspace} and chunk_id = any(${[...chunkIds]}::text[])
    returning key, entity_id, name, type`.execute(tx)
  return gone.rows
}

export async function removeRelationMentions(tx: ScopedTx, workspace: WorkspaceId, chunkIds: readonly string[]): Promise<RelationVote[]> {
  const gone = await sql<RelationVote>`
    delete from relation_mentions where workspace_id = ${workspace} and chunk_id = any(${[...chunkIds]}::text[])
    returning source_key, target_key, relation_id, fact_id, forward, keywords, weight`.execute(tx)
  return gone.rows
}

export async function removeAliasMentions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  chunkIds: readonly string[],
): Promise<Pick<AliasMention, 'key' | 'alias_key'>[]> {
  const gone = await sql<{ key: string; alias_key: string }>`
    delete from alias_mentions where workspace_id = ${workspace} and chunk_id = any(${[...chunkIds]}::text[])
    returning key, alias_key`.execute(tx)
  return gone.rows
}

export async function addEntityMentions(tx: ScopedTx, workspace: WorkspaceId, rows: readonly EntityMention[], stagedAs = 0): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into entity_mentions (workspace_id, chunk_id, key, entity_id, name, type, description, quote, rank, extractor, staged_as)
    select ${workspace}, chunk_id, key, entity_id, name, type, description, quote, rank, extractor, ${stagedAs}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(chunk_id text, key text, entity_id text, name text, type text, description text,
      quote text, rank smallint, extractor text)`.execute(tx)
}

export async function addRelationMentions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  rows: readonly RelationMention[],
  stagedAs = 0,
): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into relation_mentions (workspace_id, chunk_id, source_key, target_key, relation_id, fact_id, forward, keywords, description, quote, weight, rank, extractor, staged_as)
    select ${workspace}, chunk_id, source_key, target_key, relation_id, fact_id, forward, array(select jsonb_array_elements_text(keywords)), description, quote,
      weight, rank, extractor, ${stagedAs}
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(chunk_id text, source_key text, target_key text, relation_id text, fact_id text, forward boolean,
      keywords jsonb, description text, quote text, weight numeric, rank smallint, extractor text)`.execute(tx)
}

export async function addAliasMentions(tx: ScopedTx, workspace: WorkspaceId, rows: readonly AliasMention[]): Promise<void> {
  if (rows.length === 0) return
  await sql`
    insert into alias_mentions (workspace_id, chunk_id, key, alias_key, alias_name)
    select ${workspace}, chunk_id, key, alias_key, alias_name
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(chunk_id text, key text, alias_key text, alias_name text)
    on conflict do nothing`.execute(tx)
}

/** The names and the pairs of names that the chunks speak of, each once. */
export async function namedIn(
  tx: ScopedTx,
  workspace: WorkspaceId,
  chunkIds: readonly string[],
): Promise<{ keys: string[]; pairs: [source: string, target: string][] }> {
  if (chunkIds.length === 0) return { keys: [], pairs: [] }
  const found = await sql<{ keys: string[]; pairs: [string, string][] }>`
    select
      array(select distinct key from entity_mentions where workspace_id = ${workspace} and chunk_id = any(${[...chunkIds]}::text[])) as keys,
      coalesce((select jsonb_agg(distinct jsonb_build_array(source_key, target_key)) from relation_mentions
        where workspace_id = ${workspace} and chunk_id = any(${[...chunkIds]}::text[])), '[]') as pairs`.execute(tx)
  return found.rows[0] ?? { keys: [], pairs: [] }
}

/** Of the keys, those that some mention, alias or correction still uses. */
export async function keysInUse(tx: ScopedTx, workspace: WorkspaceId, keys: readonly string[]): Promise<Set<string>> {
  if (keys.length === 0) return new Set()
  const found = await sql<{ key: string }>`
    select k as key from unnest(${[...keys]}::text[]) as k
    where exists (select from entity_mentions m where m.workspace_id = ${workspace} and m.key = k)
      or exists (select from alias_mentions a where a.workspace_id = ${workspace} and a.alias_key = k)
      or exists (select from alias_mentions a where a.workspace_id = ${workspace} and a.key = k)
      or exists (select from entity_edits e where e.workspace_id = ${workspace} and e.key = k and e.created)
      or exists (select from entity_merges g where g.workspace_id = ${workspace} and g.into_key = k)`.execute(tx)
  return new Set(found.rows.map((row) => row.key))
}

export async function factsInUse(tx: ScopedTx, workspace: WorkspaceId, facts: readonly string[]): Promise<Set<string>> {
  if (facts.length === 0) return new Set()
  const found = await sql<{ fact_id: string }>`
    select f as fact_id from unnest(${[...facts]}::text[]) as f
    where exists (select from relation_mentions m where m.workspace_id = ${workspace} and m.fact_id = f)
      or exists (select from relation_edits e where e.workspace_id = ${workspace} and e.fact_id = f)`.execute(tx)
  return new Set(found.rows.map((row) => row.fact_id))
}

/** Mentions of chunks with the same text made by the same extractor elsewhere in the workspace: evidence that need not be paid for again. */
export async function ofEqualChunks(
  tx: ScopedTx,
  workspace: WorkspaceId,
  textHashes: readonly string[],
  extractor: string,
): Promise<{ text_hash: string; entities: EntityMention[]; relations: RelationMention[]; aliases: AliasMention[] }[]> {
  if (textHashes.length === 0) return []
  const found = await sql<{ text_hash: string; entities: EntityMention[]; relations: RelationMention[]; aliases: AliasMention[] }>`
    select c.text_hash,
      coalesce((select jsonb_agg(m) from entity_mentions m where m.workspace_id = ${workspace} and m.chunk_id = c.chunk_id), '[]') as entities,
      coalesce((select jsonb_agg(m) from relation_mentions m where m.workspace_id = ${workspace} and m.chunk_id = c.chunk_id), '[]') as relations,
      coalesce((select jsonb_agg(m) from alias_mentions m where m.workspace_id = ${workspace} and m.chunk_id = c.chunk_id), '[]') as aliases
    from (
      select distinct on (text_hash) text_hash, chunk_id from chunks
      where workspace_id = ${workspace} and text_hash = any(${[...textHashes]}::text[]) and extractor = ${extractor}
      order by text_hash, chunk_id) c`.execute(tx)
  return found.rows
}
