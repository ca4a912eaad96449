import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import type { Database } from '../../src/ports/database.ts'
import * as rateLimits from '../../src/store/rate-limits.ts'
import { openTestDatabase } from '../support/database.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})

// Refilled so slowly that no test run adds a token by itself; time passes where a test says so.
const BUCKET = { capacity: 3, perSecond: 0.001 }
const take = (caller: string, bucket = BUCKET) => rateLimits.take(database.db, caller, bucket)
const pass = (caller: string, seconds: number) =>
  sql`update rate_limits set updated_at = updated_at - make_interval(secs => ${seconds}) where caller = ${caller}`.execute(database.db)

test('a bucket gives its capacity and no more, also to calls at once', async () => {
  const taken = await Promise.all(Array.from({ length: 20 }, () => take('at-once')))
  expect(taken.filter(Boolean)).toHaveLength(3)
})

test('callers do not take from each other', async () => {
  for (const _ of [1, 2, 3]) await take('greedy')
  expect([await take('greedy'), await take('modest')]).toEqual([false, true])
})

test('time gives tokens back, one by one and never above the capacity', async () => {
  for (const _ of [1, 2, 3]) await take('patient')
  expect(await rateLimits.secondsToNext(database.db, 'patient', BUCKET)).toBeCloseTo(1000, -1)
  await pass('patient', 1000)
  expect([await take('patient'), await take('patient')]).toEqual([true, false])
  await pass('patient', 1_000_000)
  expect((await Promise.all([1, 2, 3, 4].map(() => take('patient')))).filter(Boolean)).toHaveLength(3)
})

test('asking in vain does not make the wait longer', async () => {
  for (const _ of [1, 2, 3]) await take('stubborn')
  await pass('stubborn', 600)
  for (const _ of [1, 2, 3]) expect(await take('stubborn')).toBe(false)
  expect(await rateLimits.secondsToNext(database.db, 'stubborn', BUCKET)).toBeCloseTo(400, -1)
})

test('only full buckets are forgotten', async () => {
  await take('gone')
  await pass('gone', 1_000_000)
  await take('here')
  await rateLimits.forgetFull(database.db, BUCKET)
  const { rows } = await sql<{ caller: string }>`select caller from rate_limits where caller in ('gone', 'here')`.execute(database.db)
  expect(rows).toEqual([{ caller: 'here' }])
})
