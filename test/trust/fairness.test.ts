// The queue between tenants: nobody waits for somebody else's ten thousand, and a tenant's limit is strict.
import { sql } from 'kysely'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { Worker } from '../../src/jobs/worker.ts'
import type { Database } from '../../src/ports/database.ts'
import * as jobs from '../../src/store/jobs.ts'
import { withScope } from '../../src/store/scope.ts'
import { withTierLock } from '../../src/store/tiers.ts'
import { openTestDatabase } from '../support/database.ts'
import { memoryLog } from '../support/engine.ts'
import { until } from './support.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})
beforeEach(async () => {
  await sql`truncate jobs, job_turns`.execute(database.db)
})

const queueMany = (workspace: string, count: number) =>
  sql`insert into jobs (workspace_id, kind, subject) select ${workspace}, 'ingest', 'f' || g from generate_series(1, ${count}::int) g`.execute(
    database.db,
  )

/** Rounds of equally long jobs until each of B's ten has ended, with so many running at once. */
async function roundsOfB(slots: number, perWorkspace: number, busyFrom: jobs.JobRow[] = []): Promise<number[]> {
  const ended: number[] = []
  let running = busyFrom
  for (let round = 1; ended.length < 10; round++) {
    for (const job of running) {
      if (job.workspace_id === 'teacher-b') ended.push(round - 1)
      await jobs.finish(database.db, job)
    }
    running = []
    for (let slot = 0; slot < slots; slot++) {
      const job = await jobs.claim(database.db, { kinds: ['ingest'], perWorkspace, leaseMs: 60_000 })
      if (job === undefined) break
      running.push(job)
    }
  }
  return ended
}

test.each([1, 2, 3, 8])(
  'behind ten thousand jobs of another tenant, ten jobs end in at most twice their own time, %i at once',
  async (slots) => {
    await queueMany('teacher-b', 10)
    const alone = await roundsOfB(slots, 4)
    await sql`truncate jobs, job_turns`.execute(database.db)
    await queueMany('teacher-a', 10_000)
    const busy: jobs.JobRow[] = []
    for (let slot = 0; slot < slots; slot++) {
      const job = await jobs.claim(database.db, { kinds: ['ingest'], perWorkspace: 4, leaseMs: 60_000 })
      if (job) busy.push(job)
    }
    await queueMany('teacher-b', 10)
    const behind = await roundsOfB(slots, 4, busy)
    expect(Math.max(...behind)).toBeLessThanOrEqual(2 * Math.max(...alone))
  },
)

test('of a hundred tenants with work, each is served once before anybody is served twice', async () => {
  await sql`insert into jobs (workspace_id, kind, subject) select 'teacher-' || (g % 100), 'ingest', 'f' || g from generate_series(1, 300) g`.execute(
    database.db,
  )
  const order: string[] = []
  for (let at = 0; at < 200; at++) {
    const job = await jobs.claim(database.db, { kinds: ['ingest'], perWorkspace: 4, leaseMs: 60_000 })
    if (job === undefined) break
    order.push(job.workspace_id)
    await jobs.finish(database.db, job)
  }
  expect(new Set(order.slice(0, 100)).size).toBe(100)
  expect(new Set(order.slice(100)).size).toBe(100)
})

test('the claim reads an index, not the ten thousand', async () => {
  await queueMany('teacher-a', 10_000)
  await sql`analyze jobs`.execute(database.db)
  const plan = await sql<{ 'QUERY PLAN': string }>`
    explain select id from jobs where workspace_id = 'teacher-a' and state = 'queued' and run_at <= now() and kind = any(array['ingest'])
    order by priority desc, run_at, id limit 1`.execute(database.db)
  expect(plan.rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/Index Scan using jobs_ready/)
})

test('several workers together never run more of one tenant than its limit, and run everything', async () => {
  const workspaces = ['teacher-x', 'teacher-y', 'teacher-z'].map(workspaceId)
  const running = new Map<string, number>()
  const full = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  let most = 0
  let ended = 0
  const handler = {
    run: async (job: jobs.JobRow) => {
      running.set(job.workspace_id, (running.get(job.workspace_id) ?? 0) + 1)
      most = Math.max(most, ...running.values())
      if ([...running.values()].reduce((sum, count) => sum + count, 0) === 6) full.resolve()
      await released.promise
      running.set(job.workspace_id, (running.get(job.workspace_id) ?? 0) - 1)
      await withScope(database, workspaceScope(job.workspace_id), (tx) => jobs.finish(tx, job))
      ended += 1
    },
    giveUp: () => Promise.reject(new Error('no job fails here')),
  }
  for (const workspace of workspaces) await queueMany(workspace, 20)
  const workers = [1, 2, 3].map(
    () => new Worker({ database, handlers: { ingest: handler }, log: memoryLog(), concurrency: 6, perWorkspace: 2, pollMs: 5 }),
  )
  for (const worker of workers) worker.start()
  await full.promise
  expect(await jobs.claim(database.db, { kinds: ['ingest'], perWorkspace: 2, leaseMs: 60_000 })).toBeUndefined()
  released.resolve()
  await until(() => Promise.resolve(ended === 60 ? true : undefined))
  await Promise.all(workers.map((worker) => worker.stop()))
  expect(most).toBe(2)
})

// The embedded engine has one connection and moves nothing.
test.skipIf(process.env['DATABASE_URL'] === undefined)('the queue is claimed while a large workspace is moved', async () => {
  await queueMany('teacher-a', 1)
  const claimed = await withTierLock(database, () => jobs.claim(database.db, { kinds: ['ingest'], perWorkspace: 1, leaseMs: 60_000 }))
  expect(claimed?.workspace_id).toBe('teacher-a')
})
