// The narrow vector tables, one set per dimension: chunk text, entity names, asserted facts. Leaves without foreign keys,
// so publish keeps them in step.
import { createHash } from 'node:crypto'
import { sql, type RawBuilder } from 'kysely'
import { compareCodePoints } from '../core/names.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import type { ScopedTx } from './scope.ts'
import { encodeVectors } from './vectors-codec.ts'

export type VectorKind = 'chunk' | 'entity' | 'relation'
/** Where a workspace's vectors live: its leaf, its space and that space's dimension. */
export type VectorHome = { shard: string; space_id: number; dim: number }

/**
 * The leaf that the workspace row names now. Writers ask in the statement itself, after the publish lock: a workspace may have moved
 * to another leaf while its document was being read and embedded.
 */
const currentShard = (workspace: WorkspaceId): RawBuilder<unknown> =>
  sql`(select w.shard from workspaces w where w.workspace_id = ${workspace})`

/** The table of a kind; the dimension is a number of ours, never input. */
export function vectorTable(kind: VectorKind, dim: number): RawBuilder<unknown> {
  return sql.table(`${kind}_vectors_${Math.trunc(dim)}`)
}

export const VECTOR_KINDS: readonly VectorKind[] = ['chunk', 'entity', 'relation']

/** The name of a promoted workspace's partition; a hash, because a workspace name may be longer than a table name. */
export function ownTable(kind: VectorKind, dim: number, workspace: WorkspaceId): string {
  return `${kind}_vectors_${Math.trunc(dim)}_w_${createHash('sha256').update(workspace).digest('hex').slice(0, 16)}`
}

/**
 * Rows of the largest partition of a promoted workspace as the planner last counted them, at the price of three look-ups by name.
 *
 * @param workspace,dim expressions of ours; the names are those of `ownTable`.
 */
export function ownRows(workspace: RawBuilder<unknown>, dim: RawBuilder<unknown>): RawBuilder<unknown> {
  const names = VECTOR_KINDS.map(
    (kind) =>
      sql`to_regclass(${sql.lit(`${kind}_vectors_`)} || ${dim} || '_w_' || left(encode(sha256(convert_to(${workspace}, 'UTF8')), 'hex'), 16))`,
  )
  return sql`coalesce((select greatest(max(reltuples), 0)::float8 from pg_class where oid = any(array[${sql.join(names)}]::oid[])), 0)`
}

/**
 * Writes vectors of the workspace's current leaf. A chunk's vector replaces the one before it. What a name's or a fact's is follows from
 * its text, so one that is there stays; where another document has staged it, it is taken over, published, from there.
 */
export async function upsert(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: VectorHome,
  kind: VectorKind,
  vectors: ReadonlyMap<string, ArrayLike<number>>,
): Promise<void> {
  if (vectors.size === 0) return
  const clash =
    kind === 'chunk'
      ? sql`on conflict (workspace_id, space_id, id, shard) do update set embedding = excluded.embedding`
      : sql`on conflict do nothing`
  const written = await insert(tx, workspace, home, kind, vectors, { shard: currentShard(workspace), stagedAs: 0, clash })
  if (written === vectors.size) return
  await sql`select set_config('insight.reveal', 'all', true)`.execute(tx)
  await sql`
    update ${vectorTable(kind, home.dim)} set staged_as = 0
    where workspace_id = ${workspace} and space_id = ${home.space_id} and id = any(${[...vectors.keys()]}::text[]) and shard = ${currentShard(workspace)}
      and staged_as <> 0`.execute(tx)
  await sql`select set_config('insight.reveal', '', true)`.execute(tx)
  // What was in the way may have been taken back between the two statements.
  const there = await present(tx, workspace, home, kind, [...vectors.keys()])
  await upsert(tx, workspace, home, kind, new Map([...vectors].filter(([id]) => !there.has(id))))
}

/** Writes vectors behind the curtain of a version, on the leaf that the version names; those that are there already stay. */
export async function stage(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: VectorHome,
  kind: VectorKind,
  vectors: ReadonlyMap<string, ArrayLike<number>>,
  stagedAs: number,
): Promise<void> {
  if (vectors.size === 0) return
  await insert(tx, workspace, home, kind, vectors, { shard: sql`${home.shard}`, stagedAs, clash: sql`on conflict do nothing` })
}

async function insert(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: VectorHome,
  kind: VectorKind,
  vectors: ReadonlyMap<string, ArrayLike<number>>,
  { shard, stagedAs, clash }: { shard: RawBuilder<unknown>; stagedAs: number; clash: RawBuilder<unknown> },
): Promise<number> {
  // In one order: transactions that write the same names side by side would wait for each other in a circle.
  const rows = [...vectors].toSorted(([one], [other]) => compareCodePoints(one, other))
  const packed = encodeVectors(
    tx.database,
    rows.map(([, vector]) => vector),
  )
  const written = await sql`
    insert into ${vectorTable(kind, home.dim)} (shard, workspace_id, space_id, id, embedding, staged_as)
    select ${shard}, ${workspace}, ${home.space_id}, r.id, r.embedding, ${stagedAs}
    from unnest(${rows.map(([id]) => id)}::text[], ${packed}::${sql.raw(tx.database.vectorType)}[]) as r(id, embedding)
    ${clash}`.execute(tx)
  return Number(written.numAffectedRows ?? 0n)
}

/** Removes ids from every space of the workspace. */
export async function remove(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: VectorHome,
  kind: VectorKind,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return
  await sql`
    delete from ${vectorTable(kind, home.dim)}
    where workspace_id = ${workspace} and space_id = ${home.space_id} and id = any(${[...ids]}::text[]) and shard = ${currentShard(workspace)}`.execute(
    tx,
  )
}

/** Which of the ids have a vector already. */
export async function present(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: VectorHome,
  kind: VectorKind,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const found = await sql<{ id: string }>`
    select id from ${vectorTable(kind, home.dim)}
    where workspace_id = ${workspace} and space_id = ${home.space_id} and id = any(${[...ids]}::text[]) and shard = ${currentShard(workspace)}`.execute(
    tx,
  )
  return new Set(found.rows.map((row) => row.id))
}

/** Vectors of chunks with the same embedded text anywhere in the workspace, by that text's hash. */
export async function ofEqualChunks(
  tx: ScopedTx,
  workspace: WorkspaceId,
  home: VectorHome,
  hashes: readonly string[],
): Promise<Map<string, Float32Array>> {
  if (hashes.length === 0) return new Map()
  const found = await sql<{ embed_hash: string; embedding: string }>`
    select distinct on (c.embed_hash) c.embed_hash, v.embedding::text as embedding
    from chunks c join ${vectorTable('chunk', home.dim)} v on v.workspace_id = c.workspace_id and v.id = c.chunk_id
    where c.workspace_id = ${workspace} and c.embed_hash = any(${[...hashes]}::text[])
      and v.shard = ${home.shard} and v.workspace_id = ${workspace} and v.space_id = ${home.space_id}
    order by c.embed_hash, c.chunk_id`.execute(tx)
  return new Map(found.rows.map((row) => [row.embed_hash, Float32Array.from(JSON.parse(row.embedding) as number[])]))
}
