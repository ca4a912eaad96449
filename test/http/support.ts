// The HTTP way in on a free port, with real credentials, over a fake engine.
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { createHttpServer, type HttpServerOptions } from '../../src/http/server.ts'
import { createIdentity } from '../../src/services/identity.ts'
import { memoryLog } from '../support/engine.ts'
import { fakeEngine, type FakeEngine } from '../support/fake-engine.ts'
import { TEST_SECRET, teacherToken } from '../support/tokens.ts'

export const ADMIN = { 'x-admin-token': 'an-admin-token' }
export const SERVICE = { 'x-internal-token': 'an-internal-token' }
export const teacher = (id: string | number, claims: Record<string, unknown> = {}) => ({
  authorization: `Bearer ${teacherToken(id, claims)}`,
})

export type TestServer = {
  app: FastifyInstance
  engine: FakeEngine
  log: ReturnType<typeof memoryLog>
  base: string
  /** Requests with JSON in and out; `body` undefined sends none. */
  call(method: string, path: string, options?: { headers?: Record<string, string>; body?: unknown; signal?: AbortSignal }): Promise<Answer>
  close(): Promise<void>
}

export type Answer = { status: number; headers: Headers; body: Json }
// eslint-disable-next-line typescript/no-explicit-any -- answers are looked into field by field, as any client does
export type Json = any

export type TestServerOptions = Partial<Omit<HttpServerOptions, 'engine' | 'log' | 'identity'>> & {
  development?: boolean
  loopback?: boolean
  uploadMaxBytes?: number
  /** One that others were given as well. */
  engine?: FakeEngine
}

export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { development = false, loopback = true, uploadMaxBytes = 100_000, engine: _given, ...rest } = options
  const engine = options.engine ?? fakeEngine()
  const log = memoryLog()
  const credentials = development
    ? {}
    : { secret: TEST_SECRET, adminToken: ADMIN['x-admin-token'], internalTokens: [SERVICE['x-internal-token']] }
  const app = await createHttpServer({
    engine,
    log,
    identity: createIdentity({ ...credentials, development, now: Date.now }),
    version: '0.0.0',
    settings: { loopback, development, uploadMaxBytes, progressPollMs: 5, heartbeatMs: 10_000 },
    ...rest,
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const base = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  return {
    app,
    engine,
    log,
    base,
    call: async (method, path, { headers = {}, body, signal } = {}) => {
      const json = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }
      const response = await fetch(base + path, { method, headers, ...json, ...(signal === undefined ? {} : { signal }) })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: isJson(response) && text !== '' ? JSON.parse(text) : text }
    },
    close: () => app.close(),
  }
}

const isJson = (response: Response): boolean => response.headers.get('content-type')?.startsWith('application/json') === true

export type Frame = { event: string; data: Json }

/** The events of a finished stream, and its comments. */
export function frames(text: string): { events: Frame[]; comments: string[] } {
  const blocks = text.split('\n\n').filter((block) => block !== '')
  const comments = blocks.filter((block) => block.startsWith(':'))
  const events = blocks
    .filter((block) => !block.startsWith(':'))
    .map((block) => {
      const [event = '', data = ''] = block.split('\n')
      return { event: event.replace('event: ', ''), data: JSON.parse(data.replace('data: ', '')) }
    })
  return { events, comments }
}
