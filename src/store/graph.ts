// Entities and relations as the fold wrote them, the exact votes the fold reads, and a person's corrections.
import { sql } from 'kysely'
import type { WorkspaceId } from '../core/workspace.ts'
import { distinctAliases } from './aliases.ts'
import type { ScopedTx } from './scope.ts'

/** Descriptions a fold reads at most; chosen by (rank, chunk, key) through an index, so a hub costs no more than any other. */
export const MAX_FOLDED_DESCRIPTIONS = 8

export type EntityVoteDelta = { entity_id: string; kind: 'name' | 'type'; value: string; votes: number }
export type RelationVoteDelta = { relation_id: string; keyword: string; forward: number; backward: number; weight: string }

/** Adds differences to the votes, in key order so that no two writers can wait for each other; votes that reach zero go. */
export async function addEntityVotes(tx: ScopedTx, workspace: WorkspaceId, deltas: readonly EntityVoteDelta[]): Promise<void> {
  if (deltas.length === 0) return
  const column = columnOf(deltas)
  await sql`
    insert into entity_votes as v (workspace_id, entity_id, kind, value, votes)
    select ${workspace}, entity_id, kind, value, votes
    from unnest(${column('entity_id')}::text[], ${column('kind')}::text[], ${column('value')}::text[], ${column('votes')}::int[]) as r(entity_id, kind, value, votes)
    order by entity_id collate "C", kind collate "C", value collate "C"
    on conflict (workspace_id, entity_id, kind, value) do update set votes = v.votes + excluded.votes`.execute(tx)
  if (!deltas.some((delta) => delta.votes < 0)) return
  await sql`
    delete from entity_votes where workspace_id = ${workspace} and votes = 0 and entity_id = any(${unique(deltas.map((delta) => delta.entity_id))}::text[])`.execute(
    tx,
  )
}

/** The same for relations. Returns those that had no vote before. */
export async function addRelationVotes(tx: ScopedTx, workspace: WorkspaceId, deltas: readonly RelationVoteDelta[]): Promise<Set<string>> {
  if (deltas.length === 0) return new Set()
  const column = columnOf(deltas)
  // A row that was inserted has not been locked or replaced by anybody: its xmax is 0.
  const added = await sql<{ relation_id: string }>`
    with added as (
      insert into relation_votes as v (workspace_id, relation_id, keyword, forward, backward, weight)
      select ${workspace}, relation_id, keyword, forward, backward, weight
      from unnest(${column('relation_id')}::text[], ${column('keyword')}::text[], ${column('forward')}::int[], ${column('backward')}::int[],
        ${column('weight')}::numeric[]) as r(relation_id, keyword, forward, backward, weight)
      order by relation_id collate "C", keyword collate "C"
      on conflict (workspace_id, relation_id, keyword) do update
      set forward = v.forward + excluded.forward, backward = v.backward + excluded.backward, weight = v.weight + excluded.weight
      returning relation_id, keyword, xmax::text = '0' as is_new)
    select relation_id from added where keyword = '' and is_new`.execute(tx)
  const firsts = new Set(added.rows.map((row) => row.relation_id))
  if (!deltas.some((delta) => delta.forward + delta.backward < 0)) return firsts
  await sql`
    delete from relation_votes
    where workspace_id = ${workspace} and forward = 0 and backward = 0 and relation_id = any(${unique(deltas.map((delta) => delta.relation_id))}::text[])`.execute(
    tx,
  )
  return firsts
}

/** Rows as columns: arrays are read several times as fast as JSON. */
const columnOf =
  <Row>(rows: readonly Row[]) =>
  <Name extends keyof Row>(name: Name): Row[Name][] =>
    rows.map((row) => row[name])

/** A list of texts as a value that PostgreSQL casts to text[]: unnest takes no arrays of unequal arrays. */
const arrayLiteral = (texts: readonly string[]): string => `{${texts.map((text) => `"${text.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`

const unique = (values: string[]): string[] => [...new Set(values)]

export type EntityEvidence = {
  entity_id: string
  /** [kind, value, votes] */
  votes: ['name' | 'type', string, number][]
  descriptions: string[]
  /** Names that chunks give as aliases, of every key that leads here. */
  alias_names: string[]
  keys: string[]
  degree: number
  key: string | null
}

/** Everything an entity's fold reads, in one statement. */
export async function entityEvidence(tx: ScopedTx, workspace: WorkspaceId, ids: readonly string[]): Promise<EntityEvidence[]> {
  if (ids.length === 0) return []
  const found = await sql<EntityEvidence>`
    select i as entity_id,
      coalesce((select jsonb_agg(jsonb_build_array(v.kind, v.value, v.votes)) from entity_votes v
        where v.workspace_id = ${workspace} and v.entity_id = i), '[]') as votes,
      array(select m.description from entity_mentions m
        where m.workspace_id = ${workspace} and m.entity_id = i
        order by m.rank, m.chunk_id, m.key limit ${MAX_FOLDED_DESCRIPTIONS}) as descriptions,
      array(select distinct a.value from entity_keys k cross join lateral ${distinctAliases(workspace, 'alias_name', 'alias_key', sql.raw('k.key'))} a
        where k.workspace_id = ${workspace} and k.entity_id = i) as alias_names,
      array(select k.key from entity_keys k where k.workspace_id = ${workspace} and k.entity_id = i order by k.key) as keys,
      coalesce((select e.degree from entities e where e.workspace_id = ${workspace} and e.entity_id = i), 0) as degree,
      (select m.key from entity_mentions m where m.workspace_id = ${workspace} and m.entity_id = i limit 1) as key
    from unnest(${[...ids]}::text[]) as i`.execute(tx)
  return found.rows
}

export type EntityRow = {
  entity_id: string
  key: string
  name: string
  type: string
  description: string
  aliases: string[]
  mentions: number
  degree: number
}

export async function saveEntities(tx: ScopedTx, workspace: WorkspaceId, rows: readonly EntityRow[]): Promise<void> {
  if (rows.length === 0) return
  const column = columnOf(rows)
  await sql`
    insert into entities as e (workspace_id, entity_id, key, name, type, description, aliases, mentions, degree)
    select ${workspace}, entity_id, key, name, type, description, aliases::text[], mentions, degree
    from unnest(${column('entity_id')}::text[], ${column('key')}::text[], ${column('name')}::text[], ${column('type')}::text[], ${column('description')}::text[],
      ${rows.map((row) => arrayLiteral(row.aliases))}::text[], ${column('mentions')}::int[], ${column('degree')}::int[])
      as r(entity_id, key, name, type, description, aliases, mentions, degree)
    order by entity_id collate "C"
    on conflict (workspace_id, entity_id) do update
    set key = excluded.key, name = excluded.name, type = excluded.type, description = excluded.description, aliases = excluded.aliases,
      mentions = excluded.mentions, degree = excluded.degree
    where (e.key, e.name, e.type, e.description, e.aliases, e.mentions, e.degree)
      is distinct from (excluded.key, excluded.name, excluded.type, excluded.description, excluded.aliases, excluded.mentions, excluded.degree)`.execute(
    tx,
  )
}

export async function removeEntities(tx: ScopedTx, workspace: WorkspaceId, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  await sql`delete from entities where workspace_id = ${workspace} and entity_id = any(${[...ids]}::text[])`.execute(tx)
}

export type RelationEvidence = {
  relation_id: string
  /** [keyword, forward, backward, weight as decimal text] */
  votes: [string, number, number, string][]
  descriptions: string[]
  /** Null where the relation has no row: it is new, or hidden. */
  a_id: string | null
  b_id: string | null
  /** The names of its ends in one mention; null without any. */
  source_key: string | null
  target_key: string | null
}

/** The same for relations. Looked up one by one: joined, all relations of the workspace would be read for every one that is asked for. */
export async function relationEvidence(tx: ScopedTx, workspace: WorkspaceId, ids: readonly string[]): Promise<RelationEvidence[]> {
  if (ids.length === 0) return []
  const found = await sql<RelationEvidence>`
    select i as relation_id,
      coalesce((select jsonb_agg(jsonb_build_array(v.keyword, v.forward, v.backward, v.weight::text)) from relation_votes v
        where v.workspace_id = ${workspace} and v.relation_id = i), '[]') as votes,
      array(select m.description from relation_mentions m
        where m.workspace_id = ${workspace} and m.relation_id = i
        order by m.rank, m.chunk_id, m.source_key, m.target_key limit ${MAX_FOLDED_DESCRIPTIONS}) as descriptions,
      r.a_id, r.b_id, s.source_key, s.target_key
    from unnest(${[...ids]}::text[]) as i
    left join lateral (select a_id, b_id from relations where workspace_id = ${workspace} and relation_id = i limit 1) r on true
    left join lateral (
      select source_key, target_key from relation_mentions m where m.workspace_id = ${workspace} and m.relation_id = i limit 1) s on true`.execute(
    tx,
  )
  return found.rows
}

export type RelationRow = {
  relation_id: string
  a_id: string
  b_id: string
  forward: boolean
  keywords: string[]
  description: string
  /** Decimal text. */
  weight: string
  mentions: number
}

export async function saveRelations(tx: ScopedTx, workspace: WorkspaceId, rows: readonly RelationRow[]): Promise<void> {
  if (rows.length === 0) return
  const column = columnOf(rows)
  await sql`
    insert into relations as e (workspace_id, relation_id, a_id, b_id, forward, keywords, description, weight, mentions)
    select ${workspace}, relation_id, a_id, b_id, forward, keywords::text[], description, weight, mentions
    from unnest(${column('relation_id')}::text[], ${column('a_id')}::text[], ${column('b_id')}::text[], ${column('forward')}::boolean[],
      ${rows.map((row) => arrayLiteral(row.keywords))}::text[], ${column('description')}::text[], ${column('weight')}::numeric[], ${column('mentions')}::int[])
      as r(relation_id, a_id, b_id, forward, keywords, description, weight, mentions)
    order by relation_id collate "C"
    on conflict (workspace_id, relation_id) do update
    set forward = excluded.forward, keywords = excluded.keywords, description = excluded.description, weight = excluded.weight, mentions = excluded.mentions
    where (e.forward, e.keywords, e.description, e.weight, e.mentions)
      is distinct from (excluded.forward, excluded.keywords, excluded.description, excluded.weight, excluded.mentions)`.execute(tx)
}

/** Removes relations and returns their ends, whose degrees fall. */
export async function removeRelations(
  tx: ScopedTx,
  workspace: WorkspaceId,
  ids: readonly string[],
): Promise<{ a_id: string; b_id: string }[]> {
  if (ids.length === 0) return []
  const gone = await sql<{ a_id: string; b_id: string }>`
    delete from relations where workspace_id = ${workspace} and relation_id = any(${[...ids]}::text[]) returning a_id, b_id`.execute(tx)
  return gone.rows
}

export type EntityEdit = {
  key: string
  name: string | null
  type: string | null
  description: string | null
  created: boolean
  deleted: boolean
}
export type RelationEdit = {
  source_key: string
  target_key: string
  keywords: string[] | null
  description: string | null
  weight: string | null
  created: boolean
  deleted: boolean
  /** The relation it led to when it was last looked at. */
  relation_id: string | null
}
export type Merge = { from_key: string; into_key: string; into_name: string }

export type Corrections = { entities: EntityEdit[]; relations: RelationEdit[]; merges: Merge[] }

/** A workspace's corrections; few, because people make them. */
export async function corrections(tx: ScopedTx, workspace: WorkspaceId): Promise<Corrections> {
  const found = await sql<Corrections>`
    select
      coalesce((select jsonb_agg(e order by e.key) from entity_edits e where e.workspace_id = ${workspace}), '[]') as entities,
      coalesce((select jsonb_agg(to_jsonb(r) || jsonb_build_object('weight', r.weight::text) order by r.source_key, r.target_key)
        from relation_edits r where r.workspace_id = ${workspace}), '[]') as relations,
      coalesce((select jsonb_agg(m order by m.merge_id, m.from_key) from entity_merges m where m.workspace_id = ${workspace}), '[]') as merges`.execute(
    tx,
  )
  return found.rows[0] ?? { entities: [], relations: [], merges: [] }
}

/** Notes which relations the corrections lead to today. */
export async function leadRelationEdits(
  tx: ScopedTx,
  workspace: WorkspaceId,
  rows: readonly { source_key: string; target_key: string; relation_id: string | null }[],
): Promise<void> {
  if (rows.length === 0) return
  await sql`
    update relation_edits e set relation_id = r.relation_id
    from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(source_key text, target_key text, relation_id text)
    where e.workspace_id = ${workspace} and e.source_key = r.source_key and e.target_key = r.target_key`.execute(tx)
}

/** Of the entities, those that some chunk mentions. */
export async function mentionedEntities(tx: ScopedTx, workspace: WorkspaceId, ids: readonly string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const found = await sql<{ entity_id: string }>`
    select distinct entity_id from entity_votes where workspace_id = ${workspace} and entity_id = any(${[...ids]}::text[])`.execute(tx)
  return new Set(found.rows.map((row) => row.entity_id))
}
