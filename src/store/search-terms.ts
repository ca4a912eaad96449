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

/** Of each term, in how many chunks of the workspace it stands. One index scan a term. */
export async function termFrequencies(tx: ScopedTx, workspace: WorkspaceId, terms: readonly string[]): Promise<number[]> {
  const found = await sql<{ chunks: number }>`
    select (select count(*)::int from chunk_terms where workspace_id || '' = ${workspace} and terms @@ w.query::tsquery) as chunks
    from unnest(${terms.map((term) => tsqueryAll([term], workspace))}::text[]) with ordinality as w(query, position)
    order by w.position`.execute(tx)
  return found.rows.map((row) => row.chunks)
}

/** What leads to candidates where not every term does: each query wants all of its terms. */
export type Drive = {
  queries: readonly { terms: readonly string[]; frequency: number }[]
  /** Of every term of the question. */
  frequencies: readonly number[]
}

/**
 * Candidates of one workspace. First every chunk that holds a leading term, weighed by the rarity of its terms and its length without opening
 * its term vector (that costs ten times more); the best `limit` of them are then opened. Equal weights are ordered by id.
 *
 * @param terms distinct; all of them count for the score.
 * @param drive undefined when every term leads; their frequencies are then counted on the way.
 */
export async function lexicalCandidates(
  tx: ScopedTx,
  workspace: WorkspaceId,
  terms: readonly string[],
  index: TermStatistics,
  limit: number,
  filter: ChunkFilter | undefined,
  drive?: Drive,
): Promise<LexicalHit[]> {
  if (terms.length === 0) return []
  const operands = terms.map((term) => withoutTenant(tsqueryAll([term], workspace)))
  const queries = (drive?.queries ?? terms.map((term) => ({ terms: [term], frequency: 0 }))).map((query) => ({
    text: tsqueryAll(query.terms, workspace),
    frequency: query.frequency,
  }))
  const counted = drive ? sql`w.frequency` : sql`count(*) over (partition by w.position)::int`
  const found = await sql<LexicalHit>`
    with wanted as (
      select ordinality::int as position, query::tsquery as query, frequency
      from unnest(${queries.map((query) => query.text)}::text[], ${queries.map((query) => query.frequency)}::int[]) with ordinality as w(query, frequency, ordinality)),
    held as materialized (
      select w.position, t.chunk_id, t.length, ${counted} as chunks
      from wanted w cross join lateral (
        -- Not bare, or the planner reads the tenant's whole index through the primary key and opens every term vector.
        select chunk_id, length from chunk_terms where workspace_id || '' = ${workspace} and terms @@ w.query) t),
    weighed as (
      select chunk_id, length,
        sum(ln(1 + greatest(0, ${index.chunks}::float8 - chunks + 0.5) / (chunks + 0.5))) * 2.2
          / (1 + 1.2 * (0.25 + 0.75 * length / ${index.average_length}::float8)) as weight
      from held group by chunk_id, length),
    best as (
      select b.chunk_id, b.length from weighed b
      ${filter ? sql`join chunks c on c.workspace_id = ${workspace} and c.chunk_id = b.chunk_id where true${andMatches('c', filter)}` : sql``}
      order by b.weight desc, b.chunk_id limit ${limit})
    select ${workspace} as workspace_id, b.chunk_id, b.length,
      array(select ts_rank('{1,1,1,1}'::float4[], t.terms, o.operand::tsquery)
        from unnest(${operands}::text[]) with ordinality as o(operand, position) order by o.position) as ranks,
      ${drive ? sql`${[...drive.frequencies]}::int[]` : sql`array(select coalesce(max(h.chunks), 0) from wanted w left join held h using (position) group by w.position order by w.position)`} as document_frequencies
    from best b join chunk_terms t on t.workspace_id = ${workspace} and t.chunk_id = b.chunk_id`.execute(tx)
  return found.rows
}

/** The query for the term alone: every query of ours is the tenant's lexeme, an ampersand, and the term. */
const withoutTenant = (query: string): string => query.slice(query.indexOf(' & ') + 3)
