import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { principal } from '../../src/core/credentials.ts'
import { callerName } from '../../src/http/caller.ts'
import { createRateLimiter } from '../../src/services/rate-limit.ts'
import { openTestDatabase } from '../support/database.ts'
import { memoryLog } from '../support/engine.ts'
import { SERVICE, startTestServer, teacher, type TestServer } from './support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({
    rateLimiter: createRateLimiter(await openTestDatabase(), { all: 3, kinds: { answer: 1 } }, memoryLog()),
  })
})
afterAll(() => server.close())

test('beyond the limit a caller gets 429 with the time to wait, and others go on', async () => {
  const statuses = []
  for (let call = 0; call < 3; call += 1) statuses.push((await server.call('GET', '/api/workspaces', { headers: teacher('001') })).status)
  const refused = await server.call('POST', '/api/search', { headers: teacher('001'), body: { query: 'q' } })
  expect([...statuses, refused.status, refused.body.error.code]).toEqual([200, 200, 200, 429, 'rate_limited'])
  const wait = Number(refused.headers.get('retry-after'))
  expect([Number.isInteger(wait), wait >= 1, wait <= 20]).toEqual([true, true, true])
  expect((await server.call('GET', '/api/workspaces', { headers: teacher('002') })).status).toBe(200)
  expect((await server.call('GET', '/api/workspaces', { headers: SERVICE })).status).toBe(200)
  expect((await server.call('GET', '/healthz')).status).toBe(200)
})

test('a kind of call with a limit of its own is refused alone and takes nothing from the others', async () => {
  const ask = () => server.call('POST', '/api/query', { headers: teacher('kinds'), body: { query: 'q' } })
  expect((await ask()).status).toBe(200)
  const refused = await ask()
  expect([refused.status, refused.body.error.message]).toEqual([429, expect.stringContaining('kind answer')])
  for (let call = 0; call < 2; call += 1)
    expect((await server.call('POST', '/api/search', { headers: teacher('kinds'), body: { query: 'q' } })).status).toBe(200)
})

test('every process counts in the same bucket, and a restart forgets nothing', async () => {
  const database = await openTestDatabase()
  const processes = Array.from({ length: 4 }, () => createRateLimiter(database, { all: 6, kinds: {} }, memoryLog()))
  const admitted = await Promise.all(
    processes.flatMap((limiter) =>
      Array.from({ length: 15 }, () =>
        limiter.admit('teacher:many').then(
          () => true,
          () => false,
        ),
      ),
    ),
  )
  // Ten seconds give one back.
  expect(admitted.filter(Boolean).length).toBeGreaterThanOrEqual(6)
  expect(admitted.filter(Boolean).length).toBeLessThan(60)
  await createRateLimiter(database, { all: 1, kinds: {} }, memoryLog()).admit('teacher:once')
  await expect(createRateLimiter(database, { all: 1, kinds: {} }, memoryLog()).admit('teacher:once')).rejects.toMatchObject({
    code: 'rate_limited',
  })
})

test('a call that cannot be counted passes and the log says so', async () => {
  const log = memoryLog()
  const nobody = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool({ host: '127.0.0.1', port: 1 }) }) })
  await createRateLimiter({ ...(await openTestDatabase()), db: nobody }, { all: 1, kinds: {} }, log).admit('anyone')
  await nobody.destroy()
  expect(log.lines[0]).toContain('warn a call could not be counted')
})

test('a person is one caller over all tokens, a service one per token, and no token is in the name', () => {
  const person = principal('teacher', { teacherId: '7', token: 'secret-token' })
  expect(callerName(person, {})).toBe('teacher:7')
  expect(callerName(principal('admin'), {})).toBe('admin')
  const one = callerName(principal('service'), { 'x-internal-token': 'secret-one' })
  expect(one).toMatch(/^service:[\w-]{16}$/)
  expect(one).not.toBe(callerName(principal('service'), { 'x-internal-token': 'secret-two' }))
})
