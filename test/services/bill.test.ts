// What models are paid for: the whole pipe in against the local protocol server, with its calls and tokens counted, and the estimate before.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { workspaceId } from '../../src/core/workspace.ts'
import { type CreatedModels, createModels } from '../../src/models/create.ts'
import type { UsageRecord } from '../../src/models/flow.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { type Estimate, estimateFile, estimateUpload, type RoleEstimate } from '../../src/services/estimate.ts'
import * as ledger from '../../src/store/ledger.ts'
import { HAPPENINGS, type Happening } from '../../src/services/steps.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import { type ModelServer, startModelServer } from '../support/model-server.ts'

let database: Database
let server: ModelServer
let models: CreatedModels
let engine: TestEngine
const records: UsageRecord[] = []
const { signal } = new AbortController()
const workspace = workspaceId('teacher-bill')

beforeAll(async () => {
  database = await openTestDatabase()
  server = await startModelServer()
  models = createModels(
    {
      llm: { baseUrl: server.url, apiKey: 'k', model: 'qwen-plus' },
      embedding: { baseUrl: server.url, apiKey: 'k', model: 'text-embedding-v4' },
      summaries: 'none',
    },
    { onUsage: (record) => records.push(record) },
  )
  engine = startTestEngine(database, { models })
})
afterAll(async () => {
  await engine.close()
  await models.close()
  await server.close()
})
beforeEach(() => {
  records.length = 0
  server.requests.length = 0
})

const NUMBERS = '一二三四五六七八九十'
const paragraph = (n: number): string =>
  `「${NUMBERS[n % 10]}${NUMBERS[Math.floor(n / 10) % 10]}號函數」說明「圖像${n}」與「對稱軸${n}」的關係。${'它的圖像可以平移、伸縮，也可以由頂點式讀出最值。'.repeat(12)}`
const lesson = (paragraphs: readonly string[]): string => `# 二次函數\n\n${paragraphs.join('\n\n')}\n`
const PARAGRAPHS = Array.from({ length: 24 }, (_unused, n) => paragraph(n))

const calls = (role: string): number => records.filter((record) => record.role === role).length
const extracted = (): number =>
  server.requests
    .filter(({ route }) => route === 'chat')
    .reduce((sum, { body }) => sum + (JSON.stringify(body['messages']).match(/<chunk id=/g)?.length ?? 0), 0)

test('at most one extraction call for two chunks; sent again nothing is paid; one changed paragraph pays for at most two chunks', async () => {
  const first = await engine.ingest(workspace, 'lesson', lesson(PARAGRAPHS), 'lesson.md')
  expect(first.chunkCount).toBeGreaterThanOrEqual(10)
  expect(extracted()).toBe(first.chunkCount)
  expect(calls('extract')).toBeLessThanOrEqual(first.chunkCount * 0.5)
  expect(calls('extract')).toBe(server.requests.filter(({ route }) => route === 'chat').length)
  expect(server.requests.every(({ route, body }) => route !== 'embeddings' || (body['input'] as string[]).length <= 10)).toBe(true)

  records.length = 0
  server.requests.length = 0
  await engine.ingest(workspace, 'lesson', lesson(PARAGRAPHS), 'lesson.md')
  expect(server.requests).toEqual([])

  const changed = PARAGRAPHS.with(11, `${paragraph(11)}另外補充一句。`)
  await engine.ingest(workspace, 'lesson', lesson(changed), 'lesson.md')
  expect(extracted()).toBeGreaterThan(0)
  expect(extracted()).toBeLessThanOrEqual(2)

  server.requests.length = 0
  await engine.ingest(workspace, 'copy', lesson(changed), 'copy.md')
  expect(extracted()).toBe(0)
})

const estimate = (text: string, made: CreatedModels): Promise<Estimate> => {
  const { extractor, embedding, vision } = made
  const price = (model: string, usage: UsageRecord['usage']): number | undefined => made.price(model, usage)
  const deps = { parser: engine.deps.parser, extractor, embedding, vision, price, chunkMaxTokens: 512 }
  return estimateFile(deps, { name: 'lesson.md', bytes: Buffer.from(text) }, signal)
}

test('a glossary, contents and references are not paid for; what the glossary says is in the graph, with its row as evidence', async () => {
  const home = workspaceId('teacher-bill-glossary')
  const row = (n: number): string =>
    `| 術語${NUMBERS[n % 10]}${NUMBERS[Math.floor(n / 10)]} | term ${n} | 第${n}個概念的說明，用來描述它的意思和用法。 |`
  const glossary = ['| 術語 | English | 定義 |', '| --- | --- | --- |', ...Array.from({ length: 40 }, (_unused, n) => row(n))].join('\n')
  const references = Array.from({ length: 24 }, (_unused, n) => `${n + 1}. 作者. 數學史第${n}卷. 香港, ${1950 + n}.`).join('\n')
  const text = `${lesson(PARAGRAPHS.slice(0, 4))}\n# 詞彙表\n\n${glossary}\n\n# 參考文獻\n\n${references}\n`
  const before = await estimate(text, models)
  const explained: Record<string, number> = {}
  const listen = (message: unknown): void => {
    const happening = message as Happening
    if (happening.kind === 'explained') explained[happening.by] = (explained[happening.by] ?? 0) + happening.chunks
  }
  HAPPENINGS.subscribe(listen)
  const view = await engine.ingest(home, 'book', text, 'book.md')
  HAPPENINGS.unsubscribe(listen)
  expect(explained).toEqual({ glossary: expect.any(Number) as number, references: expect.any(Number) as number })
  const free = Object.values(explained).reduce((sum, chunks) => sum + chunks, 0)
  expect(free).toBeGreaterThanOrEqual(4)
  expect(before).toMatchObject({ chunks: view.chunkCount, stated: free })
  expect(extracted()).toBe(view.chunkCount - free)
  expect(JSON.stringify(server.requests.filter(({ route }) => route === 'chat'))).not.toMatch(/term 3|數學史/)
  const mentions = await sql<{ name: string; alias: string; quote: string; rank: number }>`
    select m.name, a.alias_name as alias, m.quote, m.rank from entity_mentions m
    join alias_mentions a on (a.workspace_id, a.chunk_id, a.key) = (m.workspace_id, m.chunk_id, m.key)
    where m.workspace_id = ${home} order by m.name limit 1`.execute(database.db)
  expect(mentions.rows[0]).toMatchObject({
    name: '術語一一',
    alias: 'term 0',
    quote: expect.stringMatching(/^術語一一 \| term 0 \| /) as string,
    rank: 0,
  })

  server.requests.length = 0
  await engine.ingest(home, 'book', text, 'book.md')
  expect(server.requests).toEqual([])
})

test('what a document cost is told of documents of the workspace alone', async () => {
  const costs = workspaceId('teacher-bill-3')
  await engine.ingest(costs, 'lesson', lesson(PARAGRAPHS.slice(0, 2)), 'lesson.md')
  expect(await engine.documents.use(costs, 'lesson')).toEqual({ use: [] })
  await expect(engine.documents.use(workspaceId('teacher-bill-4'), 'lesson')).rejects.toMatchObject({ code: 'not_found' })
})

test('the ledger’s cost is the tokens the server counted at the catalogue’s prices', async () => {
  await engine.ingest(workspaceId('teacher-bill-2'), 'lesson', lesson(PARAGRAPHS.slice(0, 4)), 'lesson.md')
  const sum = (role: string, field: 'inputTokens' | 'cachedTokens' | 'outputTokens'): number =>
    records.filter((record) => record.role === role).reduce((all, record) => all + record.usage[field], 0)
  const [input, cached, output] = [sum('extract', 'inputTokens'), sum('extract', 'cachedTokens'), sum('extract', 'outputTokens')]
  const cost = records
    .filter(({ role }) => role === 'extract')
    .reduce((all, { usage }) => all + (models.price('qwen-plus', usage) ?? Number.NaN), 0)
  expect(cost).toBeCloseTo(((input - cached) * 0.0008 + cached * 0.00016 + output * 0.002) / 1000, 9)
  expect(models.price('text-embedding-v4', { inputTokens: sum('embed', 'inputTokens'), cachedTokens: 0, outputTokens: 0 })).toBeGreaterThan(
    0,
  )
})

test('the estimate before a run calls nothing, names the calls of the run, and is not below its input', async () => {
  const fresh = PARAGRAPHS.map((text) => text.replaceAll('圖像', '圖象'))
  const before = await estimate(lesson(fresh), models)
  expect(server.requests).toEqual([])
  const view = await engine.ingest(workspaceId('teacher-bill-3'), 'lesson', lesson(fresh), 'lesson.md')
  const extract = before.roles.find(({ role }) => role === 'extract')
  const embed = before.roles.find(({ role }) => role === 'embed')
  expect(before).toMatchObject({ file: 'lesson.md', chunks: view.chunkCount, stated: 0 })
  expect(extract).toMatchObject({ model: 'qwen-plus', calls: calls('extract') })
  expect(embed).toMatchObject({ model: 'text-embedding-v4', outputTokens: 0 })
  expect(before.costCny).toBeCloseTo((extract?.costCny ?? Number.NaN) + (embed?.costCny ?? Number.NaN), 9)
  const texts = lesson(fresh).length
  expect(extract?.inputTokens).toBeGreaterThan(texts * 0.5)
  expect(embed?.inputTokens).toBeGreaterThan(texts * 0.5)
})

test('what is free costs nothing, and a model without a price makes the whole unknown rather than cheap', async () => {
  const free = createModels({})
  expect(await estimate(lesson(PARAGRAPHS.slice(0, 3)), free)).toMatchObject({ roles: [], costCny: 0 })
  const unknown = createModels({ llm: { baseUrl: server.url, apiKey: 'k', model: 'our-own' }, embedding: { provider: 'builtin' } })
  expect(await estimate(lesson(PARAGRAPHS.slice(0, 3)), unknown)).toMatchObject({
    roles: [{ role: 'extract', costCny: null }],
    costCny: null,
  })
})

test('no call of the whole pipe is lost to the ledger', async () => {
  await engine.ingest(workspaceId('teacher-bill-4'), 'lesson', lesson(PARAGRAPHS.slice(4, 9)), 'lesson.md')
  expect(records).toHaveLength(server.requests.length)
  const known = await sql<{
    spaces: number
  }>`select count(*)::int as spaces from embedding_spaces where model = 'openai/text-embedding-v4'`.execute(database.db)
  expect(known.rows[0]?.spaces).toBe(1)
})

/** By a process of its own, which finds the ledger on a server that is there and no server otherwise. */
async function estimateByCommand(home: string, bytes: Buffer): Promise<{ extract: RoleEstimate | undefined; err: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'insight-estimate-'))
  await writeFile(join(folder, 'lesson.md'), bytes)
  const url = new URL(process.env['DATABASE_URL'] ?? 'postgres://127.0.0.1:1/none')
  if (process.env['DATABASE_URL'] !== undefined) {
    const named = await sql<{ name: string }>`select current_database() as name`.execute(database.db)
    url.pathname = `/${named.rows[0]?.name}`
  }
  const settings = { DATABASE_URL: url.href, SECRETS_KEY: 'a key for tests that is long enough', LLM_BASE_URL: server.url }
  const env = { ...process.env, ...settings, LLM_API_KEY: 'k', LLM_MODEL: 'qwen-plus' }
  const words = ['src/cli.ts', 'estimate', '--json', '-w', home, join(folder, 'lesson.md')]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, words, { env }).finally(() => void rm(folder, { recursive: true }))
  const { files } = JSON.parse(stdout) as { files: Estimate[] }
  return { extract: files[0]?.roles.find(({ role }) => role === 'extract'), err: stderr }
}

test(
  'an upload is estimated from what the model wrote before: here, else anywhere, else by an assumption; nothing is called or stored',
  { timeout: 120_000 },
  async () => {
    const home = workspaceId('teacher-bill-estimate')
    const deps = { ...engine.deps, price: (model: string, usage: UsageRecord['usage']) => models.price(model, usage) }
    const file = { fileName: 'lesson.md', bytes: Buffer.from(lesson(PARAGRAPHS)), options: DEFAULT_PARSE_OPTIONS }
    const extractIn = async () => (await estimateUpload(deps, home, file, signal)).roles.find(({ role }) => role === 'extract')
    const remember = (workspace_id: string, output_tokens: number, file_id: string | null = 'file'): Promise<void> => {
      const call = { file_id, job_id: null, role: 'extract', model: 'qwen-plus', cached_tokens: 0, ms: 1, ok: true }
      return ledger.record(
        database.db,
        Array.from({ length: 10 }, () => ({ ...call, workspace_id, input_tokens: 1000, output_tokens })),
      )
    }
    const assumed = await extractIn()
    expect(assumed).toMatchObject({ outputFrom: 'assumption', calls: expect.any(Number) as number })
    // What is asked at each start belongs to no document.
    await remember(home, 1, null)
    expect(await extractIn()).toEqual(assumed)
    await remember('teacher-bill-other', 1500)
    expect(await extractIn()).toEqual({
      ...assumed,
      outputFrom: 'service',
      outputTokens: Math.ceil((assumed?.inputTokens ?? 0) * 1.5),
      costCny: expect.any(Number) as number,
    })
    await remember(home, 4000)
    const known = await extractIn()
    const typed = await estimateByCommand(home, file.bytes)
    expect([typed.extract?.outputFrom, typed.err]).toEqual(
      process.env['DATABASE_URL'] === undefined
        ? ['assumption', expect.stringContaining('output is assumed')]
        : ['workspace', expect.not.stringContaining('output is assumed')],
    )
    expect(known).toMatchObject({ outputFrom: 'workspace', outputTokens: (assumed?.inputTokens ?? 0) * 4 })
    expect(known?.costCny).toBeCloseTo(((known?.inputTokens ?? 0) * 0.0008 + (known?.outputTokens ?? 0) * 0.002) / 1000, 9)
    expect(server.requests).toEqual([])
    await expect(engine.documents.list(home, { limit: 10 })).resolves.toMatchObject({ documents: [] })
    await expect(estimateUpload(deps, home, { ...file, bytes: new Uint8Array() }, signal)).rejects.toMatchObject({
      code: 'invalid_request',
    })
    const small = { ...deps, limits: { ...deps.limits, uploadMaxBytes: file.bytes.length - 1 } }
    await expect(estimateUpload(small, home, file, signal)).rejects.toMatchObject({ code: 'payload_too_large' })
  },
)
