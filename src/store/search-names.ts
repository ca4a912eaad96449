// What else a thing is called: names that lead to the same entity as a key does.
import { sql } from 'kysely'
import type { Known } from '../core/other-names.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import type { ScopedTx } from './scope.ts'

/** Names read per entity, and with a filter its mentions: a hub has thousands. */
const MAX_NAMES = 20
const MAX_MENTIONS = 300

/**
 * Entities that the keys lead to, with their names, in no particular order. With a filter only what matching chunks say: they must use or give the
 * key, and only the names that they use or give count.
 */
export async function namesOfKeys(
  tx: ScopedTx,
  workspaces: readonly string[],
  keys: readonly string[],
  filter: ChunkFilter | undefined,
): Promise<Known[]> {
  if (keys.length === 0) return []
  const all = sql`e.name || e.aliases[1:${MAX_NAMES}] || array(
        select k.key from entity_keys k where k.workspace_id = e.workspace_id and k.entity_id = e.entity_id order by k.key limit ${MAX_NAMES})`
  const matching = sql`array(
        with said as (
          select m.chunk_id, m.key, m.name from entity_mentions m join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id
          where m.workspace_id = e.workspace_id and m.entity_id = e.entity_id${andMatches('c', filter)}
          order by m.rank, m.chunk_id, m.key limit ${MAX_MENTIONS})
        (select name from said
        union
        select a.alias_name from said join alias_mentions a on a.workspace_id = e.workspace_id and a.chunk_id = said.chunk_id and a.key = said.key)
        order by name limit ${MAX_NAMES})`
  const isSaid = sql`
    where exists (
      select from entity_mentions m join chunks c on c.workspace_id = m.workspace_id and c.chunk_id = m.chunk_id
      where m.workspace_id = s.workspace_id and m.entity_id = s.entity_id${andMatches('c', filter)} and (m.key = s.key or exists (
        select from alias_mentions a
        where a.workspace_id = m.workspace_id and a.chunk_id = m.chunk_id and a.key = m.key and a.alias_key = s.key)))`
  const found = await sql<Known>`
    select s.workspace_id as "workspaceId", s.key, ${filter ? matching : all} as names
    from (
      select workspace_id, entity_id, key from entities where workspace_id = any(${[...workspaces]}::text[]) and key = any(${[...keys]}::text[])
      union all
      select workspace_id, entity_id, key from entity_keys where workspace_id = any(${[...workspaces]}::text[]) and key = any(${[...keys]}::text[])) s
    join entities e on e.workspace_id = s.workspace_id and e.entity_id = s.entity_id${filter ? isSaid : sql``}`.execute(tx)
  return found.rows
}
