import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODES } from '../../../src/core/modes.ts'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../../src/core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../../src/ports/parser.ts'
import type { Metadata, Retrieval, SearchRequest, SearchResponse } from '../../../src/services/api.ts'
import { createRetrieval } from '../../../src/services/retrieve/retrieval.ts'
import { openTestDatabase } from '../../support/database.ts'
import { startTestEngine, type TestEngine } from '../../support/engine.ts'
import { searchRequest } from '../../support/requests.ts'

const teacher = workspaceId('teacher-001')
const shared = workspaceId('public')
const scope = workspaceScope(teacher, shared)
const { signal } = new AbortController()

let engine: TestEngine
let retrieval: Retrieval

async function ingest(workspace: WorkspaceId, fileId: string, text: string, collection: string, metadata: Metadata): Promise<void> {
  await engine.documents.upload(
    workspace,
    { fileName: `${fileId}.txt`, bytes: Buffer.from(text), fileId, collection, metadata, options: DEFAULT_PARSE_OPTIONS },
    undefined,
  )
  expect((await engine.settled(workspace, fileId)).parseStatus).toBe('completed')
}

beforeAll(async () => {
  const database = await openTestDatabase()
  engine = startTestEngine(database)
  retrieval = createRetrieval({ database, models: engine.deps.models })
  const material = (note: string): string => `[导数|concept|${note}] 导数描述变化率，${note}。[导数 -used_in-> ${note}]`
  await ingest(teacher, 'f1', material('甲级笔记'), 'notes', {
    year: 2024,
    topics: ['calculus', 'limits'],
    reviewed: true,
    at: 1_727_740_800_123_456,
  })
  await ingest(teacher, 'f2', material('乙级笔记'), 'notes', { year: '2025', topics: ['calculus'], reviewed: false })
  await ingest(teacher, 'f3', material('丙级试卷'), 'papers', { year: 2024, topics: 'algebra' })
  await ingest(shared, 'p1', material('公共大纲'), 'notes', { year: 2024 })
})
afterAll(() => engine.close())

const search = (request: Partial<SearchRequest>): Promise<SearchResponse> =>
  retrieval.search(scope, searchRequest({ query: '导数', ...request }), signal)
const files = (found: SearchResponse): string[] => found.results.map((result) => result.fileId).toSorted()

const searching = MODES.filter((mode) => mode !== 'bypass')

describe.each(searching)('%s', (mode) => {
  it.each<[string, Partial<SearchRequest>, string[]]>([
    ['no filter', {}, ['f1', 'f2', 'f3', 'p1']],
    ['a collection', { collections: ['papers'] }, ['f3']],
    ['one of several collections', { collections: ['papers', 'notes'] }, ['f1', 'f2', 'f3', 'p1']],
    ['a number', { filters: { year: 2024 } }, ['f1', 'f3', 'p1']],
    ['a number that the metadata holds as text', { filters: { year: 2025 } }, ['f2']],
    ['text that the metadata holds as a number', { filters: { year: '2024' } }, ['f1', 'f3', 'p1']],
    ['one of several values', { filters: { year: [2024, 2025] } }, ['f1', 'f2', 'f3', 'p1']],
    ['an element of a list', { filters: { topics: 'limits' } }, ['f1']],
    ['a value that is no list', { filters: { topics: 'algebra' } }, ['f3']],
    ['a truth value', { filters: { reviewed: true } }, ['f1']],
    ['two keys at once', { filters: { year: 2024, topics: 'calculus' } }, ['f1']],
    ['a filter and a collection at once', { collections: ['notes'], filters: { year: 2024 } }, ['f1', 'p1']],
    ['a document', { fileIds: ['f2', 'p1'] }, ['f2', 'p1']],
    ['a lower bound, also of numbers held as text', { filters: { year: { gte: 2025 } } }, ['f2']],
    [
      'a bound of sixteen digits to the last of them',
      { filters: { at: { gte: 1_727_740_800_123_456, lt: 1_727_740_800_123_457 } } },
      ['f1'],
    ],
    ['a bound beyond every number', { filters: { year: { lt: 1e300, gt: -1e300 } } }, ['f1', 'f2', 'f3', 'p1']],
    ['an open range', { filters: { year: { gt: 2023.5, lt: 2025 } } }, ['f1', 'f3', 'p1']],
    ['an empty range', { filters: { year: { gt: 2024, lt: 2025 } } }, []],
    ['a range of texts', { filters: { topics: { gte: 'b', lte: 'calculus' } } }, ['f1', 'f2']],
    ['no number where only texts are', { filters: { topics: { gte: 0 } } }, []],
    ['part of a value, whatever its case', { filters: { topics: { contains: 'CALC' } } }, ['f1', 'f2']],
    ['no pattern', { filters: { topics: { contains: '%' } } }, []],
    ['several conditions on the same element', { filters: { topics: { in: ['calculus', 'limits'], contains: 'lim' } } }, ['f1']],
    ['a key that nothing has', { filters: { absent: 'x' } }, []],
    ['a bound on a key that nothing has', { filters: { absent: { gte: 0 } } }, []],
  ])('finds exactly what matches %s', async (_what, request, expected) => {
    expect(files(await search({ mode, ...request }))).toEqual(expected)
  })
})

describe('documents of the same id in two workspaces', () => {
  const [old, recent] = [workspaceId('teacher-old'), workspaceId('teacher-recent')]

  beforeAll(async () => {
    const text = '[导数|concept|变化率] 导数描述变化率。[导数 -used_in-> 极限]'
    await ingest(old, 'same', text, 'notes', { year: 1999 })
    await ingest(recent, 'same', text, 'notes', { year: 2024 })
  })

  it.each(searching)('%s finds the one that matches, and not the other by its id', async (mode) => {
    const request = searchRequest({ query: '导数', mode, filters: { year: 2024 } })
    const found = await retrieval.search(workspaceScope(old, recent), request, signal)
    expect(found.results.map((result) => result.workspace)).toEqual([recent])
    expect(JSON.stringify([found.entities, found.relations])).not.toContain(old)
  })
})

describe('the graph under a filter', () => {
  it.each(['local', 'global', 'hybrid', 'auto'] as const)('%s shows no entity and no relation without a matching chunk', async (mode) => {
    const found = await search({ mode, collections: ['papers'] })
    expect(found.entities.map((entity) => entity.name)).toContain('导数')
    const shown = JSON.stringify([found.entities, found.relations])
    expect(shown).toContain('丙级试卷')
    expect(shown).not.toMatch(/甲级|乙级|公共/)
  })

  it('describes an entity only by matching chunks, and lists only those', async () => {
    const all = await search({ mode: 'local' })
    const own = all.entities.find((entity) => entity.name === '导数' && entity.workspace === teacher)
    expect(own?.description).toMatch(/甲级笔记[\s\S]*乙级笔记|乙级笔记[\s\S]*甲级笔记/)
    expect(own?.chunkIds).toHaveLength(3)
    const some = await search({ mode: 'local', filters: { year: 2025 } })
    const filtered = some.entities.find((entity) => entity.name === '导数')
    expect(filtered?.description).toBe('乙级笔记')
    expect(filtered?.chunkIds).toHaveLength(1)
  })

  it('finds nothing for a key that nothing has', async () => {
    const found = await search({ mode: 'hybrid', filters: { absent: 1 } })
    expect([found.results, found.entities, found.relations]).toEqual([[], [], []])
  })
})
