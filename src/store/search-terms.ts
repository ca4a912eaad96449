// The lexical leg: which chunks hold the question's terms, how often, and how common those terms are in that workspace alone.
import { sql } from 'kysely'
import { tsqueryAll } from '../core/terms.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import type { ScopedTx } from './scope.ts'
import { isPublished } from './staged-versions.ts'

export type TermStatistics = {
  workspace_id: string
  chunks: number
  average_length: number
}

/** Size and mean length of each workspace's index; a term's weight must not depend on what other tenants hold. */
export async function statistics(tx: ScopedTx, workspaces: readonly string[]): Promise<TermStatistics[]> {
  const found = await sql<TermStatistics>`
    select workspace_id, count(*)::int as chunks, avg(length)::float8 as average_length
    from chunk_terms t where workspace_id = any(${[...workspaces]}::text[]) and ${isPublished('t')}
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
    select (select count(*)::int from chunk_terms t where workspace_id || '' = ${workspace} and terms @@ w.query::tsquery and ${isPublished('t')}) as chunks
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
 * its term vector (that costs ten times more); the best `limit` of them are then opened, unless even with every term repeated for ever
 * they could not reach the `wanted` best. Equal weights are ordered by id.
 *
 * @param terms distinct; all of them count for the score.
 * @param drive undefined when every term leads; their frequencies are then counted on the way.
 */
export async function lexicalCandidates(
  tx: ScopedTx,
  workspace: WorkspaceId,
  terms: readonly string[],
  index: TermStatistics,
  { limit, wanted, filter, drive }: { limit: number; wanted: number; filter: ChunkFilter | undefined; drive?: Drive | undefined },
): Promise<LexicalHit[]> {
  if (terms.length === 0) return []
  const operands = terms.map((term) => withoutTenant(tsqueryAll([term], workspace)))
  const leads = (drive?.queries ?? terms.map((term) => ({ terms: [term], frequency: 0 }))).map((query) => ({
    text: tsqueryAll(query.terms, workspace),
    frequency: query.frequency,
  }))
  const frequencies = drive
    ? sql`${leads.map((lead) => lead.frequency)}::float8[]`
    : sql`(select array_agg(coalesce(c.chunks, 0) order by l.position)
        from leads l left join (select position, count(*)::float8 as chunks from held group by position) c using (position))`
  const found = await sql<LexicalHit>`
    with leads as (
      select ordinality::int as position, query::tsquery as query
      from unnest(${leads.map((lead) => lead.text)}::text[]) with ordinality as l(query, ordinality)),
    held as materialized (
      select l.position, t.chunk_id, t.length
      from leads l cross join lateral (
        -- Not bare, or the planner reads the tenant's whole index through the primary key and opens every term vector.
        select chunk_id, length from chunk_terms s where workspace_id || '' = ${workspace} and terms @@ l.query and ${isPublished('s')}) t),
    counted as materialized (select ${frequencies} as chunks),
    rarity as materialized (
      select array(
        select ln(1 + greatest(0::float8, ${index.chunks}::float8 - f.chunks + 0.5) / (f.chunks + 0.5))
        from unnest((select chunks from counted)) with ordinality as f(chunks, position) order by f.position) as idf),
    weighed as materialized (
      select chunk_id, length, idf / (1 + 1.2 * (0.25 + 0.75 * length / ${index.average_length}::float8)) as weight, idf as most
      from (select chunk_id, length, sum((select idf from rarity)[position]) as idf from held group by chunk_id, length) summed),
    best as (
      -- Sorted before chunks are asked whether they match, so that the limit ends the asking.
      select b.chunk_id, b.length from (
        select * from weighed b
        where ${filter || drive ? sql`true` : sql`b.most >= coalesce((select w.weight from weighed w order by w.weight desc offset ${wanted - 1}::int limit 1), 0)`}
        order by b.weight desc, b.chunk_id offset 0) b
      ${filter ? sql`join chunks c on c.workspace_id = ${workspace} and c.chunk_id = b.chunk_id` : sql``}
      where true${andMatches('c', filter)}
      order by b.weight desc, b.chunk_id limit ${limit})
    select ${workspace} as workspace_id, b.chunk_id, b.length,
      array(select ts_rank('{1,1,1,1}'::float4[], t.terms, o.operand)
        from unnest((select array_agg(operand::tsquery order by position) from unnest(${operands}::text[]) with ordinality as o(operand, position)))
          with ordinality as o(operand, position) order by o.position) as ranks,
      ${drive ? sql`${[...drive.frequencies]}::int[]` : sql`(select chunks::int[] from counted)`} as document_frequencies
    from best b cross join lateral (
      -- Concatenated with nothing, a vector stored out of line is read once and not once a term.
      select t.terms || ''::tsvector as terms from chunk_terms t where t.workspace_id = ${workspace} and t.chunk_id = b.chunk_id offset 0) t`.execute(
    tx,
  )
  return found.rows
}

/** The query for the term alone: every query of ours is the tenant's lexeme, an ampersand, and the term. */
const withoutTenant = (query: string): string => query.slice(query.indexOf(' & ') + 3)
