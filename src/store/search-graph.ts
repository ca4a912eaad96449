// The graph legs: entities and facts that a question names, what stands around them, and the chunks that say so.
import { sql, type RawBuilder } from 'kysely'
import type { Located } from '../core/fusion.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import { homeOf, nearest, type Probe, vectorParameter } from './search-vectors.ts'
import type { ScopedTx } from './scope.ts'
import { vectorTable } from './vectors.ts'

/** Several names or facts may lead to one entity or relation, so more of them are read than are wanted. */
export const SEEDS_PER_RESULT = 3
/** Heaviest relations read per entity: a hub's hundred-and-first relation answers nothing. */
const RELATIONS_PER_SEED = 100
/** Chunks read per fact. */
const CHUNKS_PER_FACT = 20
/** Chunks compared per entity or relation; each is looked up by its key, and a hub stands in half the library. */
const CHUNKS_PER_OWNER = 300

export type EntitySeed = {
  workspace_id: string
  entity_id: string
  /** -1 where only the name matched. */ cosine: number
  /** Keys that matched to the letter. */ keys: string[]
  mentions: number
}

/**
 * Entities whose name is near the question, at most `limit` names per workspace, and those whose name or alias is one of `keys`.
 *
 * @param probes empty when only exact names count.
 */
export async function seedEntities(
  tx: ScopedTx,
  probes: readonly Probe[],
  workspaces: readonly string[],
  keys: readonly string[],
  limit: number,
  filter: ChunkFilter | undefined,
): Promise<EntitySeed[]> {
  // What matching chunks mention is read once: half a library mentions nearly all of its entities.
  const mentioned = filter
    ? sql`
    with mentioned as materialized (
      select distinct m.workspace_id, m.entity_id from entity_mentions m join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id
      where m.workspace_id = any(${[...workspaces]}::text[])${andMatches('c', filter)})`
    : sql``
  const only = filter
    ? ({ workspace: { workspace_id: id } }: Probe): RawBuilder<unknown> => sql`
        and v.id in (
          select d.entity_id from mentioned d where d.workspace_id = ${id}
          union
          select k.key_id from mentioned d join entity_keys k on k.workspace_id = d.workspace_id and k.entity_id = d.entity_id where d.workspace_id = ${id})`
    : undefined
  const isMentioned = filter
    ? sql` and exists (select from entity_mentions m join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id
        where m.workspace_id = e.workspace_id and m.entity_id = e.entity_id${andMatches('c', filter)})`
    : sql``
  const near =
    probes.length === 0
      ? sql`select null::text as workspace_id, null::text as id, null::float8 as distance where false`
      : nearest(tx, 'entity', probes, limit * SEEDS_PER_RESULT, only)
  const found = await sql<EntitySeed>`${mentioned}
    select e.workspace_id, e.entity_id, max(s.cosine) as cosine, array_remove(array_agg(distinct s.key), null) as keys, e.mentions
    from (
      select n.workspace_id, coalesce(k.entity_id, n.id) as entity_id, 1 - n.distance as cosine, null::text as key
      from (${near}) n left join entity_keys k on k.workspace_id = n.workspace_id and k.key_id = n.id
      union all
      select workspace_id, entity_id, -1, key from entities where workspace_id = any(${[...workspaces]}::text[]) and key = any(${[...keys]}::text[])
      union all
      select workspace_id, entity_id, -1, key from entity_keys where workspace_id = any(${[...workspaces]}::text[]) and key = any(${[...keys]}::text[])) s
    join entities e on e.workspace_id = s.workspace_id and e.entity_id = s.entity_id
    where true${isMentioned}
    group by e.workspace_id, e.entity_id, e.mentions`.execute(tx)
  return found.rows
}

export type RelationSeed = {
  workspace_id: string
  relation_id: string
  a_id: string
  b_id: string
  /** -1 where no fact was compared. */
  cosine: number
}

/** A fact near the question with the relation it is part of and the chunks that assert it. */
export type FactSeed = RelationSeed & { chunk_ids: string[] }

/** A chunk matching the filter asserts the relation `r`. */
const assertedRelation = (filter: ChunkFilter | undefined): RawBuilder<unknown> =>
  filter
    ? sql` and exists (select from relation_mentions m join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id
        where m.workspace_id = r.workspace_id and m.relation_id = r.relation_id${andMatches('c', filter)})`
    : sql``

/** Facts near the question, at most three times `limit` per workspace, because several may belong to one relation. */
export async function seedRelations(
  tx: ScopedTx,
  probes: readonly Probe[],
  limit: number,
  filter: ChunkFilter | undefined,
): Promise<FactSeed[]> {
  if (probes.length === 0) return []
  const matching = filter ? sql`join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id` : sql``
  const only = filter
    ? (probe: Probe): RawBuilder<unknown> => sql`
        and v.id in (select m.fact_id from relation_mentions m ${matching} where m.workspace_id = ${probe.workspace.workspace_id}${andMatches('c', filter)})`
    : undefined
  // What a person states has no chunk, so no filter can match it.
  const madeByPeople = filter
    ? sql``
    : sql`
        union all
        select e.relation_id, null from relation_edits e where e.workspace_id = n.workspace_id and e.fact_id = n.id and e.relation_id is not null`
  // Each relation is looked up by itself (`limit 1`): joined, the planner would rather read the tenant's whole table for ninety rows.
  const found = await sql<FactSeed>`
    select r.workspace_id, r.relation_id, r.a_id, r.b_id, 1 - n.distance as cosine, m.chunk_ids
    from (${nearest(tx, 'relation', probes, limit * SEEDS_PER_RESULT, only)}) n
    cross join lateral (
      select min(l.relation_id) as relation_id, coalesce(array_agg(l.chunk_id order by l.chunk_id) filter (where l.chunk_id is not null), '{}') as chunk_ids
      from (
        (select m.relation_id, m.chunk_id from relation_mentions m ${matching}
        where m.workspace_id = n.workspace_id and m.fact_id = n.id and m.relation_id is not null${andMatches('c', filter)}
        order by m.chunk_id limit ${CHUNKS_PER_FACT})${madeByPeople}) l) m
    cross join lateral (
      select r.workspace_id, r.relation_id, r.a_id, r.b_id from relations r
      where r.workspace_id = n.workspace_id and r.relation_id = m.relation_id limit 1) r`.execute(tx)
  return found.rows
}

/** Relations of the entities, the best connected first, then the heaviest: LightRAG's order; at most `limit` in all. */
export async function incidentRelations(
  tx: ScopedTx,
  entities: readonly Located[],
  limit: number,
  filter: ChunkFilter | undefined,
): Promise<RelationSeed[]> {
  if (entities.length === 0) return []
  const side = (end: 'a_id' | 'b_id', other: 'a_id' | 'b_id'): RawBuilder<unknown> => sql`(
    select r.workspace_id, r.relation_id, r.a_id, r.b_id, r.weight, r.${sql.raw(other)} as other from relations r
    where r.workspace_id = s.workspace_id and r.${sql.raw(end)} = s.entity_id${assertedRelation(filter)}
    order by r.weight desc, r.relation_id limit ${RELATIONS_PER_SEED})`
  // The degree of the entity itself is read once, so that only the other end of each relation is looked up.
  const found = await sql<RelationSeed>`
    select distinct r.workspace_id, r.relation_id, r.a_id, r.b_id, r.weight, s.degree + o.degree as degrees, -1 as cosine
    from (
      select e.workspace_id, e.entity_id, e.degree
      from unnest(${entities.map((one) => one.workspaceId)}::text[], ${entities.map((one) => one.id)}::text[]) as w(workspace_id, entity_id)
      join entities e on e.workspace_id = w.workspace_id and e.entity_id = w.entity_id) s
    cross join lateral (${side('a_id', 'b_id')} union all ${side('b_id', 'a_id')}) r
    join entities o on o.workspace_id = r.workspace_id and o.entity_id = r.other
    order by degrees desc, r.weight desc, r.relation_id, r.workspace_id limit ${limit}`.execute(tx)
  return found.rows
}

export type OwnedChunk = { side: 'entity' | 'relation'; workspace_id: string; chunk_id: string; cosine: number }

/**
 * Chunks that mention the entities or assert the relations, the most similar to the question first, at most `limit` per side and workspace.
 *
 * @param entities ids by workspace; so for relations.
 */
export async function ownedChunks(
  tx: ScopedTx,
  probes: readonly Probe[],
  entities: ReadonlyMap<string, readonly string[]>,
  relations: ReadonlyMap<string, readonly string[]>,
  limit: number,
  filter: ChunkFilter | undefined,
): Promise<OwnedChunk[]> {
  const parts = probes.flatMap((probe) => [
    ...ownedPart(tx, probe, 'entity', entities.get(probe.workspace.workspace_id) ?? [], limit, filter),
    ...ownedPart(tx, probe, 'relation', relations.get(probe.workspace.workspace_id) ?? [], limit, filter),
  ])
  if (parts.length === 0) return []
  const found = await sql<OwnedChunk>`${sql.join(parts, sql` union all `)}`.execute(tx)
  return found.rows
}

function ownedPart(
  tx: ScopedTx,
  probe: Probe,
  side: 'entity' | 'relation',
  ids: readonly string[],
  limit: number,
  filter: ChunkFilter | undefined,
): RawBuilder<unknown>[] {
  if (ids.length === 0) return []
  const owner = sql.raw(`${side}_id`)
  const order = sql.raw(side === 'entity' ? 'm.rank, m.chunk_id, m.key' : 'm.rank, m.chunk_id, m.source_key, m.target_key')
  return [
    sql`(
      select ${side} as side, v.workspace_id, v.id as chunk_id, 1 - (v.embedding <=> ${vectorParameter(tx, probe.vector)}) as cosine
      from (
        select distinct l.chunk_id from unnest(${[...ids]}::text[]) as w(id) cross join lateral (
          select m.chunk_id from ${sql.table(`${side}_mentions`)} m
          ${filter ? sql`join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id` : sql``}
          where m.workspace_id = ${probe.workspace.workspace_id} and m.${owner} = w.id${andMatches('c', filter)}
          order by ${order} limit ${CHUNKS_PER_OWNER}) l) o
      join ${vectorTable('chunk', probe.workspace.dim)} v on v.id = o.chunk_id
      where ${homeOf('v', probe.workspace)}
      order by v.embedding <=> ${vectorParameter(tx, probe.vector)}, v.id limit ${limit})`,
  ]
}

export type Connection = {
  side: 'entity' | 'relation'
  workspace_id: string
  chunk_id: string
  /** Of the entity or the relation. */ id: string
}

/** Which of the entities the chunks mention, and which of the relations they assert. Ids by workspace. */
export async function connections(
  tx: ScopedTx,
  chunks: ReadonlyMap<string, readonly string[]>,
  entities: ReadonlyMap<string, readonly string[]>,
  relations: ReadonlyMap<string, readonly string[]>,
): Promise<Connection[]> {
  const parts = [...chunks].flatMap(([workspace, ids]) =>
    (['entity', 'relation'] as const).map((side) => {
      const owner = sql.raw(`m.${side}_id`)
      const owners = (side === 'entity' ? entities : relations).get(workspace) ?? []
      return sql`
        select distinct ${side} as side, m.workspace_id, m.chunk_id, ${owner} as id from ${sql.table(`${side}_mentions`)} m
        where m.workspace_id = ${workspace} and m.chunk_id = any(${[...ids]}::text[]) and ${owner} = any(${[...owners]}::text[])`
    }),
  )
  if (parts.length === 0) return []
  const found = await sql<Connection>`${sql.join(parts, sql` union all `)}`.execute(tx)
  return found.rows
}
