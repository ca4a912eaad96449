import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import type { QueryEvent, Reference } from '../../src/services/api.ts'
import { ADMIN, frames, SERVICE, startTestServer, teacher, type TestServer } from './support.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server.close())
beforeEach(() => {
  server.engine.calls.length = 0
})

const USAGE = { inputTokens: 3, cachedTokens: 0, outputTokens: 2 }
const REFERENCE: Reference = {
  id: 1,
  source: 'user/a.txt',
  workspace: 'teacher-001',
  fileId: 'f1',
  chunkId: 'c1',
  page: null,
  headings: [],
}
const DONE: QueryEvent = { event: 'done', answer: '抛物线 [1]', references: [REFERENCE], usage: USAGE, noEvidence: false }

async function* saying(...events: (QueryEvent | Error)[]): AsyncGenerator<QueryEvent, void> {
  for (const event of events) {
    if (event instanceof Error) throw event
    yield event
  }
}

test('a bare question is searched with the defaults of the contract', async () => {
  const answer = await server.call('POST', '/api/search', { headers: teacher('001'), body: { query: '二次函数' } })
  expect(answer.status).toBe(200)
  expect(server.engine.last()).toEqual({
    use: 'search',
    scope: ['teacher-001', 'public'],
    request: {
      query: '二次函数',
      mode: 'auto',
      topK: 10,
      chunkTopK: 20,
      collections: [],
      filters: {},
      highLevelKeywords: [],
      lowLevelKeywords: [],
      rerank: false,
      explain: false,
    },
  })
  expect(answer.body).toEqual({
    mode: 'auto',
    results: [],
    entities: [],
    relations: [],
    keywords: { highLevel: [], lowLevel: [] },
    timings: { embedMs: 0, retrieveMs: 0, totalMs: 0 },
  })
})

test.each([
  ['a teacher without public', teacher('001'), { includePublic: false }, ['teacher-001']],
  ['a teacher, in snake_case', teacher('001'), { include_public: false }, ['teacher-001']],
  ['an administrator for a teacher', { ...ADMIN, 'x-workspace': 'teacher-9' }, {}, ['teacher-9', 'public']],
  ['a service for a teacher', SERVICE, { teacherId: '9' }, ['teacher-9', 'public']],
])('%s searches the scope of the table', async (_who, headers, body, scope) => {
  await server.call('POST', '/api/search', { headers, body: { query: 'q', ...body } })
  expect(server.engine.last()).toMatchObject({ scope })
})

test('conditions on metadata, documents, diversity and sections are handed on', async () => {
  const asked = {
    filters: { year: { gte: 2020, lt: 2025 }, title: { contains: '函数' }, level: { in: ['S4', 'S5'] }, kind: 'note' },
    fileIds: ['f1'],
    maxPerDocument: 2,
    expand: 'section',
  }
  const answer = await server.call('POST', '/api/search', { headers: teacher('001'), body: { query: 'q', ...asked } })
  expect(answer.status).toBe(200)
  expect(server.engine.last()).toMatchObject({ request: asked })
})

test.each([
  [{ filters: { year: {} } }, 'filters.year'],
  [{ filters: { year: { above: 3 } } }, 'filters.year'],
  [{ filters: { year: { gte: 1, lt: 'z' } } }, 'filters.year'],
  [{ filters: { year: { gte: [1] } } }, 'filters.year'],
  [{ filters: { year: { contains: 7 } } }, 'filters.year'],
  [{ filters: [] }, 'filters'],
  [{ fileIds: ['a b'] }, 'fileIds[0]'],
  [{ maxPerDocument: 0 }, 'maxPerDocument'],
  [{ expand: 'page' }, 'expand'],
])('%j is refused, and the place is named', async (body, place) => {
  const answer = await server.call('POST', '/api/search', { headers: teacher('001'), body: { query: 'q', ...body } })
  expect([answer.status, answer.body.error.code]).toEqual([400, 'invalid_request'])
  expect(answer.body.error.message).toContain(place)
})

test('a query answers with its last event', async () => {
  server.engine.events = () => saying({ event: 'references', references: [REFERENCE] }, { event: 'token', text: '抛物线 [1]' }, DONE)
  const { status, body } = await server.call('POST', '/api/query', {
    headers: teacher('001'),
    body: { query: 'q', history: [{ role: 'user', content: 'before' }] },
  })
  expect([status, body]).toEqual([200, { answer: '抛物线 [1]', references: [REFERENCE], usage: USAGE, noEvidence: false }])
  expect(server.engine.last()).toMatchObject({ request: { history: [{ role: 'user', content: 'before' }], onlyContext: false } })
})

test('onlyContext answers with what the model would be given', async () => {
  const { body } = await server.call('POST', '/api/query', { headers: teacher('001'), body: { query: 'q', only_context: true } })
  expect(body).toEqual({ context: 'evidence', references: [], results: [] })
})

test('a streamed query sends references, tokens and done', async () => {
  server.engine.events = () =>
    saying({ event: 'references', references: [REFERENCE] }, { event: 'token', text: '抛物线\n' }, { event: 'token', text: '[1]' }, DONE)
  const { headers, body } = await server.call('POST', '/api/query', { headers: teacher('001'), body: { query: 'q', stream: true } })
  expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  expect(headers.get('x-content-type-options')).toBe('nosniff')
  expect(frames(body).events).toEqual([
    { event: 'references', data: [REFERENCE] },
    { event: 'token', data: { text: '抛物线\n' } },
    { event: 'token', data: { text: '[1]' } },
    { event: 'done', data: { answer: '抛物线 [1]', references: [REFERENCE], usage: USAGE, noEvidence: false } },
  ])
})

test('what fails before the first event is an ordinary error, also when a stream was asked for', async () => {
  server.engine.events = () => saying(new AppError('llm_unavailable', undefined, { retryAfterSeconds: 7.2 }))
  const { status, headers, body } = await server.call('POST', '/api/query', { headers: teacher('001'), body: { query: 'q', stream: true } })
  expect([status, headers.get('retry-after'), body.error.code]).toEqual([503, '8', 'llm_unavailable'])
})

test.each([
  ['a known failure', new AppError('llm_unavailable'), { code: 'llm_unavailable', message: 'The language model cannot be reached.' }],
  ['a bug', new Error('secret detail'), { code: 'internal_error', message: 'Something went wrong inside the service.' }],
])('%s in mid-stream is the last event', async (_what, failure, error) => {
  server.engine.events = () => saying({ event: 'references', references: [] }, { event: 'token', text: 'half' }, failure)
  const { body } = await server.call('POST', '/api/query', { headers: teacher('001'), body: { query: 'q', stream: true } })
  expect(frames(body).events.at(-1)).toEqual({ event: 'error', data: { error, requestId: expect.any(String) } })
})

test('a reader that goes away aborts the answer', async () => {
  const aborted = Promise.withResolvers<string>()
  server.engine.events = async function* (signal) {
    yield { event: 'references', references: [] }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    aborted.resolve('aborted')
  }
  const gone = new AbortController()
  const response = await fetch(`${server.base}/api/query`, {
    method: 'POST',
    headers: { ...teacher('001'), 'content-type': 'application/json' },
    body: JSON.stringify({ query: 'q', stream: true }),
    signal: gone.signal,
  })
  await response.body?.getReader().read()
  gone.abort()
  expect(await aborted.promise).toBe('aborted')
})

test('embedding is for services and administrators, in the order of the texts', async () => {
  const body = { texts: ['一', '二'] }
  expect((await server.call('POST', '/embed', { headers: teacher('001'), body })).status).toBe(403)
  const answer = await server.call('POST', '/embed', { headers: SERVICE, body })
  expect(answer.body).toEqual({
    embeddings: [
      [0.5, 0.5],
      [0.5, 0.5],
    ],
    model: 'test/two',
    dim: 2,
    truncated: 0,
  })
  expect(server.engine.last()).toEqual({ use: 'embed', texts: ['一', '二'], kind: 'document' })
})

test.each([
  [{ texts: [] }, 'texts must have at least 1 entry.'],
  [{ texts: Array.from({ length: 65 }, () => 'x') }, 'texts must have at most 64 entries.'],
  [{ texts: ['a', ' '] }, 'texts[1] must not be empty.'],
  [{ texts: ['a'], kind: 'image' }, 'kind must be one of document, query.'],
])('%j is not embedded', async (body, message) => {
  const answer = await server.call('POST', '/embed', { headers: SERVICE, body })
  expect([answer.status, answer.body.error.message]).toEqual([400, message])
})
