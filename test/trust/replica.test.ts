// Searches on a streaming replica: as fresh as the primary for everybody, whatever the replica is doing, and still there without the primary.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { PUBLIC_WORKSPACE, workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import type { Database, Replica } from '../../src/ports/database.ts'
import type { SearchResponse } from '../../src/services/api.ts'
import { deleteWorkspace } from '../../src/services/portability.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import { type Network, startNetwork } from '../support/network.ts'
import { onServer, OwnPostgres, serverPrograms, type OwnServer } from '../support/own-postgres.ts'
import { searchRequest } from '../support/requests.ts'
import { until } from './support.ts'

const there = (await serverPrograms()) !== undefined
const [mine, other] = [workspaceId('teacher-1'), workspaceId('teacher-2')]

let own: OwnPostgres
let primary: OwnServer
let standby: OwnServer
let network: Network
let toStandby: Network
let database: Database
let engine: TestEngine
const failures: unknown[] = []

beforeAll(async () => {
  if (!there) return
  own = await OwnPostgres.open()
  primary = await own.create()
  await primary.start()
  standby = await own.copy(primary, ['-R'])
  await standby.start()
  network = await startNetwork(primary.url())
  toStandby = await startNetwork(standby.url())
  database = await openDatabase({
    url: network.url,
    directory: undefined,
    poolSize: 4,
    watchEveryMs: 1_000,
    readUrl: toStandby.url,
    onReplicaFailure: (error) => failures.push(error),
  })
  engine = startTestEngine(database)
  await engine.ingest(mine, 'old', '# 抛物线\n\n[抛物线|concept|二次函数的图像]')
  await engine.ingest(other, 'theirs', '# 余弦定理\n\n[余弦定理|theorem|三角形的边角关系]')
})

afterAll(async () => {
  if (!there) return
  await engine.close()
  await database.close()
  await network.close()
  await toStandby.close()
  await own.close()
})

const replica = (): Replica => {
  if (database.replica === undefined) throw new Error('no replica was opened')
  return database.replica
}
/** By a process that remembers no search, or a question asked again would need no database. */
const search = (workspace: typeof mine, query: string): Promise<SearchResponse> =>
  createRetrieval(engine.deps).search(workspaceScope(workspace, PUBLIC_WORKSPACE), searchRequest({ query }), AbortSignal.timeout(60_000))
const files = async (workspace: typeof mine, query: string): Promise<(string | undefined)[]> =>
  (await search(workspace, query)).results.map((result) => result.fileId)

/** Searches until the replica was the one that answered. */
const answeredByReplica = (workspace: typeof mine): Promise<SearchResponse> =>
  until(async () => {
    const before = replica().counts.replica
    const answer = await search(workspace, '抛物线')
    return replica().counts.replica > before ? answer : undefined
  })

test.skipIf(!there)('what the replica answers is what the primary would have answered', async () => {
  const [fromReplica, fromPrimary] = [
    await answeredByReplica(mine),
    await createRetrieval({ ...engine.deps, database: { ...database, replica: undefined } }).search(
      workspaceScope(mine, PUBLIC_WORKSPACE),
      searchRequest({ query: '抛物线' }),
      AbortSignal.timeout(60_000),
    ),
  ]
  expect({ ...fromReplica, timings: undefined }).toEqual({ ...fromPrimary, timings: undefined })
  expect(fromReplica.results.length).toBeGreaterThan(0)
})

test.skipIf(!there)(
  'while the replica stands still, who changed something finds it changed at once, and whoever did not is still served by it',
  async () => {
    await answeredByReplica(mine)
    await answeredByReplica(other)
    await onServer(standby.url(), 'select pg_wal_replay_pause()')
    await engine.ingest(mine, 'new', '# 判别式\n\n[判别式|concept|决定根的个数]')
    const before = { ...replica().counts }
    expect(await files(mine, '判别式')).toContain('new')
    await engine.documents.remove(mine, 'old')
    expect(await files(mine, '抛物线')).not.toContain('old')
    expect(replica().counts).toEqual({ ...before, behind: before.behind + 2 })
    expect(await files(other, '余弦定理')).toEqual(['theirs'])
    expect(replica().counts.replica).toBe(before.replica + 1)
    await onServer(standby.url(), 'select pg_wal_replay_resume()')
    await answeredByReplica(mine)
  },
)

test.skipIf(!there)('a workspace that was made anew is not mistaken for the one before it by its count of changes', async () => {
  const again = workspaceId('teacher-3')
  await engine.ingest(again, 'first', '# 等差数列\n\n[等差数列|concept|相邻两项之差]')
  await answeredByReplica(again)
  await onServer(standby.url(), 'select pg_wal_replay_pause()')
  await deleteWorkspace(database, again)
  await engine.ingest(again, 'second', '# 等比数列\n\n[等比数列|concept|相邻两项之比]')
  expect(await files(again, '相邻')).toEqual(['second'])
  await onServer(standby.url(), 'select pg_wal_replay_resume()')
})

test.skipIf(!there)('a replica that dies costs no search, and is used again when it is back', async () => {
  await standby.stop('immediate')
  const { failed } = replica().counts
  for (let at = 0; at < 5; at++) expect(await files(other, '余弦定理')).toEqual(['theirs'])
  // Once noticed it is left alone for a while.
  expect(replica().counts.failed).toBe(failed + 1)
  expect(failures.length).toBeGreaterThan(0)
  await standby.start()
  await answeredByReplica(other)
})

test.skipIf(!there)('a replica that falls silent costs one wait; then the primary answers, until the replica speaks again', async () => {
  await answeredByReplica(other)
  const { failed } = replica().counts
  toStandby.silence()
  expect(await files(other, '余弦定理')).toEqual(['theirs'])
  expect(replica().counts.failed).toBe(failed + 1)
  toStandby.letGo()
  await answeredByReplica(other)
})

test.skipIf(!there)('a primary that falls silent costs one wait; then the replica answers at once, until it speaks again', async () => {
  await answeredByReplica(other)
  network.silence()
  for (let at = 0; at < 2; at++) {
    const alone = await search(other, '余弦定理')
    expect([alone.degraded, alone.results.map((result) => result.fileId)]).toEqual([true, ['theirs']])
  }
  network.letGo()
  await until(async () => ((await search(other, '余弦定理')).degraded ? undefined : true))
})

test.skipIf(!there)('without the primary searches go on and say so; with it they are certain again', async () => {
  await answeredByReplica(other)
  await engine.worker.stop()
  await engine.outbox.stop()
  await primary.stop('immediate')
  const alone = await search(other, '余弦定理')
  expect(alone.results.map((result) => result.fileId)).toEqual(['theirs'])
  expect([alone.degraded, alone.degradedReason]).toEqual([true, expect.stringContaining('primary database does not answer')])
  await primary.start()
  const again = await search(other, '余弦定理')
  expect([again.degraded, again.results.length]).toEqual([undefined, 1])
})

test.skipIf(!there)('an address that leads to another database is refused at the start', async () => {
  await onServer(primary.url(), 'create database elsewhere')
  const wrong = openDatabase({ url: primary.url(), directory: undefined, poolSize: 2, readUrl: primary.url('elsewhere') })
  await expect(wrong).rejects.toMatchObject({ code: 'not_ready', message: expect.stringContaining('DATABASE_READ_URL') })
  expect(await sql`select 1 as one`.execute(database.db).then((found) => found.rows)).toEqual([{ one: 1 }])
})

test('a replica without its primary is no configuration', () => {
  expect(() => readConfig({ DATABASE_READ_URL: 'postgres://replica/x' })).toThrow(/DATABASE_READ_URL names a replica/)
})
