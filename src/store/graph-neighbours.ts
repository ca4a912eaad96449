// Neighbourhoods: one step of a breadth-first walk, and the edges among the nodes it ended with. Every read is capped per
// node through the adjacency indexes, so that a hub costs no more than any other node.
import { sql } from 'kysely'
import type { Located } from '../core/fusion.ts'
import type { ScopedTx } from './scope.ts'

export type NodeRow = { workspace_id: string; entity_id: string; name: string; type: string; degree: number }

const NODE = sql.raw('e.workspace_id, e.entity_id, e.name, e.type, e.degree')

export async function nodes(tx: ScopedTx, ids: readonly Located[]): Promise<NodeRow[]> {
  if (ids.length === 0) return []
  const found = await sql<NodeRow>`
    select ${NODE}
    from unnest(${ids.map((one) => one.workspaceId)}::text[], ${ids.map((one) => one.id)}::text[]) as w(workspace_id, entity_id)
    join entities e on e.workspace_id = w.workspace_id and e.entity_id = w.entity_id`.execute(tx)
  return found.rows
}

export type StepOptions = {
  /** Relations read per node and side. */
  perNode: number
  limit: number
}

/** Nodes one step away from `from` that are not `known` yet, by their heaviest relation, then their id. */
export async function neighbours(
  tx: ScopedTx,
  from: readonly Located[],
  known: readonly Located[],
  { perNode, limit }: StepOptions,
): Promise<NodeRow[]> {
  if (from.length === 0 || limit <= 0) return []
  const side = (here: 'a_id' | 'b_id', there: 'a_id' | 'b_id') => sql`(
    select r.${sql.raw(there)} as id, r.weight from relations r
    where r.workspace_id = w.workspace_id and r.${sql.raw(here)} = w.entity_id
    order by r.weight desc, r.relation_id limit ${perNode})`
  const found = await sql<NodeRow>`
    select ${NODE}
    from (
      select n.workspace_id, n.id, max(n.weight) as weight
      from (
        select w.workspace_id, i.id, i.weight
        from unnest(${from.map((one) => one.workspaceId)}::text[], ${from.map((one) => one.id)}::text[]) as w(workspace_id, entity_id)
        cross join lateral (${side('a_id', 'b_id')} union all ${side('b_id', 'a_id')}) i) n
      where not exists (
        select from unnest(${known.map((one) => one.workspaceId)}::text[], ${known.map((one) => one.id)}::text[]) as k(workspace_id, id)
        where k.workspace_id = n.workspace_id and k.id = n.id)
      group by n.workspace_id, n.id
      order by weight desc, n.id, n.workspace_id limit ${limit}) n
    join entities e on e.workspace_id = n.workspace_id and e.entity_id = n.id
    order by n.weight desc, n.id, n.workspace_id`.execute(tx)
  return found.rows
}

export type EdgeRow = {
  workspace_id: string
  relation_id: string
  a_id: string
  b_id: string
  forward: boolean
  keywords: string[]
  weight: number
}

/**
 * Relations of which both ends are among the ids, heaviest first: those within the `perNode` heaviest of either end, and those
 * named in `pairs`, which is how two hubs find the relation that neither shows among its heaviest. An id that two workspaces
 * share may bring in a relation whose other end only the other workspace's walk met.
 */
export async function edgesAmong(
  tx: ScopedTx,
  among: readonly Located[],
  pairs: readonly Located[],
  { perNode, limit }: StepOptions,
): Promise<EdgeRow[]> {
  const ids = [...new Set(among.map((one) => one.id))]
  const columns = sql.raw('r.workspace_id, r.relation_id, r.a_id, r.b_id, r.forward, r.keywords, r.weight')
  // The ids as one array: compared by hash, where a join would be planned by what the planner guesses of an unnested list.
  const side = (here: 'a_id' | 'b_id', there: 'a_id' | 'b_id') => sql`(
    select * from (
      select ${columns} from relations r
      where r.workspace_id = w.workspace_id and r.${sql.raw(here)} = w.entity_id
      order by r.weight desc, r.relation_id limit ${perNode}) r
    where r.${sql.raw(there)} = any(${ids}::text[]))`
  const found = await sql<EdgeRow>`
    select distinct workspace_id, relation_id, a_id, b_id, forward, keywords, weight::float8 as weight
    from (
      select i.* from unnest(${among.map((one) => one.workspaceId)}::text[], ${among.map((one) => one.id)}::text[]) as w(workspace_id, entity_id)
      cross join lateral (${side('a_id', 'b_id')} union all ${side('b_id', 'a_id')}) i
      union all
      select i.* from unnest(${pairs.map((one) => one.workspaceId)}::text[], ${pairs.map((one) => one.id)}::text[]) as p(workspace_id, relation_id)
      cross join lateral (
        select ${columns} from relations r where r.workspace_id = p.workspace_id and r.relation_id = p.relation_id limit 1) i) e
    order by weight desc, relation_id, workspace_id limit ${limit}`.execute(tx)
  return found.rows
}
