// What an operator sees across workspaces: waiting work with its reason, callbacks by state, use of models.
import { beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { createEngine } from '../../src/services/engine.ts'
import { goneModels } from '../../src/services/gone-models.ts'
import { createOperations, type Operations } from '../../src/services/operations.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import * as jobs from '../../src/store/jobs.ts'
import * as ledger from '../../src/store/ledger.ts'
import * as outbox from '../../src/store/outbox.ts'
import { withScope } from '../../src/store/scope.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine } from '../support/engine.ts'
import { spend } from '../support/ledger.ts'

const A = workspaceId('teacher-a')
const B = workspaceId('teacher-b')
let database: Database
let operations: Operations
let woken: string[]

beforeAll(async () => {
  database = await openTestDatabase()
  const engine = startTestEngine(database)
  await engine.close()
  woken = []
  operations = createOperations({ ...engine.deps, wake: (what) => woken.push(what) })
})

test('the queue shows unfinished work of every workspace, the oldest first, with why it waits', async () => {
  for (const [workspace, subject] of [
    [A, 'first'],
    [B, 'second'],
    [A, 'ended'],
  ] as const) {
    await withScope(database, workspaceScope(workspace), (tx) =>
      jobs.enqueue(tx, workspace, { kind: 'ingest', subject, payload: {}, secret: undefined }),
    )
  }
  const claim = { kinds: ['ingest'], perWorkspace: 4, leaseMs: 60_000 }
  const claimed = [await jobs.claim(database.db, claim), await jobs.claim(database.db, claim), await jobs.claim(database.db, claim)]
  for (const job of claimed) {
    if (job?.subject === 'first') await jobs.retryLater(database.db, job, 'download_failed: The file could not be downloaded.', 60_000)
    if (job?.subject === 'ended') await jobs.finish(database.db, job)
  }
  const queue = await operations.queue(10)
  expect(queue.jobs.map(({ workspace, subject, state, attempts, reason }) => ({ workspace, subject, state, attempts, reason }))).toEqual([
    { workspace: A, subject: 'first', state: 'queued', attempts: 1, reason: 'download_failed: The file could not be downloaded.' },
    { workspace: B, subject: 'second', state: 'running', attempts: 1, reason: null },
  ])
  expect(queue.depth.map(({ kind, state, jobs: count }) => [kind, state, count])).toEqual([
    ['ingest', 'queued', 1],
    ['ingest', 'running', 1],
  ])
  expect((await operations.queue(1)).jobs).toHaveLength(1)
})

test('a parked callback is listed with its reason, and goes out again when it is replayed', async () => {
  for (const [workspace, subject] of [
    [A, 'f1'],
    [B, 'f2'],
  ] as const) {
    await outbox.add(database.db, workspace, { subject, kind: 'parse-status', body: {}, secret: null })
  }
  for (const row of await outbox.claimDue(database.db, { limit: 10, perWorkspace: 10, leaseMs: 60_000 })) {
    await outbox.park(database.db, row.id, 'the backend answered 404')
  }
  const { callbacks } = await operations.callbacks('parked', 10)
  expect(callbacks.map(({ workspace, fileId, state, reason }) => [workspace, fileId, state, reason])).toEqual([
    [B, 'f2', 'parked', 'the backend answered 404'],
    [A, 'f1', 'parked', 'the backend answered 404'],
  ])
  expect(await operations.replay([callbacks[0]?.eventId ?? ''])).toEqual({ replayed: 1 })
  expect((await operations.callbacks('pending', 10)).callbacks.map(({ fileId }) => fileId)).toEqual(['f2'])
  expect(await operations.replay(undefined)).toEqual({ replayed: 1 })
  expect(await operations.replay(undefined)).toEqual({ replayed: 0 })
  expect(woken).toEqual(['outbox', 'outbox'])
})

test('use of models is summed by workspace, role and model', async () => {
  const call = { file_id: null, job_id: null, role: 'extract', model: 'm', cached_tokens: 1, output_tokens: 5, ms: 3, ok: true }
  await ledger.record(database.db, [
    { ...call, workspace_id: A, input_tokens: 10, cost_cny: 0.25 },
    { ...call, workspace_id: A, input_tokens: 20, ok: false },
    { ...call, workspace_id: B, input_tokens: 100 },
  ])
  expect((await operations.modelUse(30, 10)).use).toEqual([
    { workspace: B, role: 'extract', model: 'm', calls: 1, failed: 0, inputTokens: 100, cachedTokens: 1, outputTokens: 5, costCny: 0 },
    { workspace: A, role: 'extract', model: 'm', calls: 2, failed: 1, inputTokens: 30, cachedTokens: 2, outputTokens: 10, costCny: 0.25 },
  ])
  expect((await operations.modelUse(30, 1)).use).toHaveLength(1)
})

test('who has used 80 % of the monthly budget is told with the use of models and counted, and nobody is without a budget', async () => {
  await spend(database, 'teacher-rich', 790)
  await spend(database, 'teacher-near', 500)
  await spend(database, 'teacher-near', 350)
  await spend(database, 'teacher-over', 1000)
  expect(await operations.modelUse(30, 1)).toMatchObject({ budget: { monthlyCny: null, near: [] } })
  expect((await operations.load()).budgets).toEqual({ near: 0, exhausted: 0 })
  const engine = startTestEngine(database)
  await engine.close()
  engine.deps.limits.monthlyBudgetCny = 1000
  const limited = createOperations(engine.deps)
  expect((await limited.modelUse(30, 1)).budget).toEqual({
    monthlyCny: 1000,
    near: [
      { workspace: 'teacher-over', spentCny: 1000, share: 1 },
      { workspace: 'teacher-near', spentCny: 850, share: 0.85 },
    ],
  })
  expect((await limited.load()).budgets).toEqual({ near: 2, exhausted: 1 })
})

test('what is wrong with the models is told by readiness, which stays ready', async () => {
  const engine = startTestEngine(database)
  await engine.close()
  const problems: string[] = []
  const whole = createEngine({ ...engine.deps, modelProblems: () => problems }, createRetrieval(engine.deps))
  expect((await whole.readiness()).checks).not.toHaveProperty('modelProblems')
  problems.push('The embedding model refused the key; check EMBEDDING_API_KEY.')
  expect(await whole.readiness()).toMatchObject({
    ready: true,
    reasons: [],
    checks: { modelProblems: 'The embedding model refused the key; check EMBEDDING_API_KEY.' },
  })
})

test('workspaces whose embedding model is gone are named with the way out', async () => {
  const engine = startTestEngine(database)
  await engine.ingest(A, 'kept', '[A|concept|a]')
  await engine.close()
  expect(await goneModels(engine.deps)).toEqual([])
  expect(await goneModels({ ...engine.deps, models: { ...engine.deps.models, embeddingFor: () => undefined } })).toEqual([
    expect.stringMatching(/^\d+ workspaces, for example teacher-a, were built with builtin\/.* workspace reembed teacher-a$/),
  ])
})

test('use of models is summed by day, by document and by question too', async () => {
  const workspace = workspaceId('teacher-use')
  const call = { job_id: null, model: 'm', cached_tokens: 0, ms: 3, ok: true, workspace_id: workspace, output_tokens: 1, cost_cny: 0.5 }
  const question = '7f3d1a52-3c1e-4b7a-9d61-0d8c1f2e4a5b'
  await ledger.record(database.db, [
    { ...call, file_id: 'f1', role: 'extract', input_tokens: 10_000 },
    { ...call, file_id: 'f1', role: 'embed', input_tokens: 20_000 },
    { ...call, file_id: null, role: 'keyword', query_id: question, input_tokens: 30_000 },
    { ...call, file_id: null, role: 'answer', query_id: question, input_tokens: 40_000 },
  ])
  const of = async (by: 'workspace' | 'day' | 'document' | 'query') =>
    (await operations.modelUse(30, 200, by)).use.filter((row) => row.workspace === workspace)
  expect(await of('document')).toMatchObject([{ fileId: 'f1', calls: 2, inputTokens: 30_000, costCny: 1 }])
  expect(await of('workspace')).toMatchObject([{ workspace, calls: 4, inputTokens: 100_000, costCny: 2 }])
  expect(await of('query')).toMatchObject([{ queryId: question, calls: 2, inputTokens: 70_000, costCny: 1 }])
  expect((await ledger.useOf(database.db, workspace, 'f1')).map(({ role, input_tokens }) => [role, input_tokens])).toEqual([
    ['embed', 20_000],
    ['extract', 10_000],
  ])
  expect(await ledger.useOf(database.db, A, 'f1')).toEqual([])
  expect(await of('day')).toMatchObject([
    { day: expect.stringMatching(/^\d{4}-\d\d-\d\d$/) as string, calls: 4, inputTokens: 100_000, outputTokens: 4, costCny: 2 },
  ])
})
