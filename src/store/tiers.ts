// Where a workspace's vectors live: in the partition all small tenants share, or in one of its own with an HNSW index.
// The workspace row names the partition; readers and writers follow it, so moving is a change of that row.
import { sql, type RawBuilder } from 'kysely'
import type { WorkspaceId, WorkspaceScope } from '../core/workspace.ts'
import type { Database } from '../ports/database.ts'
import { boundedWaits, type ScopedTx, withScope } from './scope.ts'
import { ownTable, VECTOR_KINDS, type VectorKind, vectorTable } from './vectors.ts'
import { inScope } from './workspaces.ts'

export const SHARED_SHARD = 'small'

/**
 * Makes the workspace's own, empty partition of a kind and attaches it. Attaching locks no other tenant's partition: the parent has no
 * default partition that would have to be searched and no foreign key. Repeating it changes nothing.
 */
export async function attachOwn(database: Database, workspace: WorkspaceId, kind: VectorKind, dim: number): Promise<void> {
  const own = ownTable(kind, dim, workspace)
  await database.db.transaction().execute(async (tx) => {
    const found = await sql<{ exists: boolean }>`select to_regclass(${own}) is not null as exists`.execute(tx)
    if (found.rows[0]?.exists) return
    await sql`select ${boundedWaits()}`.execute(tx)
    await sql`create table ${sql.table(own)} (like ${vectorTable(kind, dim)} including all)`.execute(tx)
    await sql`alter table ${sql.table(own)} alter column embedding set storage plain`.execute(tx)
    await sql`select guard_table(${own})`.execute(tx)
    await sql`alter table ${vectorTable(kind, dim)} attach partition ${sql.table(own)} for values in (${sql.lit(workspace)})`.execute(tx)
  })
}

/** Copies what the shared partition holds of the workspace; readers do not look at the copy yet. */
export async function copyToOwn(tx: ScopedTx, workspace: WorkspaceId, kind: VectorKind, dim: number): Promise<void> {
  await sql`
    insert into ${vectorTable(kind, dim)} (shard, workspace_id, space_id, id, embedding)
    select ${workspace}, workspace_id, space_id, id, embedding from ${vectorTable(kind, dim)}
    where shard = ${SHARED_SHARD} and workspace_id = ${workspace}
    on conflict do nothing`.execute(tx)
}

/** m 16 and ef_construction 64 are pgvector's defaults; how many candidates a search then needs is told by `efSearch`. */
export async function indexOwn(database: Database, workspace: WorkspaceId, kind: VectorKind, dim: number): Promise<void> {
  const own = ownTable(kind, dim, workspace)
  const operators = sql.raw(`${database.vectorType}_cosine_ops`)
  await database.db.transaction().execute(async (tx) => {
    // In memory the build is several times faster than beyond it: the server's own setting counts where it is larger.
    await sql`
      select set_config('maintenance_work_mem', greatest(pg_size_bytes(current_setting('maintenance_work_mem')) / 1024, 524288) || 'kB', true),
        ${boundedWaits()}`.execute(tx)
    await sql`
      create index if not exists ${sql.id(`${own}_hnsw`)} on ${sql.table(own)} using hnsw (embedding ${operators}) with (m = 16, ef_construction = 64)`.execute(
      tx,
    )
  })
}

/**
 * Brings the copy up to date, points the workspace at it and empties the old place, all under the publish lock. Searches that began before
 * still see the old rows, later ones see only the new: a snapshot holds both the pointer and the rows.
 *
 * @param from,to shards.
 */
export async function moveVectors(
  tx: ScopedTx,
  workspace: WorkspaceId,
  kind: VectorKind,
  dim: number,
  from: string,
  to: string,
): Promise<void> {
  const table = vectorTable(kind, dim)
  const at = (alias: string, shard: string): RawBuilder<unknown> =>
    sql`${sql.raw(alias)}.shard = ${shard} and ${sql.raw(alias)}.workspace_id = ${workspace}`
  await sql`
    delete from ${table} t
    where ${at('t', to)} and not exists (
      select from ${table} f where ${at('f', from)} and f.space_id = t.space_id and f.id = t.id and f.embedding = t.embedding)`.execute(tx)
  await sql`
    insert into ${table} (shard, workspace_id, space_id, id, embedding)
    select ${to}, f.workspace_id, f.space_id, f.id, f.embedding from ${table} f
    where ${at('f', from)} and not exists (
      select from ${table} t where ${at('t', to)} and t.space_id = f.space_id and t.id = f.id)`.execute(tx)
  await sql`delete from ${table} f where ${at('f', from)}`.execute(tx)
}

/** Returns the transaction in which the workspace moved. */
export async function pointTo(tx: ScopedTx, workspace: WorkspaceId, shard: string): Promise<string> {
  const moved = await sql<{ xid: string }>`
    update workspaces set shard = ${shard}, revision = revision + 1 where workspace_id = ${workspace}
    returning pg_current_xact_id()::text as xid`.execute(tx)
  return moved.rows[0]?.xid ?? '0'
}

/** Whether some snapshot may still be from before that transaction, and so follow the pointer to where the rows were. */
export async function isRemembered(database: Database, xid: string): Promise<boolean> {
  const found = await sql<{ remembered: boolean }>`
    select exists (
      select from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and age(backend_xmin) >= age(${xid}::xid8::xid)) as remembered`.execute(
    database.db,
  )
  return found.rows[0]?.remembered ?? false
}

/**
 * Removes the emptied partition. Detaching concurrently waits for readers that have come to it already; those with a snapshot that leads
 * here and who have not come yet would find nothing, so `isRemembered` must be false.
 */
export async function dropOwn(database: Database, workspace: WorkspaceId, kind: VectorKind, dim: number): Promise<void> {
  const own = sql.table(ownTable(kind, dim, workspace))
  // The embedded engine has one session, so there is nobody to wait for and no second connection to wait with.
  const how = database.engine === 'postgres' ? sql` concurrently` : sql``
  await sql`alter table ${vectorTable(kind, dim)} detach partition ${own}${how}`.execute(database.db)
  await sql`drop table ${own}`.execute(database.db)
}

export type TierSize = { workspace_id: WorkspaceId; shard: string; dim: number; /** Vectors of its largest kind. */ rows: number }

/** How large each workspace of the scope is. */
export function tierSizes(database: Database, scope: WorkspaceScope): Promise<TierSize[]> {
  return withScope(
    database,
    scope,
    async (tx) => {
      const workspaces = await inScope(tx, scope)
      const sizes: TierSize[] = []
      for (const [dim, rows] of Map.groupBy(workspaces, (workspace) => workspace.dim)) {
        const counts = await sql<{ workspace_id: string; rows: number }>`
          select workspace_id, max(rows) as rows from (${sql.join(
            VECTOR_KINDS.map(
              (kind) => sql`
                select workspace_id, count(*)::int as rows from ${vectorTable(kind, dim)}
                where workspace_id = any(${rows.map((row) => row.workspace_id)}::text[]) group by workspace_id`,
            ),
            sql` union all `,
          )}) counted group by workspace_id`.execute(tx)
        const byId = new Map(counts.rows.map((row) => [row.workspace_id, row.rows]))
        sizes.push(...rows.map(({ workspace_id, shard }) => ({ workspace_id, shard, dim, rows: byId.get(workspace_id) ?? 0 })))
      }
      return sizes
    },
    { snapshot: true },
  )
}

/**
 * Runs `work` unless another process moves workspaces now. The lock lies in a transaction that does nothing else, so that it ends with
 * its process and a pooler keeps it on one connection; that transaction may be idle for as long as building an index takes.
 */
export function withTierLock<T>(database: Database, work: () => Promise<T>): Promise<T | undefined> {
  return database.side.transaction().execute(async (tx) => {
    const got = await sql<{ locked: boolean }>`
      select pg_try_advisory_xact_lock(727005) as locked, set_config('idle_in_transaction_session_timeout', '0', true)`.execute(tx)
    return got.rows[0]?.locked ? work() : undefined
  })
}
