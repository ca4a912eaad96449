// What the service asks of its database, and what it does when the database is slow, gone or behind a pooler.
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { migrate } from '../../src/drivers/migrate.ts'
import { isConnectionError, openDatabase } from '../../src/drivers/postgres.ts'
import type { Database } from '../../src/ports/database.ts'
import { withScope, type ScopedTx } from '../../src/store/scope.ts'
import { openTestDatabase } from '../support/database.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
const scope = workspaceScope(workspaceId('teacher-slow'))

// The embedded engine runs a statement to its end, so only a server can show this.
test.skipIf(process.env['DATABASE_URL'] === undefined)(
  'a statement that takes too long is stopped, told apart as the database’s fault, and its connection serves the next',
  async () => {
    const slow = withScope(database, scope, (tx) => sql`select pg_sleep(30)`.execute(tx), { snapshot: true, timeoutMs: 30 })
    const error: unknown = await slow.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect(isConnectionError(error)).toBe(true)
    const after = await withScope(database, scope, (tx) => sql<{ t: string }>`select current_setting('statement_timeout') as t`.execute(tx))
    expect(after.rows).toEqual([{ t: '0' }])
  },
)

test.skipIf(process.env['DATABASE_URL'] === undefined)(
  'a connection that the server cuts between two statements costs its transaction and nothing else',
  async () => {
    const pidOf = async (tx: ScopedTx): Promise<number> =>
      (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)).rows[0]?.pid ?? 0
    const cut = withScope(database, scope, async (tx) => {
      const pid = await pidOf(tx)
      await sql`select pg_terminate_backend(${pid}, 5000)`.execute(database.db)
      return pidOf(tx)
    })
    const error: unknown = await cut.then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    expect([isConnectionError(error), String(error)]).toEqual([true, String(error)])
    expect(await withScope(database, scope, pidOf)).toBeGreaterThan(0)
  },
)

test.each([
  ['the server shuts down', '57P01', true],
  ['the login is refused', '28P01', true],
  ['the database is gone', '3D000', true],
  ['the name of the server is not told', 'EAI_AGAIN', true],
  ['a row is there twice', '23505', false],
  ['a statement is wrong', '42601', false],
])('%s: told apart as the database’s fault or not', (_what, code, expected) => {
  expect(isConnectionError(Object.assign(new Error('refused'), { code }))).toBe(expected)
})

test('a process whose database is not there ends with the error of the store, not with a bug', async () => {
  const settings = { url: 'postgres://nobody@127.0.0.1:1/nothing', directory: undefined, poolSize: 1 }
  const error: unknown = await openDatabase(settings).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({ code: 'vector_store_error', message: expect.stringContaining('DATABASE_URL') as string })
})

test('a schema that is current is left alone: no lock of a session, nothing written', async () => {
  const statements: string[] = []
  const watched = database.db.withPlugin({
    transformQuery: ({ node }) => {
      statements.push(JSON.stringify(node))
      return node
    },
    transformResult: ({ result }) => Promise.resolve(result),
  })
  expect(await migrate(watched, database.vectorType)).toEqual([])
  expect(statements.length).toBeGreaterThan(1)
  expect(statements.join('\n')).not.toMatch(/pg_advisory_lock|insert|create/)
})

test('four hundred interleaved transactions over few connections, a third of them failing, never see another’s scope', async () => {
  const wrong: string[] = []
  await Promise.all(
    Array.from({ length: 400 }, async (_, at) => {
      const own = workspaceId(`teacher-pool-${at % 7}`)
      await withScope(database, workspaceScope(own), async (tx) => {
        const seen = await sql<{
          scope: string
          role: string
        }>`select current_setting('insight.scope') as scope, current_user as role`.execute(tx)
        if (seen.rows[0]?.scope !== own || seen.rows[0].role !== 'insight_app') wrong.push(JSON.stringify(seen.rows))
        if (at % 3 === 0) await sql`select 1 / 0`.execute(tx)
      }).catch((error: unknown) => {
        if (!String(error).includes('division')) throw error
      })
      const outside = await sql<{ scope: string | null }>`select nullif(current_setting('insight.scope', true), '') as scope`.execute(
        database.db,
      )
      if (outside.rows[0]?.scope) wrong.push(`outside: ${outside.rows[0].scope}`)
    }),
  )
  expect(wrong).toEqual([])
})
