// Reading the graph: lists, one entity with what stands around it and who says so. Every row comes with its workspace.
import { sql } from 'kysely'
import type { Located } from '../core/fusion.ts'
import type { ScopedTx } from './scope.ts'

export type EntityLine = {
  workspace_id: string
  entity_id: string
  key: string
  name: string
  type: string
  description: string
  degree: number
}

/** 0 a name to the letter, 1 the beginning of one, 2 a part of one. */
export type EntityMatch = EntityLine & { match: number; place: number }

/** Where a page ends: the values its order is made of. */
export type After = { match: number; degree: number; place: number; entityId: string }

const COLUMNS = sql.raw('e.workspace_id, e.entity_id, e.key, e.name, e.type, coalesce(s.summary, e.description) as description, e.degree')
const SUMMARY = sql.raw('left join entity_summaries s on s.workspace_id = e.workspace_id and s.entity_id = e.entity_id')

/** The best connected entities of all workspaces together; each workspace is read through its index. */
export async function byDegree(tx: ScopedTx, after: After | undefined, limit: number): Promise<EntityMatch[]> {
  const later = after
    ? sql`and (-x.degree, w.place::int, x.entity_id collate "C") > (${-after.degree}::int, ${after.place}::int, ${after.entityId}::text collate "C") and x.degree <= ${after.degree}`
    : sql``
  const found = await sql<EntityMatch>`
    select ${COLUMNS}, 2 as match, w.place::int as place
    from unnest(${[...tx.scope]}::text[]) with ordinality as w(workspace_id, place)
    cross join lateral (
      select x.* from entities x where x.workspace_id = w.workspace_id ${later}
      order by x.degree desc, x.entity_id limit ${limit}) e
    ${SUMMARY}
    order by e.degree desc, w.place, e.entity_id limit ${limit}`.execute(tx)
  return found.rows
}

/** Entities of which a name or alias is, begins with or contains the key, in that order, then the best connected first. */
export async function byName(tx: ScopedTx, key: string, after: After | undefined, limit: number): Promise<EntityMatch[]> {
  const later = after
    ? sql`where (f.match, -e.degree, f.place, e.entity_id collate "C") > (${after.match}::int, ${-after.degree}::int, ${after.place}::int, ${after.entityId}::text collate "C")`
    : sql``
  const match = sql`case when n.key = ${key} then 0 when starts_with(n.key, ${key}) then 1 else 2 end`
  const found = await sql<EntityMatch>`
    select ${COLUMNS}, f.match, f.place
    from (
      select n.workspace_id, n.entity_id, min(${match}) as match, min(w.place)::int as place
      from unnest(${[...tx.scope]}::text[]) with ordinality as w(workspace_id, place)
      join (
        select workspace_id, key, entity_id from entities
        union all select workspace_id, key, entity_id from entity_keys) n on n.workspace_id = w.workspace_id
      where strpos(n.key, ${key}) > 0
      group by n.workspace_id, n.entity_id) f
    join entities e on e.workspace_id = f.workspace_id and e.entity_id = f.entity_id
    ${SUMMARY}
    ${later}
    order by f.match, e.degree desc, f.place, e.entity_id limit ${limit}`.execute(tx)
  return found.rows
}

/**
 * Entities that one of the keys leads to, in the order of the scope.
 *
 * @param ids the keys' own ids, for those that no alias or merge leads elsewhere.
 */
export async function byKeys(tx: ScopedTx, keys: readonly string[], ids: readonly string[]): Promise<EntityLine[]> {
  const found = await sql<EntityLine>`
    select ${COLUMNS}
    from (
      select w.workspace_id, w.place, coalesce(k.entity_id, n.id) as entity_id
      from unnest(${[...tx.scope]}::text[]) with ordinality as w(workspace_id, place)
      cross join unnest(${[...keys]}::text[], ${[...ids]}::text[]) as n(key, id)
      left join entity_keys k on k.workspace_id = w.workspace_id and k.key = n.key) f
    join entities e on e.workspace_id = f.workspace_id and e.entity_id = f.entity_id
    ${SUMMARY}
    group by e.workspace_id, e.entity_id, s.summary, f.place
    order by f.place, e.entity_id`.execute(tx)
  return found.rows
}

export async function byId(tx: ScopedTx, workspace: string, id: string): Promise<EntityLine | undefined> {
  const found = await sql<EntityLine>`
    select ${COLUMNS} from entities e ${SUMMARY} where e.workspace_id = ${workspace} and e.entity_id = ${id}`.execute(tx)
  return found.rows[0]
}

export async function aliasesOf(tx: ScopedTx, entity: Pick<EntityLine, 'workspace_id' | 'entity_id'>): Promise<string[]> {
  const found = await sql<{ aliases: string[] }>`
    select aliases from entities where workspace_id = ${entity.workspace_id} and entity_id = ${entity.entity_id}`.execute(tx)
  return found.rows[0]?.aliases ?? []
}

/** Every key that leads to each of the entities, their own included. */
export async function keysOf(
  tx: ScopedTx,
  entities: readonly Located[],
): Promise<{ workspace_id: string; entity_id: string; key: string }[]> {
  if (entities.length === 0) return []
  const found = await sql<{ workspace_id: string; entity_id: string; key: string }>`
    select w.workspace_id, w.entity_id, n.key
    from unnest(${entities.map((one) => one.workspaceId)}::text[], ${entities.map((one) => one.id)}::text[]) as w(workspace_id, entity_id)
    cross join lateral (
      select key from entity_keys where workspace_id = w.workspace_id and entity_id = w.entity_id
      union select key from entities where workspace_id = w.workspace_id and entity_id = w.entity_id) n`.execute(tx)
  return found.rows
}

export type RelationLine = {
  a_name: string
  b_name: string
  forward: boolean
  keywords: string[]
  description: string
  weight: number
}

/** The heaviest relations of one entity. */
export async function relationsOf(
  tx: ScopedTx,
  entity: Pick<EntityLine, 'workspace_id' | 'entity_id'>,
  limit: number,
): Promise<RelationLine[]> {
  const side = (end: 'a_id' | 'b_id') => sql`(
    select r.* from relations r where r.workspace_id = ${entity.workspace_id} and r.${sql.raw(end)} = ${entity.entity_id}
    order by r.weight desc, r.relation_id limit ${limit})`
  const found = await sql<RelationLine>`
    select a.name as a_name, b.name as b_name, r.forward, r.keywords, coalesce(s.summary, r.description) as description, r.weight::float8 as weight
    from (${side('a_id')} union all ${side('b_id')}) r
    join entities a on a.workspace_id = r.workspace_id and a.entity_id = r.a_id
    join entities b on b.workspace_id = r.workspace_id and b.entity_id = r.b_id
    left join relation_summaries s on s.workspace_id = r.workspace_id and s.relation_id = r.relation_id
    order by r.weight desc, r.relation_id limit ${limit}`.execute(tx)
  return found.rows
}

export type EvidenceLine = { chunk_id: string; file_id: string; file_name: string; page: number | null; quote: string }

/** The chunks that speak of the entity, in the fold's order. */
export async function evidenceOf(
  tx: ScopedTx,
  entity: Pick<EntityLine, 'workspace_id' | 'entity_id'>,
  limit: number,
): Promise<EvidenceLine[]> {
  const found = await sql<EvidenceLine>`
    select m.chunk_id, c.file_id, coalesce(d.live_name, d.file_name) as file_name, c.page, m.quote
    from (
      select chunk_id, key, rank, quote from entity_mentions
      where workspace_id = ${entity.workspace_id} and entity_id = ${entity.entity_id}
      order by rank, chunk_id, key limit ${limit}) m
    join chunks c on c.workspace_id = ${entity.workspace_id} and c.chunk_id = m.chunk_id
    join documents d on d.workspace_id = c.workspace_id and d.file_id = c.file_id
    order by m.rank, m.chunk_id, m.key`.execute(tx)
  return found.rows
}

export type PrerequisiteRow = {
  workspace_id: string
  relation_id: string
  /** The entity that must be known first, and the one it is asked for. */
  before_id: string
  after_id: string
  name: string
  key: string
  description: string
  weight: number
}

/** What must be known before each of the entities: the relations of their workspaces that are folded as prerequisites. */
export async function prerequisitesOf(tx: ScopedTx, entities: readonly Located[], perEntity: number): Promise<PrerequisiteRow[]> {
  if (entities.length === 0) return []
  const side = (after: 'a_id' | 'b_id', before: 'a_id' | 'b_id', forward: boolean) => sql`(
    select r.relation_id, r.${sql.raw(before)} as before_id, r.weight from relations r
    where r.workspace_id = w.workspace_id and r.${sql.raw(after)} = w.entity_id and ${sql.raw(forward ? 'r.forward' : 'not r.forward')} and 'prerequisite' = any(r.keywords)
    order by r.weight desc, r.relation_id limit ${perEntity})`
  const found = await sql<PrerequisiteRow>`
    select w.workspace_id, r.relation_id, r.before_id, w.entity_id as after_id, e.name, e.key, coalesce(s.summary, e.description) as description,
      r.weight::float8 as weight
    from unnest(${entities.map((one) => one.workspaceId)}::text[], ${entities.map((one) => one.id)}::text[]) as w(workspace_id, entity_id)
    cross join lateral (${side('b_id', 'a_id', true)} union all ${side('a_id', 'b_id', false)}) r
    join entities e on e.workspace_id = w.workspace_id and e.entity_id = r.before_id
    ${SUMMARY}
    order by r.weight desc, e.key, w.workspace_id`.execute(tx)
  return found.rows
}

/** The chunks that assert each relation as a prerequisite in its folded direction, at most `perRelation` each. */
export async function prerequisiteEvidence(
  tx: ScopedTx,
  relations: readonly Located[],
  perRelation: number,
): Promise<(EvidenceLine & { workspace_id: string; relation_id: string })[]> {
  if (relations.length === 0) return []
  const found = await sql<EvidenceLine & { workspace_id: string; relation_id: string }>`
    select w.workspace_id, w.relation_id, m.chunk_id, c.file_id, coalesce(d.live_name, d.file_name) as file_name, c.page, m.quote
    from unnest(${relations.map((one) => one.workspaceId)}::text[], ${relations.map((one) => one.id)}::text[]) as w(workspace_id, relation_id)
    join relations r on r.workspace_id = w.workspace_id and r.relation_id = w.relation_id
    cross join lateral (
      select m.chunk_id, m.quote, m.rank from relation_mentions m
      where m.workspace_id = w.workspace_id and m.relation_id = w.relation_id and m.forward = r.forward and 'prerequisite' = any(m.keywords)
      order by m.rank, m.chunk_id, m.source_key, m.target_key limit ${perRelation}) m
    join chunks c on c.workspace_id = w.workspace_id and c.chunk_id = m.chunk_id
    join documents d on d.workspace_id = c.workspace_id and d.file_id = c.file_id
    order by m.rank, m.chunk_id`.execute(tx)
  return found.rows
}
