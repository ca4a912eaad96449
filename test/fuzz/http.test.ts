// Hostile requests against the whole service with two tenants in it: no answer is a 500, and no answer, header or log line
// holds a word of the other tenant.
import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ROUTES } from '../../src/http/routes.ts'
import type { Route } from '../../src/http/route.ts'
import { servicePlace, startService, type Service, type ServicePlace } from '../support/service.ts'
import { TEST_SECRET, teacherToken } from '../support/tokens.ts'
import { ATTACKER_TEXT, CANARIES, QUESTIONS, VICTIM_NAMES, VICTIM_TEXT } from './canaries.ts'
import { HOSTILE, mutateJson, random, SEED, tries } from './support.ts'

let place: ServicePlace
let service: Service
const bearer = (teacher: string) => ({ authorization: `Bearer ${teacherToken(teacher)}` })
const ADMIN = { 'x-admin-token': 'admin-token-of-the-fuzz-test' }
const INTERNAL = { 'x-internal-token': 'internal-token-of-the-fuzz-test' }

beforeAll(async () => {
  place = await servicePlace()
  service = await startService(place, {
    JWT_SECRET: TEST_SECRET,
    ADMIN_TOKEN: ADMIN['x-admin-token'],
    INTERNAL_TOKENS: INTERNAL['x-internal-token'],
    OSS_HOSTS: 'files.example.invalid',
    RATE_LIMIT_PER_MINUTE: '0',
    LOG_LEVEL: 'info',
  })
  for (const [teacher, fileId, text] of [
    ['victim', 'kumquatledger-1', VICTIM_TEXT],
    ['attacker', 'own-1', ATTACKER_TEXT],
  ] as const) {
    const headers = { ...ADMIN, 'x-workspace': `teacher-${teacher}` }
    const made = await service.call(
      'POST',
      '/api/documents',
      { fileId, fileName: `${fileId}.md`, text, metadata: { lesson: teacher === 'victim' ? 'kumquatledger' : 'own' } },
      headers,
    )
    if (made.status !== 202) throw new Error(`the first documents were refused: ${JSON.stringify(made.json)}`)
    for (;;) {
      const view = await service.call('GET', `/api/documents/${fileId}`, undefined, headers)
      if (view.json['parseStatus'] === 'completed') break
      if (view.json['parseStatus'] === 'failed') throw new Error(`the first documents failed: ${JSON.stringify(view.json)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}, 120_000)
afterAll(async () => {
  await service.stop()
  await place.clear()
})

type Probe = { method: string; path: string; headers: Record<string, string>; body?: string }

async function send(probe: Probe): Promise<{ status: number; text: string }> {
  const init: RequestInit = { method: probe.method, headers: probe.headers, signal: AbortSignal.timeout(30_000) }
  if (probe.body !== undefined && probe.method !== 'GET') init.body = probe.body
  const response = await fetch(service.url + probe.path, init)
  const headers = JSON.stringify([...response.headers])
  // Progress of a document that exists never ends by itself; the headers are enough there.
  if (response.headers.get('content-type')?.startsWith('text/event-stream') && probe.path.includes('/events')) {
    await response.body?.cancel()
    return { status: response.status, text: headers }
  }
  return { status: response.status, text: headers + (await response.text()) }
}

/** Header values may only be Latin-1 without control characters; everything else is stopped by the client itself. */
const headerSafe = (value: string): string => value.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 2_000)

const pathWith = (route: Route, value: () => string): string =>
  route.path.replaceAll(/:\w+/g, () => encodeURIComponent(value().replaceAll(/\p{Cs}/gu, '?')).slice(0, 3_000) || 'x')

test('mutated requests on every route end in an answer that is no 500, and the service stays ready', { timeout: 1_800_000 }, async () => {
  const chance = random(SEED)
  const failures: string[] = []
  const callers = [bearer('attacker'), ADMIN, INTERNAL, {}]
  const count = tries(300, 5_000)
  for (let at = 0; at < count; at++) {
    const route = chance.pick(ROUTES)
    const example: unknown = route.schema.body?.meta()?.['example']
    const hostile = (): string => String(chance.pick(HOSTILE.filter((value) => typeof value !== 'object')))
    const query =
      chance.next() < 0.3
        ? `?${
            ['limit', 'cursor', 'q', 'entity', 'depth', 'teacherId', 'status'].map(
              (name) =>
                `${name}=${encodeURIComponent(
                  hostile()
                    .replaceAll(/\p{Cs}/gu, '?')
                    .slice(0, 500),
                )}`,
            )[chance.below(7)]
          }`
        : ''
    const headers: Record<string, string> = { ...chance.pick(callers) }
    if (chance.next() < 0.5) headers['x-workspace'] = chance.next() < 0.7 ? 'teacher-attacker' : headerSafe(hostile())
    const probe: Probe = { method: route.method, path: pathWith(route, () => (chance.next() < 0.3 ? 'own-1' : hostile())) + query, headers }
    if (example !== undefined) {
      headers['content-type'] = 'application/json'
      const text = JSON.stringify(mutateJson(example, chance))
      probe.body = chance.next() < 0.05 ? text.slice(0, chance.below(text.length)) : text
    }
    // The victim's documents must still be there for the next test.
    if (route.method === 'DELETE' && probe.path.includes('kumquat')) continue
    const answer = await send(probe)
    if (answer.status === 500)
      failures.push(
        `${probe.method} ${probe.path.slice(0, 200)} ${JSON.stringify(headers)} ${probe.body?.slice(0, 400) ?? ''} → ${answer.text.slice(-300)}`,
      )
  }
  expect(failures).toEqual([])
  expect((await service.call('GET', '/readyz')).status).toBe(200)
})

test('whatever another tenant asks, with whatever name in whatever place, no canary comes back', { timeout: 1_800_000 }, async () => {
  const chance = random(SEED + 1)
  const leaks: string[] = []
  const statuses = new Map<number, number>()
  const count = tries(300, 10_000)
  const headersOf = (): Record<string, string> => {
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...bearer('attacker'),
    }
    if (chance.next() < 0.4) headers['x-workspace'] = headerSafe(chance.pick(VICTIM_NAMES))
    return headers
  }
  for (let at = 0; at < count; at++) {
    const name = chance.pick(VICTIM_NAMES)
    const asked = {
      query: chance.pick(QUESTIONS),
      mode: chance.pick(['auto', 'naive', 'lexical', 'local', 'global', 'hybrid', 'mix']),
      topK: 100,
      explain: true,
      ...(chance.next() < 0.3 ? { filters: { lesson: chance.pick(['kumquat', ['own', '%'], "' or true --"]) } } : {}),
      ...(chance.next() < 0.3 ? { collections: [chance.pick(['default', name])] } : {}),
      ...(chance.next() < 0.3 ? { teacherId: name } : {}),
      ...(chance.next() < 0.3 ? { workspace: name, scope: [name], workspaces: [name] } : {}),
      ...(chance.next() < 0.3 ? { lowLevelKeywords: [chance.pick(QUESTIONS)], highLevelKeywords: [chance.pick(QUESTIONS)] } : {}),
    }
    const probe = chance.pick<() => Probe>([
      () => ({ method: 'POST', path: '/api/search', headers: headersOf(), body: JSON.stringify(asked) }),
      () => ({
        method: 'POST',
        path: '/api/query',
        headers: headersOf(),
        body: JSON.stringify({ ...asked, stream: chance.next() < 0.3, onlyContext: chance.next() < 0.3 }),
      }),
      () => ({
        method: 'GET',
        path: `/api/documents?q=${encodeURIComponent(chance.pick(QUESTIONS))}&teacherId=${encodeURIComponent(name)}`,
        headers: headersOf(),
      }),
      // The victim's file id in a path is no secret to the asker, so it may be echoed; its content may not.
      () => ({
        method: chance.pick(['GET', 'POST']),
        path: `/api/documents/${encodeURIComponent('kumquatledger-1')}${chance.pick(['', '/chunks', '/events', '/retry'])}`,
        headers: headersOf(),
      }),
      () => ({ method: 'GET', path: `/api/graph/entities?q=${encodeURIComponent(chance.pick(QUESTIONS))}`, headers: headersOf() }),
      () => ({ method: 'GET', path: `/api/graph/entities/${encodeURIComponent('翡翠孔雀定理')}`, headers: headersOf() }),
      () => ({
        method: 'GET',
        path: `/api/graph/subgraph?entity=${encodeURIComponent(chance.pick(QUESTIONS))}&depth=3`,
        headers: headersOf(),
      }),
      () => ({ method: 'GET', path: '/api/workspaces', headers: headersOf() }),
      () => ({
        method: 'POST',
        path: '/mcp',
        headers: headersOf(),
        body: JSON.stringify(
          mcpCall(
            chance.pick(QUESTIONS),
            name,
            chance.pick(['search_knowledge', 'query_knowledge', 'get_entity', 'get_subgraph', 'list_documents']),
          ),
        ),
      }),
    ])()
    const answer = await send(probe)
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    if (answer.status === 500) leaks.push(`500 ${JSON.stringify(probe)}`)
    // What the asker wrote itself may come back to it; anything else that only the victim knows may not.
    const echoed = decodeURIComponent(probe.path) + (probe.body ?? '') + JSON.stringify(probe.headers)
    for (const canary of CANARIES)
      if (answer.text.includes(canary) && !echoed.includes(canary)) leaks.push(`${canary}: ${JSON.stringify(probe)}`)
  }
  expect(leaks).toEqual([])
  expect(statuses.get(200) ?? 0).toBeGreaterThan(count / 5)
  const own = await service.call('POST', '/api/search', { query: '翡翠孔雀定理' }, bearer('victim'))
  expect(JSON.stringify(own.json)).toContain('zanzibarquartz')
})

function mcpCall(query: string, name: string, tool: string): object {
  return {
    jsonrpc: '2.0',
    id: 1,
    method: 'tools/call',
    params: { name: tool, arguments: { query, entity: query, name: query, workspace: name, teacherId: name, depth: 3, limit: 50 } },
  }
}

test('another tenant’s document and one that does not exist are the same 404, byte for byte but for the request id', async () => {
  const answers = []
  for (const fileId of ['kumquatledger-1', 'kumquatledger-2']) {
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/chunks'],
      ['GET', '/events'],
      ['POST', '/retry'],
      ['DELETE', ''],
    ] as const) {
      const { status, json } = await service.call(method, `/api/documents/${fileId}${path}`, undefined, bearer('attacker'))
      answers.push(JSON.stringify([status, method, path, { ...json, requestId: '' }]).replaceAll(fileId, ''))
    }
  }
  expect(answers.slice(0, 5)).toEqual(answers.slice(5))
  expect(answers.every((answer) => answer.startsWith('[404'))).toBe(true)
})

test('after all this the log holds no canary, no token and no stack', () => {
  const log = service.log()
  const signature = teacherToken('attacker').split('.')[2] ?? ''
  for (const secret of [
    ...CANARIES.slice(0, 3),
    TEST_SECRET,
    ADMIN['x-admin-token'],
    INTERNAL['x-internal-token'],
    signature,
    createHmac('sha256', TEST_SECRET).digest('base64url'),
  ]) {
    expect(log).not.toContain(secret)
  }
  expect(log).not.toMatch(/\n\s+at .*:\d+:\d+/)
})
