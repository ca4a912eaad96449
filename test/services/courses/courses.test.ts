// Courses over the engine without HTTP: what is embedded, what is embedded again, and what stays when something fails.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../../src/core/errors.ts'
import { workspaceId, workspaceScope, type WorkspaceId } from '../../../src/core/workspace.ts'
import type { Database } from '../../../src/ports/database.ts'
import type { EmbeddingModel, Models } from '../../../src/ports/models.ts'
import type { Courses, CourseStatus } from '../../../src/services/courses/api.ts'
import { createCourses } from '../../../src/services/courses/courses.ts'
import { withScope } from '../../../src/store/scope.ts'
import { openTestDatabase } from '../../support/database.ts'
import { startTestEngine, testModels, type TestEngine, type TestEngineOptions } from '../../support/engine.ts'

const signal = new AbortController().signal
let database: Database

beforeAll(async () => {
  database = await openTestDatabase()
})

type Counted = Models & { embedded: string[]; down: boolean; gate: Promise<void> | undefined }

/** The built-in vectors under another name, so that replies are stored and every embedded text is seen. */
function countedModels(): Counted {
  const plain = testModels(undefined)
  const models: Counted = { ...plain, embedded: [], down: false, gate: undefined }
  const embedding: EmbeddingModel = {
    model: 'remote/counted',
    dim: plain.embedding.dim,
    maxBatch: 64,
    embed: async (texts, kind, abort) => {
      if (models.down) throw new AppError('embedding_service_unavailable')
      await models.gate
      if (kind === 'document') models.embedded.push(...texts)
      return plain.embedding.embed(texts, kind, abort)
    },
  }
  models.embedding = embedding
  models.embeddingFor = () => embedding
  return models
}

type Place = { engine: TestEngine; courses: Courses; models: Counted; course: WorkspaceId; settled: () => Promise<CourseStatus> }

function open(id: string, options: Omit<TestEngineOptions, 'models'> = {}): Place {
  const models = countedModels()
  const engine = startTestEngine(database, { ...options, models })
  const courses = createCourses(engine.deps)
  const course = workspaceId(`course-${id}`)
  const settled = async (): Promise<CourseStatus> => {
    for (;;) {
      const status = await courses.status(course, signal)
      if (status.status === 'done' || status.status === 'failed') return status
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  return { engine, courses, models, course, settled }
}

const chunk = (id: number, text: string | null, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  chunk_id: `k${id}`,
  text,
  lecture_id: `l${Math.ceil(id / 10)}`,
  section_id: 's1',
  source_type: id % 2 === 0 ? 'slides' : 'transcript',
  order_in_section: id,
  ...more,
})

const code = (error: unknown): string => (error instanceof AppError ? error.code : String(error))
const refusal = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'done', code)

test('every bad item of a batch is listed by index and field, and none is taken', async () => {
  const { engine, courses, course } = open('bad')
  const items = [
    chunk(1, 'good'),
    { ...chunk(2, 'x'), chunk_id: undefined },
    { ...chunk(3, 'x'), text: 7, order_in_section: -1 },
    'not an object',
    chunk(1, 'again'),
    { ...chunk(6, 'x'), text: undefined },
    { ...chunk(7, 'x'), course_id: 'another' },
    { ...chunk(8, 'x'), note: 'half \ud800' },
  ]
  const error = await courses.putChunks(course, items, false).catch((thrown: unknown) => thrown as AppError)
  expect(error).toMatchObject({ code: 'invalid_request' })
  const listed = ((error as AppError).details as { items: { index: number; field: string }[] }).items.map(({ index, field }) => [
    index,
    field,
  ])
  expect(listed).toEqual([
    [1, 'chunk_id'],
    [2, 'text'],
    [2, 'order_in_section'],
    [3, ''],
    [4, 'chunk_id'],
    [5, 'text'],
    [6, 'course_id'],
    [7, 'note'],
  ])
  expect(await refusal(courses.status(course, signal))).toBe('not_found')
  await engine.close()
})

test('chunks in camelCase are kept under the names of the contract', async () => {
  const { engine, courses, course, settled } = open('camel')
  const item = { chunkId: 'c1', text: '抛物线的顶点', lectureId: 'l1', sectionId: 's1', sourceType: 'slides', orderInSection: 1, myOwn: 2 }
  expect(await courses.putChunks(course, [item], false)).toEqual({ accepted: 1, skipped: 0 })
  await courses.embed(course, { rebuild: false }, signal)
  await settled()
  const [hit] = await courses.search(course, { query: '抛物线', top_k: 5, lecture_id: 'l1' }, signal)
  expect(hit).toMatchObject({ chunk_id: 'c1', metadata: { lecture_id: 'l1', source_type: 'slides', order_in_section: 1, myOwn: 2 } })
  await engine.close()
})

test('vectors equal chunks less those without text, only changed chunks are embedded again, and dropped ones are gone', async () => {
  const { engine, courses, models, course, settled } = open('delta')
  const texts = Array.from({ length: 70 }, (_, at) => chunk(at + 1, `第 ${at + 1} 节讲抛物线的性质`))
  expect(await courses.putChunks(course, [...texts, chunk(71, '  '), chunk(72, null)], false)).toEqual({ accepted: 72, skipped: 2 })
  expect(await refusal(courses.search(course, { query: '抛物线', top_k: 5 }, signal))).toBe('embedding_not_ready')
  expect(await courses.status(course, signal)).toMatchObject({ status: 'not_started', progress: 0, chunks: 72, vectors: 0, skipped: 2 })
  await courses.embed(course, { rebuild: false }, signal)
  expect(await settled()).toEqual({ course_id: 'delta', status: 'done', progress: 1, error: null, chunks: 72, vectors: 70, skipped: 2 })
  expect(models.embedded).toHaveLength(70)
  expect(engine.log.lines.some((line) => line.includes('chunks without text were skipped'))).toBe(true)

  models.embedded.length = 0
  await courses.putChunks(course, [chunk(3, '这一节改讲圆'), chunk(99, '新的一节讲椭圆')], false)
  await courses.embed(course, { rebuild: false }, signal)
  expect(await settled()).toMatchObject({ status: 'done', chunks: 73, vectors: 71 })
  expect(models.embedded.toSorted()).toEqual(['新的一节讲椭圆', '这一节改讲圆'].toSorted())

  models.embedded.length = 0
  await courses.putChunks(course, [chunk(3, '这一节改讲圆', { lecture_id: 'moved' })], false)
  await courses.embed(course, { rebuild: false }, signal)
  await settled()
  expect(models.embedded).toEqual([])
  const [moved] = await courses.search(course, { query: '圆', top_k: 20, lecture_id: 'moved' }, signal)
  expect(moved).toMatchObject({ chunk_id: 'k3', metadata: { lecture_id: 'moved', course_id: 'delta' } })

  await courses.embed(course, { rebuild: true }, signal)
  await settled()
  expect(models.embedded).toHaveLength(71)

  await courses.putChunks(course, [chunk(3, '这一节改讲圆')], true)
  await courses.embed(course, { rebuild: false }, signal)
  expect(await settled()).toMatchObject({ chunks: 1, vectors: 1, skipped: 0 })
  expect((await courses.search(course, { query: '抛物线', top_k: 20 }, signal)).map((hit) => hit.chunk_id)).toEqual(['k3'])
  await engine.close()
})

test('filters hold, results are best first and at most top_k, and two courses never see each other', async () => {
  const { engine, courses, course, settled } = open('filters')
  const other = workspaceId('course-filters-other')
  await courses.putChunks(
    course,
    Array.from({ length: 30 }, (_, at) => chunk(at + 1, `函数 ${at} 的图像`, at === 4 ? { section_id: 9 } : {})),
    false,
  )
  await courses.putChunks(other, [chunk(1, '函数 的图像 另一门课')], false)
  await courses.embed(course, { rebuild: false }, signal)
  await courses.embed(other, { rebuild: false }, signal)
  await settled()
  const hits = await courses.search(course, { query: '函数的图像', top_k: 20, lecture_id: 'l2', source_type: 'slides' }, signal)
  expect(hits.map((hit) => [hit.metadata['lecture_id'], hit.metadata['source_type']])).toEqual(
    Array.from({ length: 5 }, () => ['l2', 'slides']),
  )
  expect(hits.map((hit) => hit.score)).toEqual(hits.map((hit) => hit.score).toSorted((a, b) => b - a))
  expect((await courses.search(course, { query: '函数的图像', top_k: 5, section_id: '9' }, signal)).map((hit) => hit.chunk_id)).toEqual([
    'k5',
  ])
  expect(await courses.search(course, { query: '函数的图像', top_k: 5 }, signal)).toHaveLength(5)
  expect(JSON.stringify(await courses.search(course, { query: '另一门课', top_k: 20 }, signal))).not.toContain('另一门课')
  await engine.close()
})

test('a second call while one is pending or running is already_running, and the old vectors serve meanwhile', async () => {
  const { engine, courses, models, course, settled } = open('lock')
  await courses.putChunks(course, [chunk(1, '老的文字讲三角形')], false)
  await courses.embed(course, { rebuild: false }, signal)
  await settled()
  const opening = Promise.withResolvers<void>()
  await courses.putChunks(course, [chunk(1, '新的文字讲三角形')], false)
  models.gate = opening.promise
  await courses.embed(course, { rebuild: false }, signal)
  const tries = await Promise.all(Array.from({ length: 10 }, () => refusal(courses.embed(course, { rebuild: false }, signal))))
  expect(new Set(tries)).toEqual(new Set(['already_running']))
  const searching = courses.search(course, { query: '三角形', top_k: 1 }, signal)
  opening.resolve()
  expect((await searching)[0]?.text).toMatch(/文字讲三角形/)
  await settled()
  expect((await courses.search(course, { query: '三角形', top_k: 1 }, signal))[0]?.text).toBe('新的文字讲三角形')
  await engine.close()
})

test('a model that stays away fails the embedding with its code, the old vectors stay, and the next try goes on where it stopped', async () => {
  const { engine, courses, models, course, settled } = open('down', { backoffMs: 1 })
  await courses.putChunks(course, [chunk(1, '分数的加法')], false)
  await courses.embed(course, { rebuild: false }, signal)
  await settled()
  models.down = true
  await courses.putChunks(course, [chunk(2, '分数的减法')], false)
  await courses.embed(course, { rebuild: false }, signal)
  const failed = await settled()
  expect(failed.status).toBe('failed')
  expect(failed.error).toMatch(/^embedding_service_unavailable: /)
  expect(await refusal(courses.search(course, { query: '分数', top_k: 5 }, signal))).toBe('embedding_service_unavailable')
  models.down = false
  expect((await courses.search(course, { query: '分数', top_k: 5 }, signal)).map((hit) => hit.chunk_id)).toEqual(['k1'])
  await courses.embed(course, { rebuild: false }, signal)
  expect(await settled()).toMatchObject({ status: 'done', error: null, chunks: 2, vectors: 2 })
  await engine.close()
})

test('a vector that is missing at the end is an error and leaves what was there', async () => {
  const { engine, courses, course, settled } = open('mismatch', { backoffMs: 1 })
  await courses.putChunks(course, [chunk(1, '一'), chunk(2, '二')], false)
  await courses.embed(course, { rebuild: false }, signal)
  await settled()
  // A vector lost behind the service's back: the unchanged chunk is not embedded again, and the count shows it.
  await withScope(database, workspaceScope(course), (tx) =>
    sql`delete from chunk_vectors_1024 where workspace_id = ${course} and id = (select min(chunk_id) from chunks where workspace_id = ${course})`.execute(
      tx,
    ),
  )
  await courses.putChunks(course, [chunk(3, '三')], false)
  await courses.embed(course, { rebuild: false }, signal)
  const failed = await settled()
  expect([failed.status, failed.error?.split(':')[0], failed.vectors]).toEqual(['failed', 'vector_store_error', 1])
  await courses.embed(course, { rebuild: true }, signal)
  expect(await settled()).toMatchObject({ status: 'done', chunks: 3, vectors: 3 })
  await engine.close()
})

test('deleting a course leaves nothing of it and ends its running job without a trace', async () => {
  const { engine, courses, models, course } = open('gone')
  const opening = Promise.withResolvers<void>()
  models.gate = opening.promise
  await courses.putChunks(course, [chunk(1, '要删除的课')], false)
  await courses.embed(course, { rebuild: false }, signal)
  while (!engine.worker.busy) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await courses.remove(course)).toEqual({ course_id: 'gone', deleted: true })
  opening.resolve()
  while (engine.worker.busy) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(await refusal(courses.status(course, signal))).toBe('not_found')
  expect(await refusal(courses.remove(course))).toBe('not_found')
  expect(await refusal(courses.embed(course, { rebuild: false }, signal))).toBe('not_found')
  const left = await withScope(database, workspaceScope(course), (tx) =>
    sql<{
      n: number
    }>`select (select count(*) from chunks)::int + (select count(*) from chunk_vectors_1024)::int + (select count(*) from course_chunks)::int as n`.execute(
      tx,
    ),
  )
  expect(left.rows).toEqual([{ n: 0 }])
  await engine.close()
})

/** Three ways in which a stage-one API may page, over one list. */
const PAGERS: Record<string, (all: unknown[], query: URLSearchParams) => unknown> = {
  offset: (all, query) => all.slice(Number(query.get('offset')), Number(query.get('offset')) + Number(query.get('limit'))),
  cursor: (all, query) => {
    const from = Number(query.get('cursor') ?? 0)
    return { chunks: all.slice(from, from + 50), next_cursor: from + 50 < all.length ? String(from + 50) : null }
  },
  total: (all, query) => ({ data: { items: all.slice(Number(query.get('offset')), Number(query.get('offset')) + 80), total: all.length } }),
  deaf: (all) => all,
}

let stageOne: Server | undefined
afterAll(() => new Promise((resolve) => (stageOne === undefined ? resolve(undefined) : stageOne.close(resolve))))

test('chunks are pulled from the stage-one API however it pages, and what it no longer names is dropped', async () => {
  const all = Array.from({ length: 620 }, (_, at) => chunk(at + 1, at === 0 ? null : `拉取的第 ${at} 块`))
  let known = true
  stageOne = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://localhost')
    const pager = PAGERS[/^\/courses\/pull-(\w+)\/chunks$/.exec(url.pathname)?.[1] ?? '']
    response.writeHead(known && pager !== undefined ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(pager?.(all, url.searchParams) ?? {}))
  })
  await new Promise<void>((resolve) => stageOne?.listen(0, '127.0.0.1', resolve))
  const courseChunksUrl = `http://127.0.0.1:${(stageOne.address() as AddressInfo).port}/`
  for (const pager of Object.keys(PAGERS)) {
    const { engine, courses, course, settled } = open(`pull-${pager}`, { courseChunksUrl })
    expect(await courses.status(course, signal)).toMatchObject({ status: 'not_started', progress: 0, chunks: 0 })
    await courses.embed(course, { rebuild: false }, signal)
    expect([pager, await settled()]).toMatchObject([pager, { status: 'done', error: null, chunks: 620, vectors: 619, skipped: 1 }])
    await engine.close()
  }
  const { engine, courses, course, settled } = open('pull-offset', { courseChunksUrl })
  all.length = 2
  await courses.embed(course, { rebuild: false }, signal)
  expect(await settled()).toMatchObject({ status: 'done', chunks: 2, vectors: 1 })
  all.push({ chunk_id: 'bad' })
  await courses.embed(course, { rebuild: false }, signal)
  const refused = await settled()
  expect([refused.status, refused.chunks]).toEqual(['failed', 2])
  expect(refused.error).toMatch(/^invalid_request: .*item 2/)
  known = false
  expect(await refusal(courses.embed(workspaceId('course-nobody'), { rebuild: false }, signal))).toBe('not_found')
  expect(await refusal(courses.status(workspaceId('course-nobody'), signal))).toBe('not_found')
  await engine.close()
})
