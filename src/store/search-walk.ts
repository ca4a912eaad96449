// One hop through the graph: from chunks over the rare entities they mention to other chunks that mention them.
import { sql, type RawBuilder } from 'kysely'
import type { Located } from '../core/fusion.ts'
import { WALK_ENTITIES, WALK_HUB } from '../core/auto-weights.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import { homeOf, type Probe, vectorParameter } from './search-vectors.ts'
import type { ScopedTx } from './scope.ts'
import { vectorTable } from './vectors.ts'

export type LinkRow = {
  workspace_id: string
  seed: string
  entity_id: string
  key: string
  aliases: string[]
  mentions: number
  /** Cosine of the nearest fact of the seed about the entity; null without one. */
  fact: number | null
  chunk_id: string
  header: string
}

/**
 * Links from the seeds of each workspace, at most 20 entities of 50 chunks per seed.
 *
 * @param probes the question as facts are compared with it.
 */
export async function linksFrom(
  tx: ScopedTx,
  probes: readonly Probe[],
  seeds: ReadonlyMap<string, readonly string[]>,
  filter: ChunkFilter | undefined,
): Promise<LinkRow[]> {
  const parts = probes.flatMap((probe) => {
    const ids = seeds.get(probe.workspace.workspace_id) ?? []
    return ids.length === 0 ? [] : [linksPart(tx, probe, ids, filter)]
  })
  if (parts.length === 0) return []
  const found = await sql<LinkRow>`${sql.join(parts, sql` union all `)}`.execute(tx)
  return found.rows
}

function linksPart(tx: ScopedTx, probe: Probe, seeds: readonly string[], filter: ChunkFilter | undefined): RawBuilder<unknown> {
  const workspace = probe.workspace.workspace_id
  // Materialised, so that the facts are compared once per entity and not once per chunk it leads to.
  return sql`(
    with bridges as materialized (
      select s.seed, e.entity_id, e.key, e.aliases, e.mentions, (
        select max(1 - (v.embedding <=> ${vectorParameter(tx, probe.vector)}))
        from relation_mentions f
        join relations r on r.workspace_id = f.workspace_id and r.relation_id = f.relation_id
        join ${vectorTable('relation', probe.workspace.dim)} v on ${homeOf('v', probe.workspace)} and v.id = f.fact_id
        where f.workspace_id = ${workspace} and f.chunk_id = s.seed and (r.a_id = e.entity_id or r.b_id = e.entity_id)) as fact
      from unnest(${[...seeds]}::text[]) as s(seed) cross join lateral (
        select e.entity_id, e.key, e.aliases, e.mentions
        from (select distinct m.entity_id from entity_mentions m where m.workspace_id = ${workspace} and m.chunk_id = s.seed) m
        join entities e on e.workspace_id = ${workspace} and e.entity_id = m.entity_id
        where e.mentions between 2 and ${WALK_HUB}
        order by e.mentions, e.entity_id limit ${WALK_ENTITIES}) e)
    select c.workspace_id, b.seed, b.entity_id, b.key, b.aliases, b.mentions, b.fact, c.chunk_id, c.header
    from bridges b cross join lateral (
      select distinct m.chunk_id from entity_mentions m
      where m.workspace_id = ${workspace} and m.entity_id = b.entity_id and m.chunk_id <> b.seed) o
    join chunks c on c.workspace_id = ${workspace} and c.chunk_id = o.chunk_id${andMatches('c', filter)})`
}

export type NamedRow = {
  workspace_id: string
  entity_id: string
  key: string
  aliases: string[]
  mentions: number
  chunk_id: string
  header: string
}

/** Chunks read per entity that the question names. */
const CHUNKS_PER_NAME = 100

/** Chunks that mention the entities, in the fold's order. */
export async function namedChunks(tx: ScopedTx, entities: readonly Located[], filter: ChunkFilter | undefined): Promise<NamedRow[]> {
  if (entities.length === 0) return []
  const found = await sql<NamedRow>`
    select e.workspace_id, e.entity_id, e.key, e.aliases, e.mentions, o.chunk_id, o.header
    from unnest(${entities.map((one) => one.workspaceId)}::text[], ${entities.map((one) => one.id)}::text[]) as wanted(workspace_id, entity_id)
    join entities e on e.workspace_id = wanted.workspace_id and e.entity_id = wanted.entity_id
    cross join lateral (
      select distinct l.chunk_id, l.header from (
        select m.chunk_id, c.header from entity_mentions m join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id
        where m.workspace_id = e.workspace_id and m.entity_id = e.entity_id${andMatches('c', filter)}
        order by m.rank, m.chunk_id, m.key limit ${CHUNKS_PER_NAME}) l) o`.execute(tx)
  return found.rows
}
