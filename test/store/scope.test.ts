// The wall between tenants: in the types, in the helper, and in the database itself.
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope, type WorkspaceId, type WorkspaceScope } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import * as chunks from '../../src/store/chunks.ts'
import { withScope } from '../../src/store/scope.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine } from '../support/engine.ts'

let database: Database
const mine = workspaceId('teacher-001')
const theirs = workspaceId('teacher-002')

beforeAll(async () => {
  database = await openTestDatabase()
  const engine = startTestEngine(database)
  await engine.ingest(mine, 'doc', '[Mine|concept|mine] own words', 'mine.md')
  await engine.ingest(theirs, 'doc', '[Theirs|concept|theirs] other words', 'theirs.md')
  await engine.close()
})

/** Never called: the compiler checks these lines, and an expected error that does not occur is one. */
export function typeLaw(open: Database): void {
  // @ts-expect-error a plain string is no workspace
  const workspace: WorkspaceId = 'teacher-001'
  // @ts-expect-error a list may be empty, a scope may not
  const scope: WorkspaceScope = [] as WorkspaceId[]
  // @ts-expect-error no scope, no tables
  void withScope(open, [workspace], async () => undefined)
  // @ts-expect-error a store function takes the transaction that withScope hands out, not the database
  void chunks.live(open.db, workspaceId('public'), 'doc')
  void scope
}

const GUARDED = [
  'documents',
  'blocks',
  'assets',
  'chunks',
  'entity_mentions',
  'relation_mentions',
  'alias_mentions',
  'entity_merges',
  'entity_keys',
  'entity_edits',
  'relation_edits',
  'entity_votes',
  'relation_votes',
  'entities',
  'relations',
  'entity_summaries',
  'relation_summaries',
  'entity_resemblances',
  'entity_distinctions',
  'staged_embeddings',
  'staged_extractions',
  'staged_descriptions',
  'staged_readings',
  'staged_versions',
  'uploads',
  'chunk_vectors_<dim>',
  'entity_vectors_<dim>',
  'relation_vectors_<dim>',
  'courses',
  'course_chunks',
  'kb_profiles',
  'kb_builds',
  'kb_versions',
  'kb_live',
  'kb_promotions',
  'kb_events',
  'kb_proposals',
  'reembeddings',
  'reembedded_chunks',
]

test('every content-bearing table has forced row-level security for a role that owns nothing', async () => {
  const rows = await sql<{ name: string; forced: boolean }>`
    select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition`.execute(database.db)
  // Every dimension that a workspace was ever built in has tables of its own, on a server those of earlier test files too.
  const tables = rows.rows.map(({ name, forced }) => ({ name: name.replace(/_vectors_\d+$/, '_vectors_<dim>'), forced }))
  const open = new Set(tables.filter(({ forced }) => !forced).map(({ name }) => name))
  const guarded = new Set(tables.map(({ name }) => name).filter((name) => !open.has(name)))
  expect([...guarded].toSorted()).toEqual(GUARDED.toSorted())
  const role = await sql<{ loose: boolean }>`select rolsuper or rolbypassrls as loose from pg_roles where rolname = 'insight_app'`.execute(
    database.db,
  )
  expect(role.rows).toEqual([{ loose: false }])
})

test('inside a scope only its workspaces exist, even for a statement that forgets to ask', async () => {
  const seen = await withScope(database, workspaceScope(mine), (tx) =>
    sql<{ w: string }>`select distinct workspace_id as w from chunks`.execute(tx),
  )
  expect(seen.rows).toEqual([{ w: mine }])
  const vectors = await withScope(database, workspaceScope(mine), (tx) =>
    sql<{ w: string }>`select distinct workspace_id as w from chunk_vectors_1024`.execute(tx),
  )
  expect(vectors.rows).toEqual([{ w: mine }])
  const both = await withScope(database, workspaceScope(mine, theirs), (tx) =>
    sql<{ w: string }>`select distinct workspace_id as w from chunks order by 1`.execute(tx),
  )
  expect(both.rows.map((row) => row.w)).toEqual([mine, theirs])
})

test('the application role without a scope sees nothing, never everything', async () => {
  const rows = await database.db.transaction().execute(async (tx) => {
    await sql`set local role insight_app`.execute(tx)
    return sql<{ n: number }>`select count(*)::int as n from chunks`.execute(tx)
  })
  expect(rows.rows).toEqual([{ n: 0 }])
})

test('a write into a workspace outside the scope is refused by the database', async () => {
  await expect(
    withScope(database, workspaceScope(mine), (tx) =>
      sql`insert into entity_edits (workspace_id, key) values (${theirs}, 'x')`.execute(tx),
    ),
  ).rejects.toThrow(/row-level security/)
})

test('scope and role end with the transaction, also after an error', async () => {
  await expect(withScope(database, workspaceScope(mine), (tx) => sql`select 1 / 0`.execute(tx))).rejects.toThrow(/division/)
  const after = await sql<{
    scope: string | null
    role: string
  }>`select nullif(current_setting('insight.scope', true), '') as scope, current_user as role`.execute(database.db)
  expect(after.rows[0]?.scope).toBeNull()
  expect(after.rows[0]?.role).not.toBe('insight_app')
})
