// The neighbourhood of chunks and entities, one hop at a time: which entities stand in a chunk, and which other chunks mention those.
// Each statement answers with one JSON value per workspace, so that a name or a header met a hundred times is sent once.
import { sql, type RawBuilder } from 'kysely'
import { WALK_ENTITIES, WALK_HUB } from '../core/auto-weights.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import { homeOf, type Probe, vectorParameter } from './search-vectors.ts'
import type { ScopedTx } from './scope.ts'
import { vectorTable } from './vectors.ts'

/** Chunks read per entity; a walk stops at smaller hubs. */
const CHUNKS_PER_ENTITY = 100

/** Entities of one workspace and the chunks that mention them. */
export type Around = {
  workspace_id: string
  entities: { entity_id: string; name: string; key: string; aliases: string[]; mentions: number }[]
  reached: [entityId: string, chunkId: string][]
  /** Context headers of the chunks that match the filter; what is reached and not in here does not. */
  headers: Record<string, string>
}

/** What is around chunks: also which of the entities stand in which, and how near their facts are to the question. */
export type Links = Around & {
  members: [chunkId: string, entityId: string][]
  facts: [chunkId: string, aId: string, bId: string, cosine: number][]
}

type ByWorkspace = ReadonlyMap<string, readonly string[]>

/** Chunks that mention the entities, for each the first 100 in the fold's order. */
export async function aroundEntities(tx: ScopedTx, entities: ByWorkspace, filter: ChunkFilter | undefined): Promise<Around[]> {
  const parts = [...entities].map(([workspace, ids]) => {
    const found = sql`
      found as materialized (
        select entity_id, name, key, aliases, mentions from entities where workspace_id = ${workspace} and entity_id = any(${[...ids]}::text[]))`
    return sql`(with ${found}, ${reachedPart(workspace, filter)} select ${workspace} as workspace_id, ${aroundColumns})`
  })
  if (parts.length === 0) return []
  const answer = await sql<Around>`${sql.join(parts, sql` union all `)}`.execute(tx)
  return answer.rows
}

/**
 * What leads from the chunks to others: of each the 20 rarest entities that stand in 2 to 50 chunks.
 *
 * @param probes the question as facts are compared with it.
 */
export async function aroundChunks(
  tx: ScopedTx,
  probes: readonly Probe[],
  chunks: ByWorkspace,
  filter: ChunkFilter | undefined,
): Promise<Links[]> {
  const parts = probes.flatMap((probe) => {
    const ids = chunks.get(probe.workspace.workspace_id) ?? []
    return ids.length === 0 ? [] : [linksPart(tx, probe, ids, filter)]
  })
  if (parts.length === 0) return []
  const answer = await sql<Links>`${sql.join(parts, sql` union all `)}`.execute(tx)
  return answer.rows
}

function linksPart(tx: ScopedTx, probe: Probe, chunks: readonly string[], filter: ChunkFilter | undefined): RawBuilder<unknown> {
  const workspace = probe.workspace.workspace_id
  return sql`(
    with seeds as materialized (select chunk_id from unnest(${[...chunks]}::text[]) as s(chunk_id)),
    members as materialized (
      select s.chunk_id, e.* from seeds s cross join lateral (
        select e.entity_id, e.name, e.key, e.aliases, e.mentions
        from (select distinct m.entity_id from entity_mentions m where m.workspace_id = ${workspace} and m.chunk_id = s.chunk_id) m
        join entities e on e.workspace_id = ${workspace} and e.entity_id = m.entity_id
        where e.mentions between 2 and ${WALK_HUB}
        order by e.mentions, e.entity_id limit ${WALK_ENTITIES}) e),
    found as materialized (select distinct entity_id, name, key, aliases, mentions from members),
    ${reachedPart(workspace, filter)},
    facts as (
      select s.chunk_id, r.a_id, r.b_id, max(1 - (v.embedding <=> ${vectorParameter(tx, probe.vector)})) as cosine
      from seeds s
      join relation_mentions f on f.workspace_id = ${workspace} and f.chunk_id = s.chunk_id
      join relations r on r.workspace_id = f.workspace_id and r.relation_id = f.relation_id
      join ${vectorTable('relation', probe.workspace.dim)} v on ${homeOf('v', probe.workspace)} and v.id = f.fact_id
      group by s.chunk_id, r.a_id, r.b_id)
    select ${workspace} as workspace_id, ${aroundColumns},
      (select coalesce(json_agg(json_build_array(chunk_id, entity_id)), '[]') from members) as members,
      (select coalesce(json_agg(json_build_array(chunk_id, a_id, b_id, cosine)), '[]') from facts) as facts)`
}

/** From `found` entities to the chunks that mention them. */
const reachedPart = (workspace: string, filter: ChunkFilter | undefined): RawBuilder<unknown> => sql`
    reached as materialized (
      select f.entity_id, o.chunk_id from found f cross join lateral (
        select distinct l.chunk_id from (
          select m.chunk_id from entity_mentions m
          ${filter ? sql`join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id` : sql``}
          where m.workspace_id = ${workspace} and m.entity_id = f.entity_id${andMatches('c', filter)}
          order by m.rank, m.chunk_id, m.key limit ${CHUNKS_PER_ENTITY}) l) o),
    headers as (
      select c.chunk_id, c.header from (select distinct chunk_id from reached) r
      join chunks c on c.workspace_id = ${workspace} and c.chunk_id = r.chunk_id)`

const aroundColumns = sql`
      (select coalesce(json_agg(found), '[]') from found) as entities,
      (select coalesce(json_agg(json_build_array(entity_id, chunk_id)), '[]') from reached) as reached,
      (select coalesce(json_object_agg(chunk_id, header), '{}') from headers) as headers`
