// Which keys are one entity: edges from alias mentions and from a person's merges, and the derived map of keys.
import { sql, type RawBuilder } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'

export type AliasEdge = { key: string; other: string; merged: boolean }

/**
 * The distinct values of one column among the alias mentions of one key, as a subselect with the column `value`. Steps through an index
 * from each value to the next, so that an alias repeated by ten thousand chunks costs as much as one said once.
 */
export function distinctAliases(
  workspace: WorkspaceId,
  wanted: 'key' | 'alias_key' | 'alias_name',
  by: 'key' | 'alias_key',
  key: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const [value, fixed] = [sql.ref(`a.${wanted}`), sql.ref(`a.${by}`)]
  return sql`(
    with recursive step as (
      (select ${value} as value from alias_mentions a where a.workspace_id = ${workspace} and ${fixed} = ${key} order by ${value} limit 1)
      union all
      select (select ${value} from alias_mentions a where a.workspace_id = ${workspace} and ${fixed} = ${key} and ${value} > s.value order by ${value} limit 1)
      from step s where s.value is not null)
    select value from step where value is not null)`
}

/** All edges of the components that contain the given keys. */
export async function componentEdges(tx: ScopedTx, workspace: WorkspaceId, keys: readonly string[]): Promise<AliasEdge[]> {
  const from = sql.raw('r.key')
  const forth = distinctAliases(workspace, 'alias_key', 'key', from)
  const found = await sql<AliasEdge>`
    with recursive reached as (
      select k collate "C" as key from unnest(${[...keys]}::text[]) as k
      union
      select n.key from reached r cross join lateral (
        select f.value as key from ${forth} f
        union all select b.value from ${distinctAliases(workspace, 'key', 'alias_key', from)} b
        union all select into_key from entity_merges where workspace_id = ${workspace} and from_key = r.key
        union all select from_key from entity_merges where workspace_id = ${workspace} and into_key = r.key) n)
    select distinct e.key, e.other, e.merged from reached r cross join lateral (
      select r.key, f.value as other, false as merged from ${forth} f
      union all select from_key, into_key, true from entity_merges where workspace_id = ${workspace} and from_key = r.key) e`.execute(tx)
  return found.rows
}

export type KeyRow = { key: string; entity_id: string }

/** Where the keys lead, for those that do not lead to themselves. */
export async function resolve(tx: ScopedTx, workspace: WorkspaceId, keys: readonly string[]): Promise<Map<string, string>> {
  if (keys.length === 0) return new Map()
  const found = await sql<KeyRow>`
    select key, entity_id from entity_keys where workspace_id = ${workspace} and key = any(${[...keys]}::text[])`.execute(tx)
  return new Map(found.rows.map((row) => [row.key, row.entity_id]))
}

/** Where names lead by their own ids, for those that do not lead to themselves. */
export async function entitiesOfNames(tx: ScopedTx, workspace: WorkspaceId, ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map()
  const found = await sql<{ key_id: string; entity_id: string }>`
    select key_id, entity_id from entity_keys where workspace_id = ${workspace} and key_id = any(${[...ids]}::text[])`.execute(tx)
  return new Map(found.rows.map((row) => [row.key_id, row.entity_id]))
}

export async function setKeys(
  tx: ScopedTx,
  workspace: WorkspaceId,
  rows: readonly (KeyRow & { key_id: string })[],
  alone: readonly string[],
): Promise<void> {
  if (alone.length > 0) {
    await sql`delete from entity_keys where workspace_id = ${workspace} and key = any(${[...alone]}::text[])`.execute(tx)
  }
  if (rows.length === 0) return
  await sql`
    insert into entity_keys (workspace_id, key, key_id, entity_id)
    select ${workspace}, key, key_id, entity_id from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(key text, key_id text, entity_id text)
    on conflict (workspace_id, key) do update set entity_id = excluded.entity_id`.execute(tx)
}

export type MovedEntityVote = { key: string; name: string; type: string; votes: number }

/** Leads all mentions of each key to its entity; returns how many of each kind moved. */
export async function moveEntityMentions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  leads: readonly { key: string; entity_id: string }[],
): Promise<MovedEntityVote[]> {
  if (leads.length === 0) return []
  const moved = await sql<MovedEntityVote>`
    with changed as (
      update entity_mentions m set entity_id = r.entity_id
      from unnest(${leads.map((lead) => lead.key)}::text[], ${leads.map((lead) => lead.entity_id)}::text[]) as r(key, entity_id)
      where m.workspace_id = ${workspace} and m.key = r.key
      returning m.key, m.name, m.type)
    select key, name, type, count(*)::int as votes from changed group by key, name, type`.execute(tx)
  return moved.rows
}

/** Leads the mentions of each key to its entity, where they do not lead there already. */
export async function leadEntityMentions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  leads: readonly { key: string; entity_id: string }[],
): Promise<void> {
  if (leads.length === 0) return
  await sql`
    update entity_mentions m set entity_id = r.entity_id
    from unnest(${leads.map((lead) => lead.key)}::text[], ${leads.map((lead) => lead.entity_id)}::text[]) as r(key, entity_id)
    where m.workspace_id = ${workspace} and m.key = r.key and m.entity_id <> r.entity_id`.execute(tx)
}

export type FactRow = {
  chunk_id: string
  source_key: string
  target_key: string
  relation_id: string | null
  fact_id: string
  forward: boolean
  keywords: string[]
  weight: string
}

/** Relation mentions that touch one of the keys. */
export async function relationMentionsOf(tx: ScopedTx, workspace: WorkspaceId, keys: readonly string[]): Promise<FactRow[]> {
  const found = await sql<FactRow>`
    select chunk_id, source_key, target_key, relation_id, fact_id, forward, keywords, weight from relation_mentions
    where workspace_id = ${workspace} and source_key = any(${[...keys]}::text[])
    union
    select chunk_id, source_key, target_key, relation_id, fact_id, forward, keywords, weight from relation_mentions
    where workspace_id = ${workspace} and target_key = any(${[...keys]}::text[])`.execute(tx)
  return found.rows
}

export async function moveRelationMentions(
  tx: ScopedTx,
  workspace: WorkspaceId,
  rows: readonly { source_key: string; target_key: string; relation_id: string | null; forward: boolean }[],
): Promise<void> {
  if (rows.length === 0) return
  await sql`
    update relation_mentions m set relation_id = r.relation_id, forward = r.forward
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(source_key text, target_key text, relation_id text, forward boolean)
    where m.workspace_id = ${workspace} and m.source_key = r.source_key and m.target_key = r.target_key
      and (m.relation_id, m.forward) is distinct from (r.relation_id, r.forward)`.execute(tx)
}
