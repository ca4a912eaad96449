// What a new user does first, against the service as it is started: upload a Chinese PDF, find it in every mode, see the page, delete it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort, type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'

const QUESTION = '二次函数的图像是抛物线，判别式决定什么？'
const PAGE = 1

let place: ServicePlace
let service: Service

beforeAll(async () => {
  place = await servicePlace({ bare: true })
  service = await startService(place)
}, 120_000)

afterAll(async () => {
  await service.stop()
  await place.clear()
})

async function upload(name: string, fileId: string): Promise<Record<string, unknown>> {
  const form = new FormData()
  form.append('file', new Blob([await readFile(`fixtures/documents/${name}`)]), name)
  form.append('fileId', fileId)
  const accepted = await service.call('POST', '/api/documents', form)
  expect(accepted.status).toBe(202)
  for (;;) {
    const { json } = await service.call('GET', `/api/documents/${fileId}`)
    if (json['parseStatus'] === 'completed' || json['parseStatus'] === 'failed') return json
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

type Result = { fileId: string; source: string; page: number | null; score: number; content: string; workspace: string }
const search = async (body: Record<string, unknown>): Promise<{ results: Result[]; entities: unknown[]; relations: unknown[] }> =>
  (await service.call('POST', '/api/search', body)).json as never

const MODES = ['auto', 'naive', 'local', 'global', 'hybrid', 'mix', 'lexical'] as const

test('a Chinese PDF is found by words of its own in every mode, with its page, and is gone when it is deleted', async () => {
  const document = await upload('chinese.pdf', 'file-zh')
  expect(document).toMatchObject({ parseStatus: 'completed', workspace: 'teacher-dev', fileName: 'chinese.pdf' })
  expect(document['entityCount']).toBeGreaterThan(0)
  for (const mode of MODES) {
    const { results } = await search({ query: QUESTION, mode, includePublic: false })
    expect(results[0], mode).toMatchObject({ fileId: 'file-zh', source: 'user/chinese.pdf', workspace: 'teacher-dev' })
    expect(results[0]?.page, mode).toBe(PAGE)
    for (const result of results) expect(result.score).toBeLessThanOrEqual(1)
  }
  const answer = await service.call('POST', '/api/query', { query: QUESTION, includePublic: false })
  expect(answer.json['answer']).toMatch(/\[1\]/)
  expect((answer.json['references'] as { page: number }[])[0]?.page).toBe(PAGE)
  expect((await service.call('DELETE', '/api/documents/file-zh')).json).toEqual({ fileId: 'file-zh', deleted: true })
  for (const mode of MODES) {
    const found = await search({ query: QUESTION, mode, includePublic: false })
    expect([found.results, found.entities, found.relations], mode).toEqual([[], [], []])
  }
  expect((await service.call('DELETE', '/api/documents/file-zh')).status).toBe(404)
})

test('public knowledge is found beside one’s own, and nobody without rights writes it', async () => {
  const { results } = await search({ query: '二次函數的頂點', topK: 5 })
  expect(results.some((result) => result.workspace === 'public')).toBe(true)
  const workspaces = await service.call('GET', '/api/workspaces')
  expect((workspaces.json['workspaces'] as { workspace: string }[]).map((one) => one.workspace)).toContain('public')
})

test('a restart keeps what was published, and the process ends in order within ten seconds', { timeout: 120_000 }, async () => {
  await upload('lesson.md', 'kept')
  const started = performance.now()
  expect(await service.stop()).toBe(0)
  expect(performance.now() - started).toBeLessThan(10_000)
  service = await startService(place)
  const { json } = await service.call('GET', '/api/documents/kept')
  expect(json['parseStatus']).toBe('completed')
  expect(service.log()).not.toMatch(/"level":50/)
})

test.each([
  ['npm start', 'npm', ['start', '--silent']],
  ['insight-rag serve', process.execPath, ['bin/insight-rag.js', 'serve']],
])(
  '%s passes a signal on, also to a service that is still starting, and ends with 0',
  { timeout: 120_000 },
  async (_what, command, args) => {
    const empty = await servicePlace()
    const port = await freePort()
    const outer = spawn(command, args, { env: { ...process.env, ...empty.env, PORT: String(port) }, stdio: 'pipe' })
    const written: Buffer[] = []
    outer.stdout.on('data', (part: Buffer) => written.push(part))
    outer.stderr.on('data', (part: Buffer) => written.push(part))
    const isAlive = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        () => true,
        () => false,
      )
    // It answers before the first seeding is queued and work begins.
    while (!(await isAlive())) await new Promise((resolve) => setTimeout(resolve, 20))
    outer.kill('SIGTERM')
    expect(await once(outer, 'exit')).toEqual([0, null])
    expect(Buffer.concat(written).toString()).not.toMatch(/"level":50|internal_error/)
    expect(await isAlive()).toBe(false)
    await empty.clear()
  },
)

test('a score sheet picture is read once into typed rows, and nothing of it is stored', async () => {
  const form = new FormData()
  form.append('file', new Blob([await readFile('fixtures/documents/score-sheet.png')]), 'scores.png')
  const before = await service.call('GET', '/api/documents')
  const { status, json } = await service.call('POST', '/api/images/analyze', form)
  expect(status).toBe(200)
  expect(json).toMatchObject({ engine: 'ocr', checks: [] })
  expect((json['rows'] as unknown[])[0]).toEqual({ 学号: '101', 姓名: '陈大文', 语文: 86, 数学: 92 })
  expect((await service.call('GET', '/api/documents')).json).toEqual(before.json)
  expect((await service.call('POST', '/api/images/analyze', {})).status).toBe(400)
})
