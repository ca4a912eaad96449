// Every route by every kind of caller on every kind of workspace. A new route is tested by being in the list of routes.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Access, Route } from '../../src/http/route.ts'
import { ROUTES } from '../../src/http/routes.ts'
import { view } from '../support/fake-engine.ts'
import { ADMIN, SERVICE, startTestServer, teacher, type TestServer } from './support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ loopback: false })
})
afterAll(() => server.close())

const CALLERS = { nobody: {}, teacher: teacher('001'), service: SERVICE, admin: ADMIN }
const WORKSPACES = {
  none: {},
  own: { 'x-workspace': 'teacher-001' },
  other: { 'x-workspace': 'teacher-002' },
  public: { 'x-workspace': 'public' },
}

/** Statuses with X-Workspace: none, own, other, public. `ok` is the route's own good status. */
type Row = readonly [none: Expected, own: Expected, other: Expected, isPublic: Expected]
type Expected = 'ok' | 400 | 401 | 403

const EVERYBODY: Row = ['ok', 'ok', 'ok', 'ok']
const REFUSED: Row = [403, 403, 403, 403]
const UNKNOWN: Row = [401, 401, 401, 401]

const TABLE: Record<Access, Record<keyof typeof CALLERS, Row>> = {
  open: { nobody: EVERYBODY, teacher: EVERYBODY, service: EVERYBODY, admin: EVERYBODY },
  operator: { nobody: UNKNOWN, teacher: REFUSED, service: REFUSED, admin: EVERYBODY },
  read: { nobody: UNKNOWN, teacher: ['ok', 'ok', 403, 'ok'], service: [400, 'ok', 'ok', 'ok'], admin: EVERYBODY },
  write: { nobody: UNKNOWN, teacher: ['ok', 'ok', 403, 403], service: [400, 'ok', 'ok', 403], admin: [400, 'ok', 'ok', 'ok'] },
  service: { nobody: UNKNOWN, teacher: REFUSED, service: EVERYBODY, admin: EVERYBODY },
  browse: { nobody: UNKNOWN, teacher: ['ok', 'ok', 403, 'ok'], service: EVERYBODY, admin: EVERYBODY },
  admin: { nobody: UNKNOWN, teacher: REFUSED, service: REFUSED, admin: EVERYBODY },
  account: { nobody: UNKNOWN, teacher: EVERYBODY, service: EVERYBODY, admin: EVERYBODY },
}

test.each(ROUTES.map((route) => [route.method, route.path, route] as const))(
  '%s %s admits whom the table says',
  async (_method, _path, route) => {
    for (const [caller, credential] of Object.entries(CALLERS)) {
      const row: readonly Expected[] = TABLE[route.access][caller as keyof typeof CALLERS]
      const [none, ...named] = Object.values(WORKSPACES)
      // A route whose address names the workspace cannot be called without one.
      const isNamed = route.path.includes('/:workspace')
      const statuses: unknown[] = []
      for (const workspace of isNamed ? named : [none, ...named]) statuses.push(await statusOf(route, { ...credential, ...workspace }))
      expect([caller, statuses]).toEqual([caller, isNamed ? row.slice(1) : row])
    }
  },
)

/** Calls a route with the example its schema shows. */
async function statusOf(route: Route, headers: Record<string, string>): Promise<unknown> {
  server.engine.views = [view({ parseStatus: 'completed' })]
  const body = route.schema.body?.meta()?.['example']
  const query = new URLSearchParams(route.schema.query?.meta()?.['example'] as Record<string, string> | undefined)
  const path = route.path.replace('/:workspace', `/${headers['x-workspace']}`).replaceAll(/:\w+/g, 'f1')
  const answer = await server.call(route.method, `${path}?${query.toString()}`, {
    headers,
    ...(body === undefined ? {} : { body }),
  })
  return answer.status === (route.status ?? 200) ? 'ok' : answer.status
}
