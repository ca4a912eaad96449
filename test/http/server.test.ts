import { request } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { AppError, ERRORS, type ErrorCode } from '../../src/core/errors.ts'
import { ROUTES } from '../../src/http/routes.ts'
import { ADMIN, SERVICE, startTestServer, teacher, type Json, type TestServer } from './support.ts'
import { view } from '../support/fake-engine.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())
beforeEach(() => {
  server.engine.calls.length = 0
  server.engine.views = [view()]
  server.log.lines.length = 0
})

describe('errors', () => {
  test.each(Object.keys(ERRORS) as ErrorCode[])('%s has the status of the table and the shape of the contract', async (code) => {
    server.engine.failure = new AppError(code, 'A sentence.', { details: { fileId: 'f1' } })
    const { status, headers, body } = await server.call('GET', '/api/documents/f1', {
      headers: { ...teacher('001'), 'x-request-id': 'abc-1' },
    })
    expect(status).toBe(ERRORS[code].status)
    expect(body).toEqual({ error: { code, message: 'A sentence.', details: { fileId: 'f1' } }, requestId: 'abc-1' })
    expect(headers.has('retry-after')).toBe(status === 429 || status === 503)
  })

  test('a bug tells the caller nothing and the log only where it was', async () => {
    server.engine.failure = new TypeError('select secret from /etc/passwd')
    const { status, body } = await server.call('GET', '/api/documents/f1', { headers: teacher('001') })
    expect([status, body.error]).toEqual([500, { code: 'internal_error', message: 'Something went wrong inside the service.' }])
    expect(server.log.lines.filter((line) => line.startsWith('error'))).toHaveLength(1)
  })

  test.each([
    ['an unknown path', 'GET', '/api/nothing', {}, undefined, 404, 'not_found'],
    ['an unknown method', 'PUT', '/api/search', {}, undefined, 404, 'not_found'],
    ['malformed JSON', 'POST', '/api/search', { 'content-type': 'application/json' }, '{"query":', 400, 'invalid_request'],
    [
      'JSON that reaches for prototypes',
      'POST',
      '/api/search',
      { 'content-type': 'application/json' },
      '{"query":"q","__proto__":{}}',
      400,
      'invalid_request',
    ],
    ['another content type', 'POST', '/api/search', { 'content-type': 'text/plain' }, 'query', 400, 'invalid_request'],
    [
      'a form where JSON belongs',
      'POST',
      '/api/search',
      { 'content-type': 'application/x-www-form-urlencoded' },
      'query=q',
      400,
      'invalid_request',
    ],
    ['no body', 'POST', '/api/search', {}, undefined, 400, 'invalid_request'],
    ['a list', 'POST', '/api/search', { 'content-type': 'application/json' }, '[]', 400, 'invalid_request'],
    [
      'a body beyond the limit',
      'POST',
      '/api/search',
      { 'content-type': 'application/json' },
      `{"query":"${'x'.repeat(1_100_000)}"}`,
      413,
      'payload_too_large',
    ],
    ['an address that is not encoded', 'GET', '/api/documents/%E4%A', {}, undefined, 400, 'invalid_request'],
  ])('%s is refused in the shape of all errors', async (_what, method, path, headers, body, status, code) => {
    const response = await fetch(server.base + path, {
      method,
      headers: { ...teacher('001'), ...headers },
      ...(body === undefined ? {} : { body }),
    })
    const answer: Json = await response.json()
    expect([response.status, answer.error.code, Object.keys(answer)]).toEqual([status, code, ['error', 'requestId']])
    expect(server.engine.calls).toEqual([])
  })

  test('bytes that are no HTTP are answered in the same shape', async () => {
    const socket = connect((server.app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.end('NOT HTTP AT ALL\r\n\r\n')
    let text = ''
    for await (const piece of socket) text += String(piece)
    const [head = '', body = ''] = text.split('\r\n\r\n')
    expect(head).toContain('400 Bad Request')
    expect(JSON.parse(body).error).toEqual({ code: 'invalid_request', message: 'This is not a valid HTTP request.' })
  })

  test('a failure of a driver is what the composition root calls it', async () => {
    const other = await startTestServer({
      development: true,
      translate: (error) => ((error as Error).message === 'lost' ? new AppError('vector_store_error') : undefined),
    })
    other.engine.views = [view()]
    other.engine.failure = new Error('lost')
    expect((await other.call('GET', '/api/documents/f1')).status).toBe(503)
    await other.close()
  })
})

describe('credentials', () => {
  const guarded = ROUTES.filter(({ access }) => access !== 'open' && access !== 'operator')

  test.each(guarded.map((route) => [`${route.method} ${route.path}`, route] as const))(
    '%s is 401 without one and with a bad one',
    async (_name, route) => {
      const path = route.path.replace(':fileId', 'f1')
      for (const headers of [{}, { authorization: 'Bearer no' }, { 'x-admin-token': 'no' }, { 'x-internal-token': 'no' }]) {
        const answer = await server.call(route.method, path, { headers })
        expect([answer.status, answer.body.error.code, answer.headers.get('www-authenticate')]).toEqual([401, 'unauthorized', 'Bearer'])
      }
      expect(server.engine.calls).toEqual([])
    },
  )

  test('a request id that could do harm in a log is replaced', async () => {
    const { body } = await server.call('GET', '/api/nothing', { headers: { 'x-request-id': 'a b\tc' } })
    expect(body.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('a teacher may not name another workspace, and a service may not write public', async () => {
    expect((await server.call('GET', '/api/documents', { headers: { ...teacher('001'), 'x-workspace': 'teacher-002' } })).status).toBe(403)
    expect((await server.call('DELETE', '/api/documents/f1', { headers: { ...SERVICE, 'x-workspace': 'public' } })).status).toBe(403)
    expect((await server.call('DELETE', '/api/documents/f1', { headers: { ...ADMIN, 'x-workspace': 'public' } })).status).toBe(200)
  })
})

describe('operations', () => {
  test('alive needs nothing, ready tells its reasons', async () => {
    expect((await server.call('GET', '/healthz')).body).toEqual({ status: 'ok' })
    expect((await server.call('HEAD', '/healthz')).status).toBe(200)
    expect((await server.call('GET', '/readyz')).body).toEqual({ ready: true, reasons: [], seeding: false, checks: { database: 'ok' } })
    server.engine.ready = { ready: false, reasons: ['The database does not answer.'], seeding: false, checks: {} }
    const { status, body } = await server.call('GET', '/readyz')
    expect([status, body.error.code, body.error.message, body.error.details.reasons]).toEqual([
      503,
      'not_ready',
      'The database does not answer.',
      ['The database does not answer.'],
    ])
    server.engine.ready = { ready: true, reasons: [], seeding: false, checks: {} }
  })

  test('metrics count requests by route pattern, never by address', async () => {
    await server.call('GET', '/api/documents/secret-id', { headers: teacher('001') })
    const { body } = await server.call('GET', '/metrics')
    expect(body).toContain('http_request_duration_seconds_count{method="GET",route="/api/documents/:fileId",status="200"}')
    expect(body).not.toContain('secret-id')
  })

  test('metrics and docs need an administrator where the server can be reached from elsewhere', async () => {
    const open = await startTestServer({ loopback: false })
    for (const path of ['/metrics', '/docs/json', '/docs', '/docs/static/index.html']) {
      expect([path, (await open.call('GET', path)).status]).toEqual([path, 401])
      expect([path, (await open.call('GET', path, { headers: teacher('001') })).status]).toEqual([path, 403])
      expect([path, (await open.call('GET', path, { headers: ADMIN })).status]).toEqual([path, 200])
    }
    await open.close()
  })

  test('a log line has the route and no address, content or credential', async () => {
    const headers = teacher('001')
    await server.call('POST', '/api/search?teacherId=001', { headers, body: { query: 'a private question' } })
    const text = server.log.lines.join('\n')
    expect(text).toContain('"route":"/api/search"')
    for (const secret of ['private', headers.authorization.slice(7), '?']) expect(text).not.toContain(secret)
  })

  test('answers carry security headers and no CORS', async () => {
    const { headers } = await server.call('GET', '/healthz', { headers: { origin: 'https://elsewhere.example' } })
    expect(headers.get('content-security-policy')).toContain("script-src 'self'")
    expect(headers.get('content-security-policy')).not.toContain('upgrade-insecure-requests')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.has('access-control-allow-origin')).toBe(false)
  })

  test('stopping does not wait for connections on which nothing was asked', async () => {
    const stopping = await startTestServer({ development: true })
    const socket = connect((stopping.app.server.address() as AddressInfo).port, '127.0.0.1')
    await new Promise((resolve) => stopping.app.server.once('connection', resolve))
    const ended = new Promise((resolve) => socket.once('close', resolve))
    socket.on('error', () => undefined)
    await Promise.all([stopping.close(), ended])
    expect(socket.destroyed).toBe(true)
  })

  test('stopping ends event streams and answers new calls with 503', async () => {
    const stopping = await startTestServer({ development: true })
    stopping.engine.views = [view()]
    const response = await fetch(`${stopping.base}/api/documents/f1/events`)
    const closed = stopping.close()
    expect(await response.text()).toContain('event: end')
    await closed
  })
})

describe('development mode', () => {
  const withHeaders = (base: string, headers: Record<string, string>) =>
    new Promise<number | undefined>((resolve, reject) => {
      request(`${base}/api/workspaces`, { headers }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
        .on('error', reject)
        .end()
    })

  test('a call without credentials is an administrator whose workspace is teacher-dev', async () => {
    const development = await startTestServer({ development: true })
    await development.call('POST', '/api/search', { body: { query: 'q' } })
    expect(development.engine.last()).toMatchObject({ scope: ['teacher-dev', 'public'] })
    await development.call('DELETE', '/api/documents/f1', { headers: { 'x-workspace': 'public' } })
    expect(development.engine.last()).toMatchObject({ workspace: 'public' })
    expect((await development.call('GET', '/api/workspaces', { headers: { authorization: 'Bearer x.y.z' } })).status).toBe(401)
    await development.close()
  })

  test.each([
    [{ host: 'localhost:8000' }, 200],
    [{ host: '[::1]:8000' }, 200],
    [{ host: 'localhost:8000', origin: 'http://localhost:8000' }, 200],
    [{ host: 'rebound.example' }, 403],
    [{ host: 'localhost.rebound.example' }, 403],
    [{ host: 'localhost:8000', origin: 'http://elsewhere.example' }, 403],
    [{ host: 'localhost:8000', origin: 'http://localhost:9999' }, 403],
    [{ host: 'localhost:8000', origin: 'null' }, 403],
  ])('a page from elsewhere is no administrator: %j is %i', async (headers, status) => {
    const development = await startTestServer({ development: true })
    expect(await withHeaders(development.base, headers)).toBe(status)
    await development.close()
  })
})

describe('the OpenAPI document', () => {
  test('is 3.1 and describes every route with an example of what goes in and out', async () => {
    const { body } = await server.call('GET', '/docs/json')
    expect(body.openapi).toBe('3.1.0')
    const described = ROUTES.map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
    const found = Object.entries(body.paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(found.toSorted()).toEqual(described.toSorted())
    for (const route of ROUTES) {
      const operation = body.paths[route.path.replace(/:(\w+)/g, '{$1}')][route.method.toLowerCase()]
      expect([route.path, operation.summary !== '', operation.description !== '']).toEqual([route.path, true, true])
      if (route.schema.reply !== undefined)
        expect([route.path, example(operation.responses[route.status ?? 200].content['application/json'].schema)]).toEqual([
          route.path,
          true,
        ])
      if (route.schema.body !== undefined)
        expect([route.path, example(operation.requestBody.content['application/json'].schema)]).toEqual([route.path, true])
    }
  })

  const example = (schema: Json): boolean => schema.example !== undefined

  test('examples are accepted by the schemas they stand in', () => {
    const refused: unknown[] = []
    for (const { schema, path } of ROUTES) {
      for (const one of [schema.body, schema.reply]) {
        if (one !== undefined) refused.push(...(one.safeParse(one.meta()?.['example']).error?.issues.map((issue) => [path, issue]) ?? []))
      }
    }
    expect(refused).toEqual([])
  })
})
