import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { workspaceId, workspaceScope } from '../../../src/core/workspace.ts'
import { createModels } from '../../../src/models/create.ts'
import type { Database } from '../../../src/ports/database.ts'
import type { Models } from '../../../src/ports/models.ts'
import type { QueryEvent, QueryRequest, Retrieval } from '../../../src/services/api.ts'
import { createRetrieval } from '../../../src/services/retrieve/retrieval.ts'
import { openTestDatabase } from '../../support/database.ts'
import { startTestEngine, type TestEngine } from '../../support/engine.ts'
import { type ModelServer, startModelServer } from '../../support/model-server.ts'
import { queryRequest, searchRequest } from '../../support/requests.ts'

const teacher = workspaceScope(workspaceId('teacher-001'))
const { signal } = new AbortController()

let database: Database
let engine: TestEngine
let server: ModelServer

beforeAll(async () => {
  database = await openTestDatabase()
  engine = startTestEngine(database)
  await engine.ingest(
    workspaceId('teacher-001'),
    'f1',
    '[二次函数|concept|图像是抛物线的函数] 二次函数的图像是抛物线，对称轴平行于纵轴。',
    '教案.txt',
  )
  await engine.ingest(
    workspaceId('teacher-001'),
    'f2',
    '[勾股定理|concept|直角三角形三边的关系] 勾股定理说明直角三角形两条直角边的平方和等于斜边的平方。',
  )
})
afterAll(() => engine.close())
beforeEach(async () => {
  server = await startModelServer()
})
afterEach(() => server.close())

const withModels = (models: Models): Retrieval => createRetrieval({ database, models })
const offline = (): Retrieval => withModels(createModels({}))
const online = (): Retrieval =>
  withModels(
    createModels({
      llm: { baseUrl: server.url, apiKey: 'k', model: 'qwen-plus' },
      rerank: { baseUrl: server.url, apiKey: 'k', model: 'gte-rerank-v2' },
      embedding: { provider: 'builtin' },
    }),
  )

async function ask(
  retrieval: Retrieval,
  request: Partial<QueryRequest>,
): Promise<{ events: QueryEvent[]; done: Extract<QueryEvent, { event: 'done' }> }> {
  const events: QueryEvent[] = []
  for await (const event of retrieval.query(teacher, queryRequest(request), signal)) events.push(event)
  const done = events.at(-1)
  if (done?.event !== 'done') throw new Error('the last event is not done')
  return { events, done }
}

describe('without a language model', () => {
  it('quotes the evidence and cites the chunk it quotes', async () => {
    const { done } = await ask(offline(), { query: '勾股定理说明什么？', mode: 'naive' })
    expect(done.answer).toContain('斜边的平方')
    expect(done.noEvidence).toBe(false)
    expect(done.references).toEqual([
      expect.objectContaining({ fileId: 'f2', source: 'user/f2.txt', workspace: 'teacher-001', page: null }),
    ])
    expect(done.answer).toContain(`[${done.references[0]?.id}]`)
  })

  it.each([
    ['光合作用需要哪些条件？', '资料'],
    ['光合作用需要哪些條件？', '資料'],
    ['Which gases do volcanoes emit?', 'nothing on this question'],
  ])('says in the language of %s that nothing was found, and cites nothing', async (query, sentence) => {
    const { events, done } = await ask(offline(), { query })
    expect(done.answer).toContain(sentence)
    expect(done).toMatchObject({ references: [], noEvidence: true })
    expect(done.answer).not.toMatch(/\[\d/)
    expect(events[0]).toEqual({ event: 'references', references: [] })
  })

  it('has no bypass', async () => {
    await expect(ask(offline(), { query: '你好', mode: 'bypass' })).rejects.toMatchObject({ code: 'llm_unavailable' })
  })
})

describe('with a language model', () => {
  it('removes what the model invents and keeps the references it really cites', async () => {
    server.script('{"highLevel":[],"lowLevel":["二次函数"]}', '图像是抛物线 [1]，这是常识 [9]，另见 [1, 42]。')
    const { events, done } = await ask(online(), { query: '二次函数的图像是什么？', mode: 'hybrid' })
    expect(done.answer).toBe('图像是抛物线 [1]，这是常识，另见 [1]。')
    expect(done.references.map((reference) => reference.id)).toEqual([1])
    expect(done.usage.outputTokens).toBeGreaterThan(0)
    const streamed = events.flatMap((event) => (event.event === 'token' ? [event.text] : [])).join('')
    expect(streamed).toBe(done.answer)
  })

  it('gives the references before the first token and the whole at the end', async () => {
    const { events } = await ask(online(), { query: '二次函数的图像是什么？' })
    expect(events[0]?.event).toBe('references')
    expect(events.slice(1, -1).every((event) => event.event === 'token')).toBe(true)
    expect(events.at(-1)?.event).toBe('done')
  })

  it('passes history to the model and never to retrieval', async () => {
    const history = [
      { role: 'user' as const, content: '勾股定理是什么' },
      { role: 'assistant' as const, content: '三边的关系' },
    ]
    const { done } = await ask(online(), { query: '二次函数的图像是什么？', mode: 'naive', topK: 1, history })
    expect(done.references.map((reference) => reference.fileId)).toEqual(['f1'])
    const chat = server.requests.findLast((request) => request.route === 'chat')
    expect(JSON.stringify(chat?.body['messages'])).toContain('三边的关系')
  })

  it('asks no model when there is no evidence at all', async () => {
    const nobody = workspaceScope(workspaceId('teacher-nobody'))
    const events: QueryEvent[] = []
    for await (const event of online().query(nobody, queryRequest({ query: '二次函数', mode: 'naive' }), signal)) events.push(event)
    expect(events.at(-1)).toMatchObject({ event: 'done', references: [], noEvidence: true })
    expect(server.stats.chat.calls).toBe(0)
  })

  it('answers a bypass from the model alone', async () => {
    const { done } = await ask(online(), { query: '你好', mode: 'bypass' })
    expect(done.answer).toContain('你好')
    expect(done.references).toEqual([])
  })

  it('stops the call to the model when the caller goes away', async () => {
    const leaving = new AbortController()
    const events = online().query(teacher, queryRequest({ query: '二次函数的图像是什么？', mode: 'naive' }), leaving.signal)
    expect((await events.next()).value).toMatchObject({ event: 'references' })
    server.hold()
    const token = events.next()
    leaving.abort()
    await expect(token).rejects.toThrow(/abort/i)
    await vi.waitFor(() => expect(server.stats.chat.inFlight).toBe(0))
    server.letGo()
  })
})

describe('onlyContext', () => {
  it('is what the model would be given: numbered evidence, facts, references', async () => {
    const found = await offline().context(teacher, queryRequest({ query: '二次函数的图像', mode: 'hybrid', onlyContext: true }), signal)
    expect(found.context).toContain('number="1"')
    expect(found.context).toContain('{"entity":"二次函数","type":"concept","description":"图像是抛物线的函数"}')
    expect(found.references.map((reference) => reference.chunkId)).toEqual(found.results.map((result) => result.chunkId))
  })

  it('keeps within the budget and cuts a first chunk that is longer than it', async () => {
    const all = await offline().context(teacher, queryRequest({ query: '二次函数的图像与勾股定理', mode: 'naive' }), signal)
    expect(all.results).toHaveLength(2)
    const one = await offline().context(
      teacher,
      queryRequest({ query: '二次函数的图像与勾股定理', mode: 'naive', maxTotalTokens: 1100 }),
      signal,
    )
    expect(one.results).toHaveLength(1)
    expect(
      (await offline().context(teacher, queryRequest({ query: '二次函数', mode: 'naive', maxTotalTokens: 1 }), signal)).results,
    ).toEqual([])
  })
})

describe('models that fail', () => {
  const search = (retrieval: Retrieval, request: Parameters<typeof searchRequest>[0]) =>
    retrieval.search(teacher, searchRequest(request), signal)

  it('a dead keyword model degrades: the question itself seeds the graph', async () => {
    server.failAt('chat', 1, { kind: 'status', status: 400 })
    const found = await search(online(), { query: '二次函数', mode: 'hybrid' })
    expect(found).toMatchObject({ degraded: true, degradedReason: expect.stringContaining('keyword') as string })
    expect(found.entities.map((entity) => entity.name)).toContain('二次函数')
  })

  it('a dead rerank model degrades to the order before', async () => {
    server.failAt('rerank', 1, { kind: 'status', status: 400 })
    const plain = await search(offline(), { query: '二次函数', mode: 'naive' })
    const found = await search(online(), { query: '二次函数', mode: 'naive', rerank: true })
    expect(found).toMatchObject({ degraded: true, degradedReason: expect.stringContaining('rerank') as string })
    expect(found.results).toEqual(plain.results)
  })

  it('a rerank model that works gives its scores', async () => {
    const found = await search(online(), { query: '二次函数', mode: 'naive', rerank: true, explain: true })
    expect(found.degraded).toBeUndefined()
    expect(found.results[0]?.explain?.['rerank']).toEqual({ rank: 1, score: found.results[0]?.score })
  })

  it('reranking that was asked for and is not configured is said', async () => {
    expect(await search(offline(), { query: '二次函数', mode: 'naive', rerank: true })).toMatchObject({ degraded: true })
    expect(await search(offline(), { query: '二次函数', mode: 'mix' })).not.toHaveProperty('degraded')
  })

  it('a space whose model is gone is named with the command that repairs it, except for lexical search', async () => {
    const elsewhere = withModels({ ...createModels({}), embeddingFor: () => undefined })
    await expect(search(elsewhere, { query: '二次函数', mode: 'naive' })).rejects.toMatchObject({
      code: 'embedding_service_unavailable',
      message: expect.stringContaining('npx insight-rag workspace reembed teacher-001') as string,
    })
    expect((await search(elsewhere, { query: '二次函数', mode: 'lexical' })).results[0]?.fileId).toBe('f1')
  })
})
