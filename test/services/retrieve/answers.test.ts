// Answers that are given again, and follow-ups that are searched as questions of their own.
import { sql } from 'kysely'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../../src/core/workspace.ts'
import { createModels } from '../../../src/models/create.ts'
import type { Database } from '../../../src/ports/database.ts'
import type { QueryEvent, QueryRequest, Retrieval } from '../../../src/services/api.ts'
import { createProfiles } from '../../../src/services/profile.ts'
import { createRetrieval, type RetrievalOptions } from '../../../src/services/retrieve/retrieval.ts'
import { openTestDatabase } from '../../support/database.ts'
import { startTestEngine, type TestEngine } from '../../support/engine.ts'
import { type ModelServer, startModelServer } from '../../support/model-server.ts'
import { queryRequest } from '../../support/requests.ts'

const { signal } = new AbortController()
const [mine, other, shared] = [workspaceId('teacher-q1'), workspaceId('teacher-q2'), workspaceId('public')]

let database: Database
let engine: TestEngine
let server: ModelServer
beforeAll(async () => {
  database = await openTestDatabase()
  engine = startTestEngine(database)
  await engine.ingest(mine, 'f1', '勾股定理說明直角三角形兩條直角邊的平方和等於斜邊的平方。')
  await engine.ingest(other, 'f1', '勾股定理說明直角三角形兩條直角邊的平方和等於斜邊的平方。')
  await engine.ingest(shared, 'f1', '平方根是平方的逆運算。')
  return () => engine.close()
})
beforeEach(async () => {
  server = await startModelServer()
})
afterEach(() => server.close())

const retrieval = (options: RetrievalOptions = { answerCacheEntries: 2 }, model = 'm'): Retrieval =>
  createRetrieval(
    {
      database,
      models: createModels({ llm: { baseUrl: server.url, apiKey: 'k', model }, embedding: { provider: 'builtin' }, extraction: 'builtin' }),
    },
    options,
  )

type Done = Extract<QueryEvent, { event: 'done' }>
async function ask(from: Retrieval, request: Partial<QueryRequest>, scope: [WorkspaceId, ...WorkspaceId[]] = [mine]) {
  const before = server.requests.length
  const events: QueryEvent[] = []
  const whole = queryRequest({ query: '勾股定理說明什麼？', ...request })
  for await (const event of from.query(workspaceScope(...scope), whole, signal)) events.push(event)
  return { events, done: events.at(-1) as Done, calls: server.requests.length - before }
}

test('the same question in the same state is answered again, with its references, and no model is called', async () => {
  const answers = retrieval()
  const first = await ask(answers, {})
  expect(first.calls).toBeGreaterThan(0)
  const again = await ask(answers, {})
  expect(again.calls).toBe(0)
  expect(again.done).toEqual({ ...first.done, usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 }, cached: true })
  expect(again.events[0]).toEqual(first.events[0])
  expect(again.events.flatMap((event) => (event.event === 'token' ? [event.text] : [])).join('')).toBe(first.done.answer)
})

test('whatever an answer depends on is a part of its key', async () => {
  const answers = retrieval({ answerCacheEntries: 100 })
  await ask(answers, {})
  const DIFFERENT: [Partial<QueryRequest>, [WorkspaceId, ...WorkspaceId[]]?][] = [
    [{ query: '勾股定理說明什麼呢？' }],
    [{ mode: 'naive' }],
    [{ topK: 9 }],
    [{ userPrompt: '簡短' }],
    [{ filters: { grade: '九' } }],
    [{ collections: ['default'] }],
    [{}, [other]],
    [{}, [mine, shared]],
    [{}, [shared, mine]],
  ]
  for (const [request, scope] of DIFFERENT)
    expect((await ask(answers, request, scope)).done.cached, JSON.stringify([request, scope])).toBeUndefined()
  expect((await ask(answers, {})).done.cached).toBe(true)
})

test('a document that comes or goes, in any workspace that is read, ends what was kept', async () => {
  const answers = retrieval({ answerCacheEntries: 100 })
  const scope: [WorkspaceId, ...WorkspaceId[]] = [mine, shared]
  for (const change of [
    () => engine.ingest(mine, 'f2', '畢氏定理是勾股定理的另一個名稱。'),
    () => engine.documents.remove(mine, 'f2'),
    () => engine.ingest(shared, 'f2', '勾股定理是幾何的定理。'),
    () => engine.documents.remove(shared, 'f2'),
    () => createProfiles(engine.deps).set(mine, {}),
  ]) {
    await ask(answers, {}, scope)
    expect((await ask(answers, {}, scope)).done.cached).toBe(true)
    await change()
    expect((await ask(answers, {}, scope)).done.cached).toBeUndefined()
  }
})

test('a workspace restored to the same revision is not the one that was asked', async () => {
  const answers = retrieval({ answerCacheEntries: 100 })
  await ask(answers, {}, [other])
  const row = (await sql<{ row: object }>`select to_jsonb(w) as row from workspaces w where workspace_id = ${other}`.execute(database.db))
    .rows[0]
  await engine.ingest(other, 'f3', '餘弦定理。')
  await sql`update workspaces set revision = (${JSON.stringify(row?.row)}::jsonb ->> 'revision')::bigint where workspace_id = ${other}`.execute(
    database.db,
  )
  expect((await ask(answers, {}, [other])).done.cached).toBeUndefined()
})

test('nothing is kept of a talk, of a degraded answer, of one that was left, or without entries', async () => {
  const history = [{ role: 'user' as const, content: '甚麼是直角？' }]
  const answers = retrieval()
  await ask(answers, { history })
  expect((await ask(answers, { history })).calls).toBeGreaterThan(0)
  server.failNext('chat', { kind: 'status', status: 400 })
  expect((await ask(answers, { query: '勾股定理的條件？', mode: 'hybrid' })).done.degraded).toBe(true)
  expect((await ask(answers, { query: '勾股定理的條件？', mode: 'hybrid' })).done.cached).toBeUndefined()
  for await (const event of answers.query(workspaceScope(mine), queryRequest({ query: '勾股定理為何成立？' }), signal)) {
    if (event.event === 'token') break
  }
  expect((await ask(answers, { query: '勾股定理為何成立？' })).done.cached).toBeUndefined()
  const none = retrieval({ answerCacheEntries: 0 })
  await ask(none, {})
  expect((await ask(none, {})).done.cached).toBeUndefined()
})

test('the least recently asked goes first when the cache is full', async () => {
  const answers = retrieval({ answerCacheEntries: 2 })
  for (const query of ['勾股一？', '勾股二？', '勾股一？', '勾股三？']) await ask(answers, { query })
  expect((await ask(answers, { query: '勾股一？' })).done.cached).toBe(true)
  expect((await ask(answers, { query: '勾股二？' })).done.cached).toBeUndefined()
})

test('answers without a language model cost nothing and are not kept', async () => {
  const free = createRetrieval({ database, models: createModels({}) }, { answerCacheEntries: 10 })
  await ask(free, {})
  expect((await ask(free, {})).done.cached).toBeUndefined()
})

const talk = [
  { role: 'user' as const, content: '請介紹勾股定理。' },
  { role: 'assistant' as const, content: '勾股定理是關於直角三角形的定理。' },
]

test('a follow-up is searched as a question of its own, and answered as it was asked', async () => {
  server.script('勾股定理說明什麼？\n因為…')
  const { done, calls } = await ask(retrieval(), { query: '它說明什麼？', history: talk, rewrite: true, mode: 'naive' })
  expect(calls).toBe(2)
  expect(done).toMatchObject({ searchedFor: '勾股定理說明什麼？', noEvidence: false })
  const [rewrite, answer] = server.requests.map(({ body }) => JSON.stringify(body['messages']))
  expect(rewrite).toContain('請介紹勾股定理')
  expect(answer).toContain('它說明什麼？')
})

test.each([
  ['it is not asked for', { rewrite: false }, { rewriteFollowUps: true }, 1],
  ['there is no talk', { rewrite: true, history: [] }, {}, 1],
  ['the settings say so', {}, { rewriteFollowUps: true }, 2],
  ['nothing says so', {}, {}, 1],
])('when %s, the calls are as many as that takes', async (_name, request, options, expected) => {
  const { calls } = await ask(retrieval(options), { query: '勾股定理呢？', history: talk, mode: 'naive', ...request })
  expect(calls).toBe(expected)
})

test('a rewriter that is away, or writes nothing, leaves the question as it stands', async () => {
  server.failNext('chat', { kind: 'status', status: 400 })
  const away = await ask(retrieval(), { query: '勾股定理呢？', history: talk, rewrite: true, mode: 'naive' })
  expect(away.done).toMatchObject({ degraded: true, degradedReason: expect.stringContaining('follow-up') as string, noEvidence: false })
  server.script('')
  const empty = await ask(retrieval(), { query: '勾股定理呢？', history: talk, rewrite: true, mode: 'naive' })
  expect([empty.done.searchedFor, empty.done.degraded]).toEqual([undefined, undefined])
  const free = createRetrieval({ database, models: createModels({}) })
  expect((await ask(free, { query: '勾股定理？', history: talk, rewrite: true })).done.degraded).toBe(true)
})

test('an answer is given while only a replica is left to search, and one that is there is not lost with the database', async () => {
  let lost = false
  const broken = new Proxy(database.db, {
    get(target, name) {
      if (lost && (name === 'getExecutor' || name === 'transaction')) throw new Error('the primary is gone')
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  const replica: NonNullable<Database['replica']> = {
    db: database.db,
    counts: { replica: 0, behind: 0, failed: 0 },
    usable: async () => true,
    answered: () => undefined,
    behind: () => undefined,
    failed: (error) => {
      throw error
    },
    primaryAnswers: () => true,
  }
  const models = createModels({
    llm: { baseUrl: server.url, apiKey: 'k', model: 'm' },
    embedding: { provider: 'builtin' },
    extraction: 'builtin',
  })
  const alone = createRetrieval({ database: { ...database, db: broken, replica }, models }, { answerCacheEntries: 2 })
  lost = true
  const uncertain = await ask(alone, {})
  expect(uncertain.done).toMatchObject({ event: 'done', degraded: true })
  expect((await ask(alone, {})).calls).toBeGreaterThan(0)
  lost = false
  const without = createRetrieval({ database: { ...database, db: broken }, models }, { answerCacheEntries: 2 })
  const events: QueryEvent[] = []
  for await (const event of without.query(workspaceScope(mine), queryRequest({ query: '勾股定理是什麼？' }), signal)) {
    lost = event.event === 'token'
    events.push(event)
  }
  expect(events.at(-1)).toMatchObject({ event: 'done' })
})
