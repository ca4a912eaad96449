// The vector leg, and what every nearest-neighbour statement shares. One subselect per workspace with its shard and
// space as parameters of their own, so that partitions are pruned and every tenant gets its full number of rows.
import { sql, type RawBuilder } from 'kysely'
import { encodeVector } from './vectors-codec.ts'
import { andMatches, type ChunkFilter } from './search-filter.ts'
import type { ScopedTx } from './scope.ts'
import { type VectorKind, vectorTable } from './vectors.ts'
import type { WorkspaceRow } from './workspaces.ts'

/** A workspace to search and the question in that workspace's own space. */
export type Probe = { workspace: WorkspaceRow; vector: ArrayLike<number> }

export type ChunkHit = { workspace_id: string; chunk_id: string; cosine: number }

export function isPromoted(workspace: WorkspaceRow): boolean {
  return workspace.shard !== 'small'
}

/** Up to some 30,000 rows. */
const EF_LEAST = 100
const EF_AT_100K = 150
/** Ten times as many rows want two and a half times as many candidates. */
const EF_GROWTH = 0.4

/**
 * Candidates that a scan of an HNSW index keeps, so that 0.95 of the sixty nearest are among them, which is what `auto` reads, and more of the
 * ten nearest (bench/README.md). Never fewer than are wanted: the scan would come back for the rest, and the rest is worse.
 *
 * @param rows   vectors in the index, about.
 * @param wanted rows asked for.
 * @returns      at most 1,000, which is pgvector's limit.
 */
export function efSearch(rows: number, wanted: number): number {
  const bySize = EF_AT_100K * (rows / 100_000) ** EF_GROWTH
  return Math.round(Math.min(1000, Math.max(EF_LEAST, bySize, wanted)))
}

/**
 * What a search sets before its first statement. Every join of a search looks up a few hundred rows by key, so plans that read whole tables
 * are never right, however small a table looks to statistics that know nothing of tenants. For promoted workspaces also how HNSW is read:
 * without iterating, a scan that a condition or the curtain of a large document thins out returns too few rows.
 *
 * @param wanted the most rows that one of its statements asks an index for.
 */
export function searchSettings(workspaces: readonly WorkspaceRow[], wanted: number): Record<string, string> {
  return {
    enable_seqscan: 'off',
    enable_hashjoin: 'off',
    enable_mergejoin: 'off',
    'hnsw.ef_search': String(efSearch(Math.max(0, ...workspaces.map((workspace) => workspace.own_rows)), wanted)),
    'hnsw.iterative_scan': 'relaxed_order',
    // Past 20,000 staged rows that are nearer than all others the scan gave up, with rows still to be found.
    'hnsw.max_scan_tuples': '200000',
    'hnsw.scan_mem_multiplier': '8',
  }
}

export function vectorParameter(tx: ScopedTx, vector: ArrayLike<number>): RawBuilder<unknown> {
  return sql`${encodeVector(tx.database, vector)}::${sql.raw(tx.database.vectorType)}`
}

/** The leaf of one workspace: the three conditions that prune partitions and keep tenants apart. */
export function homeOf(alias: string, workspace: WorkspaceRow): RawBuilder<unknown> {
  const row = sql.raw(alias)
  return sql`${row}.shard = ${workspace.shard} and ${row}.workspace_id = ${workspace.workspace_id} and ${row}.space_id = ${workspace.space_id}`
}

/**
 * The rows of one kind nearest to each probe, as one subselect of columns (workspace_id, id, distance), at most `limit` per workspace.
 * In the shared partition the scan is exact and equal distances are ordered by id; a promoted one is read through its index,
 * which orders by distance alone.
 *
 * @param only further conditions on the row `v`, e.g. that a matching chunk supports it; makes the scan exact.
 */
export function nearest(
  tx: ScopedTx,
  kind: VectorKind,
  probes: readonly Probe[],
  limit: number,
  only?: (probe: Probe) => RawBuilder<unknown>,
): RawBuilder<unknown> {
  const parts = probes.map((probe) => {
    const exact = only !== undefined || !isPromoted(probe.workspace)
    // Wrapped in an addition the index is not used: what a condition leaves is few rows, and they are compared one by one.
    const order =
      only !== undefined && isPromoted(probe.workspace) ? sql`(v.embedding <=> ${vectorParameter(tx, probe.vector)}) + 0` : sql`distance`
    return sql`(
      select v.workspace_id, v.id, v.embedding <=> ${vectorParameter(tx, probe.vector)} as distance
      from ${vectorTable(kind, probe.workspace.dim)} v
      where ${homeOf('v', probe.workspace)}${only ? only(probe) : sql``}
      order by ${order}${exact ? sql`, v.id` : sql``}
      limit ${limit})`
  })
  return sql.join(parts, sql` union all `)
}

/** Chunks by cosine similarity, at most `limit` per workspace, not ordered across workspaces. */
export async function nearestChunks(
  tx: ScopedTx,
  probes: readonly Probe[],
  limit: number,
  filter: ChunkFilter | undefined,
): Promise<ChunkHit[]> {
  if (probes.length === 0) return []
  const only = filter
    ? (probe: Probe): RawBuilder<unknown> => sql`
        and v.id in (select c.chunk_id from chunks c where c.workspace_id = ${probe.workspace.workspace_id}${andMatches('c', filter)})`
    : undefined
  const found = await sql<ChunkHit>`
    select n.workspace_id, n.id as chunk_id, 1 - n.distance as cosine from (${nearest(tx, 'chunk', probes, limit, only)}) n`.execute(tx)
  return found.rows
}
