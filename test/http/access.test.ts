// Who may call what, as a table that a person approves: a new route, or one that lets others in, changes docs/access.md and fails here
// until that change is made on purpose. test/http/matrix.test.ts shows that each route does what its row says.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Access } from '../../src/http/route.ts'
import { ROUTES } from '../../src/http/routes.ts'
import { teacherToken } from '../support/tokens.ts'
import { startTestServer, type TestServer } from './support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ loopback: false })
})
afterAll(() => server.close())

const WHO: Record<Access, string> = {
  open: 'anybody',
  operator: 'administrators; on a loopback address anybody',
  read: 'who may read the workspace: its teacher, services, administrators; public: everybody proven',
  write: 'who may write the workspace: its teacher, services (not public), administrators',
  browse: 'everybody proven, about what they may read',
  service: 'services and administrators',
  admin: 'administrators',
  account: 'everybody proven, about themselves',
}

const INTRODUCTION = `# Who may call what

Made from the table of routes; \`vitest run test/http/access.test.ts -u\` writes it anew, and a person reads the difference. Tools of \`/mcp\` are
admitted as the routes they stand for. \`/docs\` is for administrators, on a loopback address for anybody; \`/console\` is a page without content.

| Route | Who |
| --- | --- |
`

test('docs/access.md is the table of routes', async () => {
  const rows = ROUTES.map(({ method, path, access }) => `| \`${method} ${path}\` | ${WHO[access]} |\n`)
  await expect(INTRODUCTION + rows.toSorted().join('')).toMatchFileSnapshot('../../docs/access.md')
})

/** `METHOD path` of everything the server answers, from the router's own tree. */
function served(): string[] {
  const parents: string[] = []
  return server.app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', path = '', methods = ''] = /^([│ ]*)[├└]── (\S+) \(([A-Z, ]+)\)$/.exec(line) ?? []
      if (path === '') return []
      const depth = indent.length / 4
      parents.length = depth
      const whole = (parents[depth - 1] ?? '') + path
      parents.push(whole)
      return methods.split(', ').map((method) => `${method} ${whole}`)
    })
}

test('nothing is served but the routes of the table, HEAD where there is GET, and the pages of /docs, which prove their callers', async () => {
  const known = new Set(ROUTES.flatMap(({ method, path }) => (method === 'GET' ? [`GET ${path}`, `HEAD ${path}`] : [`${method} ${path}`])))
  const others = served().filter((route) => !known.has(route))
  expect(served().length).toBeGreaterThan(known.size / 2)
  expect(others.length).toBeGreaterThan(0)
  for (const route of others) {
    const [method = '', path = ''] = route.split(' ')
    expect(path).toMatch(/^\/docs/)
    // The router's tree shows the files of the page without their folder.
    expect([route, (await server.call(method, path.replace('*', '/static/x'))).status]).toEqual([route, 401])
  }
})

const token = teacherToken('001')
test.each<[string, string, Record<string, string>, unknown]>([
  ['in the address', `?access_token=${token}`, {}, { query: 'q' }],
  ['in the address under another name', `?token=${token}&authorization=Bearer%20${token}`, {}, { query: 'q' }],
  ['in a cookie', '', { cookie: `access_token=${token}; Authorization=Bearer ${token}` }, { query: 'q' }],
  ['in the body', '', {}, { query: 'q', access_token: token, authorization: `Bearer ${token}` }],
  ['in a header of another name', '', { 'x-authorization': `Bearer ${token}`, 'proxy-authorization': `Bearer ${token}` }, { query: 'q' }],
  ['as a password', '', { authorization: `Basic ${Buffer.from(`bearer:${token}`).toString('base64')}` }, { query: 'q' }],
  ['without its scheme', '', { authorization: token }, { query: 'q' }],
  ['beside another', '', { authorization: `Bearer ${token}, Bearer ${token}` }, { query: 'q' }],
])('a good token %s proves nothing', async (_where, query, headers, body) => {
  const answer = await server.call('POST', `/api/search${query}`, { headers, body })
  expect([answer.status, answer.body.error.code]).toEqual([401, 'unauthorized'])
  expect(JSON.stringify(answer.body)).not.toContain(token)
  expect(server.log.lines.join('\n')).not.toContain(token)
})
