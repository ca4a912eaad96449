// One question to several workspaces at once: one list on one scale, each weighed by its own statistics only.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODES, type Mode } from '../../../src/core/modes.ts'
import { workspaceId, type WorkspaceId, workspaceScope } from '../../../src/core/workspace.ts'
import type { Retrieval, SearchResponse } from '../../../src/services/api.ts'
import { createRetrieval } from '../../../src/services/retrieve/retrieval.ts'
import { openTestDatabase } from '../../support/database.ts'
import { startTestEngine, type TestEngine } from '../../support/engine.ts'
import { searchRequest } from '../../support/requests.ts'

const [one, two, three, four, outside] = ['one', 'two', 'three', 'four', 'outside'].map((name) => workspaceId(`teacher-${name}`)) as [
  WorkspaceId,
  WorkspaceId,
  WorkspaceId,
  WorkspaceId,
  WorkspaceId,
]
const nobody = workspaceId('teacher-nobody')
const all = workspaceScope(one, two, three, four, nobody)
const { signal } = new AbortController()

let engine: TestEngine
let retrieval: Retrieval

/** The same in every workspace; what else is there differs. */
const SAME = '[椭圆|concept|平面曲线] 椭圆有两个焦点，离心率小于一。[椭圆 -有-> 焦点]'

beforeAll(async () => {
  const database = await openTestDatabase()
  engine = startTestEngine(database)
  retrieval = createRetrieval({ database, models: engine.deps.models })
  for (const workspace of [one, two, three, four, outside]) {
    await engine.ingest(workspace, 'same', SAME, '椭圆.txt')
    await engine.ingest(workspace, 'own', `双曲线在${workspace}里也有两个焦点。`)
  }
  // In this one everything is about ellipses, so that the word says little there.
  for (const number of [1, 2, 3, 4, 5, 6]) await engine.ingest(four, `more${number}`, `椭圆的第${number}条笔记。`)
})
afterAll(() => engine.close())

const search = (scope: readonly [WorkspaceId, ...WorkspaceId[]], mode: Mode, query = '椭圆的焦点'): Promise<SearchResponse> =>
  retrieval.search(workspaceScope(...scope), searchRequest({ query, mode, topK: 50, chunkTopK: 50 }), signal)

const nameOf = ({ workspace, fileId }: { workspace: string; fileId: string }): string => `${workspace} ${fileId}`
const scores = (found: SearchResponse): Map<string, number> => new Map(found.results.map((result) => [nameOf(result), result.score]))
const searching = MODES.filter((mode) => mode !== 'bypass')

it.each(searching)('%s finds what each of four workspaces has, best first, and nothing of a fifth', async (mode) => {
  const found = await search(all, mode)
  expect(new Set(found.results.map((result) => result.workspace))).toEqual(new Set([one, two, three, four]))
  expect(JSON.stringify(found)).not.toContain(outside)
  expect(found.results.map((result) => result.score)).toEqual(found.results.map((result) => result.score).toSorted((a, b) => b - a))
})

it.each(['local', 'global', 'auto'] as const)('%s keeps what is called the same in several workspaces apart', async (mode) => {
  const found = await search(all, mode, '椭圆')
  const named = found.entities.filter((entity) => entity.name === '椭圆').map((entity) => entity.workspace)
  expect(named.toSorted()).toEqual([one, two, three, four].toSorted())
})

it.each(['naive', 'lexical'] as const)('%s scores a chunk in company as it does alone', async (mode) => {
  const together = scores(await search(all, mode))
  for (const workspace of [one, two, three, four]) {
    const alone = scores(await search([workspace], mode))
    expect(alone.size).toBeGreaterThan(0)
    for (const [name, score] of alone) expect(together.get(name)).toBeCloseTo(score, 12)
  }
})

it('naive gives the same text the same score wherever it stands', async () => {
  const together = scores(await search(all, 'naive'))
  const same = [one, two, three, four].map((workspace) => together.get(`${workspace} same`) ?? -1)
  expect(new Set(same).size).toBe(1)
  expect(same[0]).toBeGreaterThan(0)
})

it('a word that is common in one workspace weighs less there and nowhere else', async () => {
  const together = scores(await search(all, 'lexical', '椭圆'))
  const score = (workspace: WorkspaceId): number => together.get(`${workspace} same`) ?? -1
  expect(score(one)).toBe(score(two))
  expect(score(four)).toBeLessThan(score(one))
})

it.each(searching)('%s shows nothing of what is published beside its scope, not even in a score', async (mode) => {
  const scope = [one, two, three] as const
  const before = await search(scope, mode, '焦点')
  await engine.ingest(outside, `another-${mode}`, '焦点焦点焦点。[焦点|concept|另一个]')
  const fresh = createRetrieval({ database: engine.deps.database, models: engine.deps.models })
  const after = await fresh.search(workspaceScope(...scope), searchRequest({ query: '焦点', mode, topK: 50, chunkTopK: 50 }), signal)
  expect({ ...after, timings: before.timings }).toEqual(before)
})

describe('a thing called otherwise elsewhere', () => {
  const [glossary, plain, drawn, foreign] = ['glossary', 'plain', 'drawn', 'foreign'].map((name) => workspaceId(`teacher-${name}`)) as [
    WorkspaceId,
    WorkspaceId,
    WorkspaceId,
    WorkspaceId,
  ]
  const ask = async (scope: readonly [WorkspaceId, ...WorkspaceId[]], more = {}): Promise<SearchResponse> =>
    retrieval.search(workspaceScope(...scope), searchRequest({ query: '光合作用是什么', mode: 'auto', explain: true, ...more }), signal)
  const usedIn = ({ results }: SearchResponse, workspace: WorkspaceId): unknown =>
    results.find((result) => result.workspace === workspace)?.explain?.['lexical']?.aliases

  beforeAll(async () => {
    await engine.ingest(glossary, 'words', '[光合作用 = photosynthesis] 光合作用的英文。')
    await engine.ingest(foreign, 'words', '[光合作用 = sugar making] 光合作用的俗名。')
    await engine.ingest(plain, 'leaf', 'Photosynthesis stores the light of the sun in sugar.')
    await engine.ingest(plain, 'kitchen', 'Sugar making needs no sun.')
    await engine.ingest(drawn, 'leaf', '[photosynthesis|concept|how leaves feed] Leaves feed by light.')
  })

  it('is found where one workspace of the scope tells the name, and explain says who told it', async () => {
    const found = await ask([glossary, plain])
    const result = found.results.find((one) => one.workspace === plain && one.fileId === 'leaf')
    expect(result?.explain?.['lexical']?.aliases).toEqual([{ asked: '光合作用', name: 'photosynthesis', workspace: glossary }])
    expect(result?.score).toBeGreaterThan(found.results.find((one) => one.fileId === 'kitchen')?.score ?? 0)
    expect(usedIn(found, glossary)).toBeUndefined()
  })

  it('takes no name from outside the scope, nor from a document that the filter leaves out', async () => {
    for (const found of [await ask([plain]), await ask([glossary, plain], { fileIds: ['leaf'] })])
      expect(usedIn(found, plain)).toBeUndefined()
    const both = workspaceId('teacher-both')
    await engine.ingest(both, 'words', '[光合作用 = photosynthesis] 光合作用的英文。')
    await engine.ingest(both, 'leaf', '[photosynthesis|concept|how leaves feed] Photosynthesis feeds leaves.')
    expect(usedIn(await ask([both]), both)).toBeUndefined()
    expect((await ask([both])).results.find((one) => one.fileId === 'leaf')?.explain?.['lexical']?.aliases).toHaveLength(1)
    expect(JSON.stringify(await ask([both], { fileIds: ['leaf'] }))).not.toContain('"aliases"')
    expect(JSON.stringify(await ask([glossary, plain]))).not.toContain('sugar making')
    expect(JSON.stringify(await ask([foreign, plain]))).toContain('sugar making')
  })

  it.each(['local', 'hybrid', 'mix', 'auto'] as const)('%s follows the name to the entity of another workspace', async (mode) => {
    const found = await ask([glossary, drawn], { mode })
    expect(found.entities.map((entity) => [entity.workspace, entity.name])).toContainEqual([drawn, 'photosynthesis'])
    const way = found.results.find((one) => one.workspace === drawn)?.explain?.[mode === 'auto' ? 'named' : 'entity']?.path
    expect(way).toEqual([{ entity: 'photosynthesis', found: 'alias', score: 1, leads: 'mention' }])
  })
})
