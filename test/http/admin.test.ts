// The routes for administrators, and the answer to who one is.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN, SERVICE, startTestServer, teacher, type TestServer } from './support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())

describe('who one is', () => {
  test.each([
    ['a teacher', teacher('001'), 'teacher', 'teacher-001'],
    ['an administrator', ADMIN, 'admin', null],
    ['a teacher who is an administrator', teacher('002', { roles: ['admin'] }), 'admin', 'teacher-002'],
    ['another service', SERVICE, 'service', null],
  ] as const)('%s is told so', async (_name, headers, kind, workspace) => {
    const { status, body } = await server.call('GET', '/api/me', { headers })
    expect([status, body]).toEqual([200, { kind, workspace, development: false, uploadMaxBytes: 100_000 }])
  })
})

describe('what only administrators may see', () => {
  const routes = [
    ['GET', '/api/admin/queue', undefined],
    ['GET', '/api/admin/callbacks', undefined],
    ['GET', '/api/admin/usage', undefined],
    ['POST', '/api/admin/callbacks/replay', {}],
  ] as const

  test.each(routes)('%s %s is forbidden to teachers and services', async (method, path, body) => {
    const before = server.engine.calls.length
    for (const headers of [teacher('001'), SERVICE]) {
      const answer = await server.call(method, path, { headers, body })
      expect([answer.status, answer.body.error.code]).toEqual([403, 'forbidden'])
    }
    expect(server.engine.calls).toHaveLength(before)
  })

  test('limits, state and days reach the engine, and their defaults do', async () => {
    await server.call('GET', '/api/admin/queue?limit=7', { headers: ADMIN })
    await server.call('GET', '/api/admin/callbacks', { headers: ADMIN })
    await server.call('GET', '/api/admin/callbacks?state=delivered&limit=3', { headers: ADMIN })
    await server.call('GET', '/api/admin/usage?days=7', { headers: ADMIN })
    const asked = server.engine.calls.slice(-4).map((called) => (called.use === 'operations' ? called.about : called))
    expect(asked).toEqual([
      ['queue', 7],
      ['callbacks', 'parked', 100],
      ['callbacks', 'delivered', 3],
      ['modelUse', 7, 100],
    ])
  })

  test('a replay names events, or means all of them', async () => {
    const id = '0a4f6c1e-5a0b-4c5e-9a55-0d2f4d2b7a10'
    expect((await server.call('POST', '/api/admin/callbacks/replay', { headers: ADMIN, body: { eventIds: [id] } })).body).toEqual({
      replayed: 1,
    })
    expect(server.engine.last()).toEqual({ use: 'operations', about: ['replay', [id]] })
    await server.call('POST', '/api/admin/callbacks/replay', { headers: ADMIN, body: {} })
    expect(server.engine.last()).toEqual({ use: 'operations', about: ['replay', undefined] })
    for (const body of [{ eventIds: [] }, { eventIds: ['not an id'] }]) {
      expect((await server.call('POST', '/api/admin/callbacks/replay', { headers: ADMIN, body })).status).toBe(400)
    }
  })
})
