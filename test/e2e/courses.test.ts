// The self-test of course embedding, from handing over to the fallback path, over real HTTP against the service as it is
// started, with an embedding server that is stopped on the way.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { leasesRunOut, type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'

const INTERNAL = { 'x-internal-token': 'an-internal-token' }

let place: ServicePlace
let service: Service
let models: ModelServer

beforeAll(async () => {
  models = await startModelServer({ dim: 256, maxBatch: 64 })
  place = await servicePlace()
  service = await startService(place, {
    INTERNAL_TOKENS: INTERNAL['x-internal-token'],
    EMBEDDING_PROVIDER: 'openai',
    EMBEDDING_BASE_URL: models.url,
    EMBEDDING_MODEL_NAME: 'qwen3-embedding-0.6b',
    EMBEDDING_DIM: '256',
    EXTRACTION: 'none',
  })
}, 180_000)

afterAll(async () => {
  await service.stop()
  await place.clear()
})

const call = (method: string, path: string, body?: unknown): ReturnType<Service['call']> => service.call(method, path, body, INTERNAL)
const codeOf = (answer: Awaited<ReturnType<Service['call']>>): unknown => (answer.json['error'] as { code?: unknown } | undefined)?.code
type Hit = { chunk_id: string; text: string; score: number; metadata: Record<string, unknown> }
const search = async (course: string, body: Record<string, unknown>): Promise<Hit[]> =>
  (await call('POST', `/courses/${course}/search`, body)).json['results'] as Hit[]

async function done(course: string): Promise<Record<string, unknown>> {
  for (;;) {
    const { status, json } = await call('GET', `/courses/${course}/embedding_status`)
    expect(status).toBe(200)
    expect(['pending', 'running', 'done', 'failed']).toContain(json['status'])
    expect(json['progress']).toBeGreaterThanOrEqual(0)
    expect(json['progress']).toBeLessThanOrEqual(1)
    if (json['status'] === 'done' || json['status'] === 'failed') return json
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const chunks = Array.from({ length: 150 }, (_, at) => ({
  chunk_id: `c1-${at}`,
  text: at === 7 ? '   ' : `第 ${at} 段：${at % 2 === 0 ? '抛物线的顶点与对称轴' : '三角形的内角和'}，例题 ${at}。`,
  lecture_id: `lecture-${at % 3}`,
  section_id: `section-${at % 5}`,
  source_type: at % 2 === 0 ? 'transcript' : 'slides',
  order_in_section: at,
}))

test(
  'the self-test: hand over, embed, follow to done, count, search, and what it says to a course without vectors',
  { timeout: 120_000 },
  async () => {
    const put = await call('PUT', '/courses/algebra/chunks', chunks)
    expect([put.status, put.json]).toEqual([200, { accepted: 150, skipped: 1 }])
    const early = await call('POST', '/courses/algebra/search', { query: '抛物线' })
    expect([early.status, codeOf(early)]).toEqual([400, 'embedding_not_ready'])

    const accepted = await call('POST', '/courses/algebra/embed')
    expect([accepted.status, accepted.json['status']]).toEqual([202, 'pending'])
    const status = await done('algebra')
    expect(status).toEqual({ course_id: 'algebra', status: 'done', progress: 1, error: null, chunks: 150, vectors: 149, skipped: 1 })

    const hits = await search('algebra', { query: '抛物线的顶点与对称轴' })
    expect(hits).toHaveLength(5)
    for (const hit of hits) {
      expect(hit.text).toContain('抛物线')
      expect(hit.score).toBeGreaterThan(0)
      expect(hit.score).toBeLessThanOrEqual(1)
      expect(hit.metadata).toMatchObject({ course_id: 'algebra', chunk_id: hit.chunk_id, source_type: 'transcript' })
    }
    const filtered = await search('algebra', {
      query: '抛物线',
      top_k: 20,
      lecture_id: 'lecture-1',
      section_id: 'section-2',
      source_type: 'slides',
    })
    expect(filtered.length).toBeGreaterThan(0)
    for (const { metadata } of filtered)
      expect(metadata).toMatchObject({ lecture_id: 'lecture-1', section_id: 'section-2', source_type: 'slides' })
    expect(await search('algebra', { query: '抛物线', top_k: 20 })).toHaveLength(20)
    for (const top_k of [21, 0, 1.5]) expect((await call('POST', '/courses/algebra/search', { query: 'x', top_k })).status).toBe(400)

    expect(codeOf(await call('POST', '/courses/geometry/search', { query: '圆' }))).toBe('embedding_not_ready')
    expect((await call('POST', '/courses/geometry/embed')).status).toBe(404)
    expect((await call('GET', '/courses/geometry/embedding_status')).status).toBe(404)
  },
)

test('only an internal token or an administrator gets in, and nothing of the rest is revealed', async () => {
  for (const [method, path] of [
    ['PUT', '/courses/algebra/chunks'],
    ['POST', '/courses/algebra/embed'],
    ['GET', '/courses/algebra/embedding_status'],
    ['POST', '/courses/algebra/search'],
    ['DELETE', '/courses/algebra'],
    ['GET', '/courses'],
  ] as const) {
    expect([path, (await service.call(method, path)).status]).toEqual([path, 401])
    expect([path, (await service.call(method, path, undefined, { 'x-internal-token': 'wrong' })).status]).toEqual([path, 401])
  }
})

test(
  'a batch with bad items is refused as a whole and says which, and two embeddings of one course do not run at once',
  { timeout: 60_000 },
  async () => {
    const refused = await call('PUT', '/courses/calculus/chunks', {
      chunks: [chunks[0], { chunk_id: 'x' }, { ...chunks[1], order_in_section: 'first' }],
    })
    expect([refused.status, codeOf(refused)]).toEqual([400, 'invalid_request'])
    const { items } = (refused.json['error'] as { details: { items: { index: number; field: string; message: string }[] } }).details
    expect(new Set(items.map((item) => item.index))).toEqual(new Set([1, 2]))
    expect(items.find((item) => item.index === 2)).toMatchObject({ field: 'order_in_section' })
    expect(
      (
        await call(
          'PUT',
          '/courses/calculus/chunks',
          Array.from({ length: 1001 }, (_, at) => ({ ...chunks[0], chunk_id: String(at) })),
        )
      ).status,
    ).toBe(400)
    expect((await call('GET', '/courses/calculus/embedding_status')).status).toBe(404)

    await call(
      'PUT',
      '/courses/calculus/chunks',
      chunks.map((chunk) => ({ ...chunk, text: `${chunk.text} 微积分` })),
    )
    models.hold()
    const [first, second] = [await call('POST', '/courses/calculus/embed'), await call('POST', '/courses/calculus/embed')]
    expect([first.status, second.status, codeOf(second)]).toEqual([202, 409, 'already_running'])
    models.letGo()
    expect(await done('calculus')).toMatchObject({ status: 'done', chunks: 150, vectors: 150, skipped: 0 })
  },
)

/** Texts embedded per round, each stored before the next. */
const ROUND = 64
const askedAbout = (word: string): string[] =>
  models.requests
    .filter(({ route }) => route === 'embeddings')
    .flatMap(({ body }) => (body['input'] as string[]).filter((text) => text.includes(word)))

test(
  'an embedding that a crash cut short goes on after the restart and asks nothing twice that was answered',
  { timeout: 120_000 },
  async () => {
    await call(
      'PUT',
      '/courses/crash/chunks',
      chunks.map((chunk) => ({ ...chunk, text: `${chunk.text} 课号crash` })),
    )
    models.hold()
    await call('POST', '/courses/crash/embed')
    // The second round of 64 is asked for only when the first one is stored.
    while (askedAbout('课号crash').length <= ROUND) {
      models.letGo(1)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    service.process.kill('SIGKILL')
    models.letGo()
    await leasesRunOut(place)
    service = await startService(place, {
      INTERNAL_TOKENS: INTERNAL['x-internal-token'],
      EMBEDDING_PROVIDER: 'openai',
      EMBEDDING_BASE_URL: models.url,
      EMBEDDING_MODEL_NAME: 'qwen3-embedding-0.6b',
      EMBEDDING_DIM: '256',
      EXTRACTION: 'none',
    })
    const before = askedAbout('课号crash')
    expect(await done('crash')).toMatchObject({ status: 'done', chunks: 150, vectors: 150, skipped: 0 })
    const stored = before.slice(0, ROUND)
    expect(
      askedAbout('课号crash')
        .slice(before.length)
        .filter((text) => stored.includes(text)),
    ).toEqual([])
  },
)

test('a deleted course is gone', async () => {
  const gone = await call('DELETE', '/courses/algebra')
  expect([gone.status, gone.json]).toEqual([200, { course_id: 'algebra', deleted: true }])
  expect((await call('DELETE', '/courses/algebra')).status).toBe(404)
  expect(codeOf(await call('POST', '/courses/algebra/search', { query: '抛物线' }))).toBe('embedding_not_ready')
  const listed = (await call('GET', '/courses')).json['courses'] as { course_id: string }[]
  expect(listed.map((course) => course.course_id)).toEqual(['calculus', 'crash'])
})

test('with the embedding server stopped a search says so instead of answering less', async () => {
  expect(await search('crash', { query: '抛物线', top_k: 1 })).toHaveLength(1)
  await models.close()
  const down = await call('POST', '/courses/crash/search', { query: '抛物线' })
  expect([down.status, codeOf(down)]).toEqual([503, 'embedding_service_unavailable'])
  expect(down.headers.get('retry-after')).not.toBeNull()
  expect((await call('GET', '/courses/crash/embedding_status')).json).toMatchObject({ status: 'done', vectors: 150 })
})
