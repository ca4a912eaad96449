// The lexical leg: which chunks hold the question's terms, how often, and how common those terms are in that workspace alone.
import { sql } from 'kysely'
import { tsqueryAll } from '../core/terms.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import type { ScopedTx } from './scope.ts'

export type TermStatistics = {
  workspace_id: string
  chunks: number
  average_length: number
}

/** Size and mean length of each workspace's index; a term's weight must not depend on what other tenants hold. */
export async function statistics(tx: ScopedTx, workspaces: readonly string[]): Promise<TermStatistics[]> {
  const found = await sql<TermStatistics>`
    select workspace_id, count(*)::int as chunks, avg(length)::float8 as average_length
    from chunk_terms where workspace_id = any(${[...workspaces]}::text[])
    group by workspace_id`.execute(tx)
  return found.rows
}

export type LexicalHit = {
  workspace_id: string
  chunk_id: string
  length: number
  /** `ts_rank` of each term alone, from which its frequency is read; 0 where the chunk lacks the term. */
  ranks: number[]
  /** Of each term within the workspace, before any filter. */
  document_frequencies: number[]
}

/**
 * Candidates of one workspace. First every chunk that holds a term, weighed by the rarity of its terms and its length without opening
 * its term vector (that costs ten times more); the best `limit` of them are then opened. Equal weights are ordered by id.
 *
 * @param terms distinct; a term costs one index scan.
 */
export async function lexicalCandidates(
  tx: ScopedTx,
  workspace: WorkspaceId,
  terms: readonly string[],
  index: TermStatistics,
  limit: number,
  filter: ChunkFilter | undefined,
): Promise<LexicalHit[]> {
  if (terms.length === 0) return []
  const queries = terms.map((term) => tsqueryAll([term], workspace))
  const operands = queries.map(withoutTenant)
  const found = await sql<LexicalHit>`
    with wanted as (
      select ordinality::int as position, query::tsquery as query from unnest(${queries}::text[]) with ordinality as w(query, ordinality)),
    held as materialized (
      select w.position, t.chunk_id, t.length
      from wanted w cross join lateral (
        -- Not bare, or the planner reads the tenant's whole index through the primary key and opens every term vector.
        select chunk_id, length from chunk_terms where workspace_id || '' = ${workspace} and terms @@ w.query) t),
    common as (
      select w.position, count(h.chunk_id)::int as chunks,
        ln(1 + greatest(0, ${index.chunks}::float8 - count(h.chunk_id) + 0.5) / (count(h.chunk_id) + 0.5)) as idf
      from wanted w left join held h using (position) group by w.position),
    weighed as (
      select h.chunk_id, h.length, sum(f.idf) * 2.2 / (1 + 1.2 * (0.25 + 0.75 * h.length / ${index.average_length}::float8)) as weight
      from held h join common f using (position) group by h.chunk_id, h.length),
    best as (
      select b.chunk_id, b.length from weighed b
      ${filter ? sql`join chunks c on c.workspace_id = ${workspace} and c.chunk_id = b.chunk_id where true${andMatches('c', filter)}` : sql``}
      order by b.weight desc, b.chunk_id limit ${limit})
    select ${workspace} as workspace_id, b.chunk_id, b.length,
      array(select ts_rank('{1,1,1,1}'::float4[], t.terms, o.operand::tsquery)
        from unnest(${operands}::text[]) with ordinality as o(operand, position) order by o.position) as ranks,
      array(select chunks from common order by position) as document_frequencies
    from best b join chunk_terms t on t.workspace_id = ${workspace} and t.chunk_id = b.chunk_id`.execute(tx)
  return found.rows
}

/** The query for the term alone: every query of ours is the tenant's lexeme, an ampersand, and the term. */
const withoutTenant = (query: string): string => query.slice(query.indexOf(' & ') + 3)
