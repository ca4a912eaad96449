// What a found entity or relation shows. With a filter, only what matching chunks say of it.
import { sql, type RawBuilder } from 'kysely'
import type { Located } from '../core/fusion.ts'
import { MAX_FOLDED_DESCRIPTIONS } from './graph.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import type { ScopedTx } from './scope.ts'

/** Chunk ids shown per entity or relation. */
const MAX_CHUNK_IDS = 20

export type EntityCard = {
  workspace_id: string
  entity_id: string
  name: string
  type: string
  /** Of all mentions. */
  description: string
  /** Of matching mentions, in the fold's order; null without a filter. */
  descriptions: string[] | null
  chunk_ids: string[]
}

export async function entityCards(tx: ScopedTx, entities: readonly Located[], filter: ChunkFilter | undefined): Promise<EntityCard[]> {
  if (entities.length === 0) return []
  const mentions = sql`from entity_mentions m ${matching(filter)} where m.workspace_id = e.workspace_id and m.entity_id = e.entity_id${andMatches('c', filter)}`
  const found = await sql<EntityCard>`
    select e.workspace_id, e.entity_id, e.name, e.type, coalesce(s.summary, e.description) as description,
      ${filter ? sql`array(select m.description ${mentions} order by m.rank, m.chunk_id, m.key limit ${MAX_FOLDED_DESCRIPTIONS})` : sql`null`} as descriptions,
      array(select distinct chunk_id from (select m.chunk_id ${mentions} order by m.rank, m.chunk_id, m.key limit ${MAX_CHUNK_IDS}) as shown order by chunk_id) as chunk_ids
    from unnest(${entities.map((one) => one.workspaceId)}::text[], ${entities.map((one) => one.id)}::text[]) as wanted(workspace_id, entity_id)
    join entities e on e.workspace_id = wanted.workspace_id and e.entity_id = wanted.entity_id
    left join entity_summaries s on s.workspace_id = e.workspace_id and s.entity_id = e.entity_id`.execute(tx)
  return found.rows
}

export type RelationCard = {
  workspace_id: string
  relation_id: string
  a_name: string
  b_name: string
  /** The folded direction is a → b. */
  forward: boolean
  keywords: string[]
  weight: number
  description: string
  descriptions: string[] | null
  chunk_ids: string[]
}

export async function relationCards(tx: ScopedTx, relations: readonly Located[], filter: ChunkFilter | undefined): Promise<RelationCard[]> {
  if (relations.length === 0) return []
  const mentions = sql`from relation_mentions m ${matching(filter)} where m.workspace_id = r.workspace_id and m.relation_id = r.relation_id${andMatches('c', filter)}`
  const order = sql.raw('order by m.rank, m.chunk_id, m.source_key, m.target_key')
  const found = await sql<RelationCard>`
    select r.workspace_id, r.relation_id, a.name as a_name, b.name as b_name, r.forward, r.keywords, r.weight::float8 as weight, coalesce(s.summary, r.description) as description,
      ${filter ? sql`array(select m.description ${mentions} ${order} limit ${MAX_FOLDED_DESCRIPTIONS})` : sql`null`} as descriptions,
      array(select distinct chunk_id from (select m.chunk_id ${mentions} ${order} limit ${MAX_CHUNK_IDS}) as shown order by chunk_id) as chunk_ids
    from unnest(${relations.map((one) => one.workspaceId)}::text[], ${relations.map((one) => one.id)}::text[]) as wanted(workspace_id, relation_id)
    join relations r on r.workspace_id = wanted.workspace_id and r.relation_id = wanted.relation_id
    join entities a on a.workspace_id = r.workspace_id and a.entity_id = r.a_id
    join entities b on b.workspace_id = r.workspace_id and b.entity_id = r.b_id
    left join relation_summaries s on s.workspace_id = r.workspace_id and s.relation_id = r.relation_id`.execute(tx)
  return found.rows
}

const matching = (filter: ChunkFilter | undefined): RawBuilder<unknown> =>
  filter ? sql`join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id` : sql``
