// What happens to a job between its claim and its commit: lost leases, crashes, cancellation, stops, quotas.
import { sql } from 'kysely'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { workspaceId } from '../../src/core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import type { Database } from '../../src/ports/database.ts'
import * as jobs from '../../src/store/jobs.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, testModels, type TestEngine, type TestEngineOptions } from '../support/engine.ts'
import { heldModels, jobOf, rowsOf, until } from './support.ts'

let database: Database
let engine: TestEngine | undefined
beforeAll(async () => {
  database = await openTestDatabase()
})
afterEach(() => engine?.close())

const start = (options: TestEngineOptions): TestEngine => (engine = startTestEngine(database, options))
const upload = (on: TestEngine, workspace: string, fileId: string, text: string, token?: string) =>
  on.documents.upload(
    workspaceId(workspace),
    { fileName: `${fileId}.md`, bytes: Buffer.from(text), fileId, options: DEFAULT_PARSE_OPTIONS },
    token,
  )

const loseLeases = async (): Promise<void> => {
  await sql`update jobs set lease_until = now() - interval '1 minute' where state = 'running'`.execute(database.db)
  await jobs.requeueExpired(database.db)
}

test('a worker whose lease was taken between thinking and publishing commits nothing and takes nothing back', async () => {
  const { models, held, letGo } = heldModels({ deaf: true, calls: 1 })
  const on = start({ models })
  const workspace = workspaceId('teacher-fence')
  await upload(on, workspace, 'doc', '[Name|concept|text]')
  await held(1)
  await loseLeases()
  on.worker.wake()
  const done = await on.settled(workspace, 'doc')
  expect([done.parseStatus, done.attempts]).toEqual(['completed', 2])
  const before = [await on.digest(workspace), await on.documents.get(workspace, 'doc'), await jobOf(database, workspace, 'doc')]
  expect(on.worker.busy).toBe(1)
  letGo()
  await until(() => Promise.resolve(on.worker.busy === 0 ? true : undefined))
  expect([await on.digest(workspace), await on.documents.get(workspace, 'doc'), await jobOf(database, workspace, 'doc')]).toEqual(before)
})

test('work that ended its process three times is set aside, and other work goes on', async () => {
  const on = start({})
  await on.worker.stop()
  await upload(on, 'teacher-poison', 'bad', 'x')
  for (let attempt = 1; attempt <= 3; attempt++) {
    expect((await jobs.claim(database.db, { kinds: ['ingest'], perWorkspace: 4, leaseMs: 60_000 }))?.attempts).toBe(attempt)
    await loseLeases()
  }
  const next = startTestEngine(database)
  await next.ingest(workspaceId('teacher-poison'), 'good', '[A|concept|a]')
  const bad = await next.settled(workspaceId('teacher-poison'), 'bad')
  expect([bad.parseStatus, bad.attempts]).toEqual(['failed', 3])
  expect(bad.parseError).toMatch(/^internal_error: .*set aside/)
  expect(await jobOf(database, 'teacher-poison', 'bad')).toMatchObject({ state: 'failed', sealed: false })
  await next.close()
})

test('deleting a document while it is read cancels the work, forgets its secret, and nothing of it appears later', async () => {
  const { models, held, letGo } = heldModels({ deaf: true })
  const on = start({ models })
  const workspace = workspaceId('teacher-cancel')
  await on.documents
    .parse(workspace, { fileId: 'never', options: DEFAULT_PARSE_OPTIONS, signedUrl: 'https://example.org/x', fileName: 'x.md' }, 'jwt')
    .catch(() => undefined)
  await upload(on, workspace, 'doc', '[A|concept|a]', 'user-jwt')
  await held(1)
  await on.documents.remove(workspace, 'doc')
  await on.documents.remove(workspace, 'never')
  expect(await jobOf(database, workspace, 'doc')).toMatchObject({ state: 'cancelled', sealed: false })
  letGo()
  await until(() => Promise.resolve(on.worker.busy === 0 ? true : undefined))
  expect(
    Object.keys(await rowsOf(database, workspace)).filter((table) => !['jobs', 'job_turns', 'outbox', 'workspaces'].includes(table)),
  ).toEqual([])
})

test('a stop hands running work back at once, and it costs no attempt', async () => {
  const { models, held } = heldModels()
  const on = start({ models })
  await upload(on, 'teacher-stop', 'doc', '[A|concept|a]')
  await held(1)
  await on.worker.stop()
  expect(await jobOf(database, 'teacher-stop', 'doc')).toMatchObject({ state: 'queued', attempts: 0 })
  const next = startTestEngine(database)
  const done = await next.settled(workspaceId('teacher-stop'), 'doc')
  expect([done.parseStatus, done.attempts]).toEqual(['completed', 1])
  await next.close()
})

test('a model that answers 429 for ever is a fault like any other: three attempts, then a clear end', async () => {
  const plain = testModels()
  let asked = 0
  const embedding = {
    ...plain.embedding,
    embed: () => {
      asked += 1
      return Promise.reject(new AppError('rate_limited'))
    },
  }
  const on = start({ models: { ...plain, embedding, embeddingFor: () => embedding }, backoffMs: 1 })
  await upload(on, 'teacher-patience', 'doc', '[A|concept|a]')
  const failed = await on.settled(workspaceId('teacher-patience'), 'doc')
  expect([failed.attempts, asked]).toEqual([3, 3])
  expect(failed.parseError).toMatch(/^rate_limited: /)
})
