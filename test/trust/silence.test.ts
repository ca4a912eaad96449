// The network between the service and its database drops everything for a while: a wait with an end, refusals at once after it, and no
// document lost. The embedded engine has no network.
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { translate } from '../../src/app.ts'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { SilenceWatch } from '../../src/drivers/silence.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import * as jobs from '../../src/store/jobs.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import { type Network, startNetwork } from '../support/network.ts'
import { searchRequest } from '../support/requests.ts'
import { servicePlace, type ServicePlace } from '../support/service.ts'
import { heldModels, until } from './support.ts'

const there = process.env['DATABASE_URL'] !== undefined
const teacher = workspaceId('teacher-silence')

let place: ServicePlace
let network: Network
let database: Database
let engine: TestEngine
const { models, held, letGo } = heldModels({ deaf: true })

beforeAll(async () => {
  if (!there) return
  place = await servicePlace()
  network = await startNetwork(place.env['DATABASE_URL'] ?? '')
  database = await openDatabase({ url: network.url, directory: undefined, poolSize: 4, watchEveryMs: 1_000 })
  engine = startTestEngine(database, { models })
})
afterAll(async () => {
  if (!there) return
  await engine.close()
  await database.close()
  await network.close()
  await place.clear()
})

/** Files that a search without any model finds, or the code of its failure. */
const search = (): Promise<unknown> =>
  createRetrieval(engine.deps)
    .search(workspaceScope(teacher), searchRequest({ query: 'Silence', mode: 'lexical' }), AbortSignal.timeout(120_000))
    .then(
      ({ results }) => results.map((result) => result.fileId),
      (error: unknown) => translate(error)?.code ?? error,
    )

test.skipIf(!there)(
  'a server that falls silent ends every wait, is asked no more, and is back by itself',
  { timeout: 240_000 },
  async () => {
    await engine.documents.upload(
      teacher,
      { fileName: 'doc.md', bytes: Buffer.from('[Silence|concept|no sound]'), fileId: 'doc', options: DEFAULT_PARSE_OPTIONS },
      undefined,
    )
    await held(1)
    network.silence()
    // One on a connection that is there, others that wait for one.
    expect(await Promise.all(Array.from({ length: 6 }, search))).toEqual(Array(6).fill('vector_store_error'))
    expect(await search()).toBe('vector_store_error')
    await until(() => Promise.resolve(database.pools().every(({ total }) => total === 0) ? true : undefined))
    // What the document in work has thought meanwhile is written by nobody: its lease runs out, here without waiting for it.
    letGo()
    await until(() => Promise.resolve(engine.worker.busy === 0 ? true : undefined))
    network.letGo()
    await until(() =>
      sql`update jobs set lease_until = now() - interval '1 minute' where state = 'running'`.execute(database.db).catch(() => undefined),
    )
    await jobs.requeueExpired(database.db)
    const done = await engine.settled(teacher, 'doc')
    expect([done.parseStatus, done.parseError]).toEqual(['completed', null])
    expect(await search()).toEqual(['doc'])
  },
)

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A watch whose looks the test decides, one of its sockets, which somebody waits for, and the server's end of it. */
async function watched(): Promise<{ look: () => void; statement: Socket; far: Socket; end: () => void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const watch = new SilenceWatch('postgres://nobody@127.0.0.1:1/none', 1_000)
  const pool = new pg.Pool()
  vi.spyOn(pool, 'totalCount', 'get').mockReturnValue(1)
  watch.guard(pool)
  const statement = watch.socket()
  const accepted = once(server, 'connection') as Promise<[Socket]>
  statement.connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [far] = await accepted
  const end = (): void => {
    watch.close()
    statement.destroy()
    far.destroy()
    server.close()
  }
  return { look: () => vi.advanceTimersByTime(1_000), statement, far, end }
}

test('a statement that is heard from now and then is no silence, however long a new connection waits', async () => {
  vi.spyOn(pg.Client.prototype, 'connect').mockReturnValue(new Promise(() => undefined) as never)
  const { look, statement, far, end } = await watched()
  for (let round = 0; round < 4; round++) {
    for (let at = 0; at < 3; at++) look()
    expect(statement.destroyed).toBe(false)
    far.write('.')
    await once(statement.resume(), 'data')
  }
  for (let at = 0; at < 7; at++) look()
  expect(statement.destroyed).toBe(true)
  end()
})

test('a way that is lost for a moment is tried again before statements under way are given up', async () => {
  const lost = Object.assign(new Error('no route'), { code: 'EHOSTUNREACH' })
  const connecting = vi.spyOn(pg.Client.prototype, 'connect').mockRejectedValue(lost)
  const { look, statement, end } = await watched()
  const looked = async (times: number): Promise<void> => {
    for (let at = 0; at < times; at++) {
      look()
      await new Promise(setImmediate)
    }
  }
  await looked(3)
  expect([statement.destroyed, connecting.mock.calls.length]).toEqual([false, 3])
  connecting.mockRejectedValue(Object.assign(new Error('too many'), { code: '53300' }))
  await looked(20)
  expect(statement.destroyed).toBe(false)
  connecting.mockRejectedValue(lost)
  await looked(10)
  expect(statement.destroyed).toBe(true)
  end()
})
