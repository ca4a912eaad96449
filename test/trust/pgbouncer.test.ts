// The service behind PgBouncer in transaction mode, where no two transactions need share a session: schema, queue, walls, content.
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { migrate } from '../../src/drivers/migrate.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import type { Database } from '../../src/ports/database.ts'
import * as jobs from '../../src/store/jobs.ts'
import { withScope } from '../../src/store/scope.ts'
import { withTierLock } from '../../src/store/tiers.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine } from '../support/engine.ts'
import { onServer, OwnPostgres, serverPrograms } from '../support/own-postgres.ts'
import { freePort, startService } from '../support/service.ts'
import { until } from './support.ts'

const programs = await serverPrograms()
const server = process.env['DATABASE_URL'] ?? ''
/** As Debian's package puts it, on the system or beside the server's programs. */
const bouncer =
  programs === undefined
    ? undefined
    : ['/usr/sbin/pgbouncer', join(programs, '../../../../sbin/pgbouncer')].find((path) => existsSync(path))
const LIBRARIES = ['x86_64', 'aarch64'].map((machine) => join(programs ?? '', `../../../${machine}-linux-gnu`)).join(':')
/** Fewer connections to the server than the service opens to the pooler, so that sessions are really shared. */
const SERVER_CONNECTIONS = 3
const NAME = `insight_bouncer_${process.pid}`

let own: OwnPostgres
let pooled: (database: string) => string
let start: () => Promise<ChildProcess>
let running: ChildProcess
const opened: Database[] = []

beforeAll(async () => {
  if (bouncer === undefined) return
  own = await OwnPostgres.open()
  const folder = await own.folder()
  const port = await freePort()
  const target = new URL(server)
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${target.hostname} port=${target.port || 5432} user=${target.username} ${target.password && `password=${target.password}`}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${SERVER_CONNECTIONS}
`,
  )
  pooled = (database) => `postgres://insight@127.0.0.1:${port}/${database}`
  start = async () => {
    const child = own.background(bouncer, [join(folder, 'pgbouncer.ini')], { LD_LIBRARY_PATH: LIBRARIES })
    await until(async () => (await onServer(pooled('postgres'), 'select 1 as ok').catch(() => []))[0])
    return child
  }
  running = await start()
  await onServer(server, `create database ${NAME}`, `create database ${NAME}_b`)
})

afterAll(async () => {
  if (bouncer === undefined) return
  for (const database of opened) await database.close()
  running.kill('SIGKILL')
  for (const name of [NAME, `${NAME}_b`]) await onServer(server, `drop database if exists ${name} with (force)`)
  await own.close()
})

const open = async (name: string): Promise<Database> => {
  const database = await openDatabase({ url: pooled(name), directory: undefined, poolSize: 8 })
  opened.push(database)
  return database
}

const TEXTS = [
  '# 二次函数\n\n[二次函数|concept|抛物线的函数] 与 [顶点|concept|最高或最低的点] [二次函数 -has-> 顶点]',
  '# 勾股定理\n\n[勾股定理|theorem|直角三角形三边] [勾股定理 = Pythagoras]',
  '# 一次函数\n\n[一次函数|concept|直线的函数] [一次函数 -prerequisite-> 二次函数]',
]

test.skipIf(bouncer === undefined)(
  'several processes that start at once bring an empty database up to date through the pooler, and leave no lock behind',
  async () => {
    const all = await Promise.all([open(NAME), open(NAME), open(NAME)])
    expect(await migrate(all[0].db, 'halfvec')).toEqual([])
    expect(
      await onServer(
        server,
        `select count(*)::int as n from pg_locks l join pg_database d on d.oid = l.database where d.datname = '${NAME}' and l.locktype = 'advisory'`,
      ),
    ).toEqual([{ n: 0 }])
  },
)

test.skipIf(bouncer === undefined)('the same documents give the same content through the pooler as without it', async () => {
  const digests = []
  for (const database of [await open(NAME), await openTestDatabase()]) {
    const engine = startTestEngine(database, { concurrency: 6 })
    const workspaces = ['teacher-a', 'teacher-b', 'teacher-c'].map(workspaceId)
    await Promise.all(workspaces.flatMap((workspace) => TEXTS.map((text, at) => engine.ingest(workspace, `doc-${at}`, text, `${at}.md`))))
    await engine.documents.remove(workspaceId('teacher-b'), 'doc-0')
    await Promise.all(workspaces.map((workspace) => engine.ingest(workspace, 'doc-1', `${TEXTS[1]}\n\n[斜边|concept|最长的边]`, '1.md')))
    digests.push(await Promise.all(workspaces.map((workspace) => engine.digest(workspace))))
    await engine.close()
  }
  expect(digests[0]).toEqual(digests[1])
})

test.skipIf(bouncer === undefined)(
  'a thousand interleaved transactions over three sessions, some failing, never see another’s scope, role or waits',
  async () => {
    const database = await open(NAME)
    const wrong: unknown[] = []
    const sessions = new Set<number>()
    await Promise.all(
      Array.from({ length: 1_000 }, async (_, at) => {
        const workspace = workspaceId(`teacher-pool-${at % 11}`)
        await withScope(database, workspaceScope(workspace), async (tx) => {
          const { rows } = await sql<{ scope: string; role: string; wait: string; pid: number }>`
          select current_setting('insight.scope') as scope, current_user as role, current_setting('lock_timeout') as wait, pg_backend_pid() as pid`.execute(
            tx,
          )
          sessions.add(rows[0]?.pid ?? 0)
          if (rows[0]?.scope !== workspace || rows[0].role !== 'insight_app' || rows[0].wait !== '1min') wrong.push(rows)
          if (at % 5 === 0) await sql`select 1 / 0`.execute(tx)
        }).catch((error: unknown) => {
          if (!String(error).includes('division')) throw error
        })
        const outside = await sql<{ scope: string | null; wait: string }>`
        select nullif(current_setting('insight.scope', true), '') as scope, current_setting('lock_timeout') as wait`.execute(database.db)
        if (outside.rows[0]?.scope !== null || outside.rows[0].wait !== '0') wrong.push(outside.rows)
      }),
    )
    expect(wrong).toEqual([])
    expect(sessions.size).toBeLessThanOrEqual(SERVER_CONNECTIONS)
  },
)

test.skipIf(bouncer === undefined)(
  'only one process moves workspaces at a time, its lock goes with its work, and the queue is claimed meanwhile',
  async () => {
    const [one, other] = [await open(NAME), await open(NAME)]
    const inside = await withTierLock(one, async () => {
      const second = await withTierLock(other, () => Promise.resolve('both'))
      return [second, await jobs.claim(one.db, { kinds: ['nothing'], perWorkspace: 1, leaseMs: 1_000 })]
    })
    expect(inside).toEqual([undefined, undefined])
    expect(await withTierLock(other, () => Promise.resolve('free'))).toBe('free')
  },
)

test.skipIf(bouncer === undefined)(
  'an API and a worker process work together through the pooler, and outlive its restart',
  { timeout: 240_000 },
  async () => {
    const env = { DATABASE_URL: pooled(`${NAME}_b`), SECRETS_KEY: 'a key for tests that is long enough', LOG_LEVEL: 'error' }
    const place = { env, clear: () => Promise.resolve() }
    const worker = await startService(place, { ROLE: 'worker' })
    const api = await startService(place, { ROLE: 'api' })
    const upload = (fileId: string) => api.call('POST', '/api/documents', { fileId, fileName: `${fileId}.md`, text: TEXTS[0] })
    const completed = (fileId: string) =>
      until(async () => {
        const view = await api.call('GET', `/api/documents/${fileId}`).catch(() => undefined)
        return view?.json['parseStatus'] === 'completed' ? true : undefined
      })
    expect((await upload('before')).status).toBe(202)
    await completed('before')
    running.kill('SIGKILL')
    await once(running, 'exit')
    const away = await until(async () => {
      const answer = await api.call('POST', '/api/search', { query: '二次函数' })
      return answer.status === 200 ? undefined : answer
    })
    expect([away.status, (away.json['error'] as { code: string }).code]).toEqual([503, 'vector_store_error'])
    running = await start()
    expect((await upload('after')).status).toBe(202)
    await completed('after')
    const found = await api.call('POST', '/api/search', { query: '抛物线', topK: 50 })
    expect(new Set((found.json['results'] as { fileId: string }[]).map((result) => result.fileId))).toContain('after')
    expect([await api.stop(), await worker.stop()]).toEqual([0, 0])
  },
)

test.skipIf(bouncer === undefined)('a pooler that is not there is the database’s fault, told apart from a bug', async () => {
  const gone = await openDatabase({ url: `postgres://insight@127.0.0.1:${await freePort()}/x`, directory: undefined, poolSize: 2 }).catch(
    (error: unknown) => error,
  )
  expect(gone).toMatchObject({ code: 'vector_store_error', message: expect.stringContaining('DATABASE_URL') })
})
