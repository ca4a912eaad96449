// Tenants and embedding spaces. Rows of these tables hold no content, so the closed list of cross-tenant readers may read them.
import { sql, type Kysely } from 'kysely'
import type { WorkspaceId, WorkspaceScope } from '../core/workspace.ts'
import type { Database } from '../ports/database.ts'
import { boundedWaits, withScope, type ScopedTx } from './scope.ts'
import { ownRows } from './vectors.ts'

/** What a workspace itself is told apart by; all of it may be left open. */
export type WorkspaceSettings = { profile?: { entityTypes?: string[]; language?: string } }

export type WorkspaceRow = {
  workspace_id: WorkspaceId
  shard: string
  /** Vectors of its largest kind in partitions of its own, about; 0 while it lives in the shared one. */
  own_rows: number
  space_id: number
  model: string
  dim: number
  revision: string
  /** The row's version: another one after every change, and in a workspace of the same name that was made anew. */
  stamp: string
  settings: WorkspaceSettings
}

export type WorkspaceCounts = WorkspaceRow & { documents: number; chunks: number; entities: number; relations: number }

/** The space of a (model, dimension) pair, with its vector tables; made on first use by the owner of the schema. */
export async function ensureSpace(db: Kysely<unknown>, model: string, dim: number): Promise<number> {
  const found = await sql<{ space_id: number }>`select space_id from embedding_spaces where model = ${model} and dim = ${dim}`.execute(db)
  if (found.rows[0]) return found.rows[0].space_id
  return db.transaction().execute(async (tx) => {
    // Two processes that start together on an empty database make the tables once.
    await sql`select ${boundedWaits()}, pg_advisory_xact_lock(727004)`.execute(tx)
    await sql`select ensure_vector_tables(${dim})`.execute(tx)
    const made = await sql<{ space_id: number }>`
      insert into embedding_spaces (model, dim) values (${model}, ${dim})
      on conflict (model, dim) do update set dim = excluded.dim
      returning space_id`.execute(tx)
    return made.rows[0]?.space_id ?? 0
  })
}

/** A workspace springs into being at its first write, in the space that is configured then. */
export async function ensure(tx: ScopedTx, workspace: WorkspaceId, spaceId: number): Promise<void> {
  await sql`insert into workspaces (workspace_id, space_id) values (${workspace}, ${spaceId}) on conflict do nothing`.execute(tx)
}

/** Rows of the workspaces that exist, in the order of the scope. */
export async function inScope(db: Kysely<unknown>, scope: readonly string[]): Promise<WorkspaceRow[]> {
  const found = await sql<WorkspaceRow>`
    select w.workspace_id, w.shard, case when w.shard = 'small' then 0 else ${ownRows(sql`w.workspace_id`, sql`s.dim`)} end as own_rows, w.space_id, s.model, s.dim, w.revision, w.xmin::text as stamp, w.settings
    from workspaces w join embedding_spaces s using (space_id)
    where w.workspace_id = any(${[...scope]}::text[])
    order by array_position(${[...scope]}::text[], w.workspace_id)`.execute(db)
  return found.rows
}

/** The embedding spaces that workspaces are in, the most used first. */
export async function spacesInUse(db: Kysely<unknown>): Promise<{ model: string; dim: number; workspaces: number; example: string }[]> {
  const found = await sql<{ model: string; dim: number; workspaces: number; example: string }>`
    select s.model, s.dim, count(*)::int as workspaces, min(w.workspace_id) as example
    from workspaces w join embedding_spaces s using (space_id)
    group by s.model, s.dim order by count(*) desc, s.model, s.dim`.execute(db)
  return found.rows
}

/** Undefined takes a setting back. */
export async function saveProfile(tx: ScopedTx, workspace: WorkspaceId, profile: WorkspaceSettings['profile']): Promise<void> {
  const change =
    profile === undefined ? sql`settings - 'profile'` : sql`settings || jsonb_build_object('profile', ${JSON.stringify(profile)}::jsonb)`
  await sql`update workspaces set settings = ${change} where workspace_id = ${workspace}`.execute(tx)
}

/**
 * The state of each workspace of the scope, as text that never comes back once it has changed: a workspace that was deleted and restored may
 * count the same revisions again, but not in a row version of the same transaction.
 */
export async function stamps(db: Kysely<unknown>, scope: readonly string[]): Promise<string[]> {
  const found = await sql<{ stamp: string }>`
    select concat_ws(' ', workspace_id, space_id, revision, xmin) as stamp from workspaces
    where workspace_id = any(${[...scope]}::text[]) order by array_position(${[...scope]}::text[], workspace_id)`.execute(db)
  return [...scope, ...found.rows.map((row) => row.stamp)]
}

/** How many workspaces have vector partitions of their own. */
export async function withOwnShard(db: Kysely<unknown>): Promise<number> {
  const found = await sql<{ n: number }>`select count(*)::int as n from workspaces where shard <> 'small'`.execute(db)
  return found.rows[0]?.n ?? 0
}

export async function all(db: Kysely<unknown>): Promise<WorkspaceId[]> {
  const found = await sql<{ workspace_id: WorkspaceId }>`select workspace_id from workspaces order by workspace_id`.execute(db)
  return found.rows.map((row) => row.workspace_id)
}

export async function counts(database: Database, scope: WorkspaceScope): Promise<WorkspaceCounts[]> {
  return withScope(
    database,
    scope,
    async (tx) => {
      const rows = await inScope(tx, scope)
      const found = await sql<{ workspace_id: string; documents: number; chunks: number; entities: number; relations: number }>`
        select w as workspace_id,
          (select count(*)::int from documents d where d.workspace_id = w) as documents,
          (select count(*)::int from chunks c where c.workspace_id = w) as chunks,
          (select count(*)::int from entities e where e.workspace_id = w) as entities,
          (select count(*)::int from relations r where r.workspace_id = w) as relations
        from unnest(${rows.map((row) => row.workspace_id)}::text[]) as w`.execute(tx)
      const byId = new Map(found.rows.map((row) => [row.workspace_id, row]))
      return rows.map((row) => ({ documents: 0, chunks: 0, entities: 0, relations: 0, ...byId.get(row.workspace_id), ...row }))
    },
    { snapshot: true },
  )
}

/** Every publish, delete and edit moves the revision; caches key on it. */
export async function bumpRevision(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  await sql`update workspaces set revision = revision + 1 where workspace_id = ${workspace}`.execute(tx)
}

/**
 * Waits for this workspace's other publishers. Always a statement of its own: what follows takes its snapshot after the
 * wait (inside one statement the fold would read what was true before it). From here to the end of the transaction every
 * statement looks rows up by key, so reading a whole table is never right, however small it looks.
 */
export async function lockForPublish(tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  await sql`
    select pg_advisory_xact_lock(hashtextextended(${`publish:${workspace}`}, 0)), set_config('enable_seqscan', 'off', true),
      set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)`.execute(tx)
}

/**
 * Deletes every row of a workspace from the given tables, children before parents, in one transaction under the publish
 * lock: work that still runs finds its lease gone and cannot commit. Done by the owner of the schema, because the
 * application role may not delete a tenant; the scope is set for owners whom row-level security holds too.
 */
export function erase(
  db: Kysely<unknown>,
  workspace: WorkspaceId,
  tablesOf: (tx: Kysely<unknown>) => Promise<readonly { name: string }[]>,
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await sql`select set_config('insight.scope', ${workspace}, true), ${boundedWaits()}`.execute(tx)
    await sql`select pg_advisory_xact_lock(hashtextextended(${`publish:${workspace}`}, 0))`.execute(tx)
    // With the curtain gone, an owner whom row-level security holds sees all that is to go.
    await sql`delete from staged_versions where workspace_id = ${workspace}`.execute(tx)
    for (const { name } of (await tablesOf(tx)).toReversed()) {
      await sql`delete from ${sql.table(name)} where workspace_id = ${workspace}`.execute(tx)
    }
  })
}
