import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODES, type Mode } from '../../../src/core/modes.ts'
import { countTokens } from '../../../src/core/tokens.ts'
import { workspaceId, workspaceScope, type WorkspaceScope } from '../../../src/core/workspace.ts'
import type { Retrieval, SearchResponse } from '../../../src/services/api.ts'
import { createRetrieval } from '../../../src/services/retrieve/retrieval.ts'
import type { Database } from '../../../src/ports/database.ts'
import { inScope } from '../../../src/store/workspaces.ts'
import { openTestDatabase } from '../../support/database.ts'
import { startTestEngine, type TestEngine } from '../../support/engine.ts'
import { searchRequest } from '../../support/requests.ts'

const teacher = workspaceId('teacher-001')
const stranger = workspaceId('teacher-002')
const shared = workspaceId('public')
const both = workspaceScope(teacher, shared)
const { signal } = new AbortController()

let engine: TestEngine
let retrieval: Retrieval

beforeAll(async () => {
  const database = await openTestDatabase()
  engine = startTestEngine(database)
  retrieval = createRetrieval({ database, models: engine.deps.models })
  await engine.ingest(
    teacher,
    'f1',
    '[二次函数|concept|形如 y=ax²+bx+c 的函数] 二次函数的图像是抛物线，[二次函数 -图像-> 抛物线] 对称轴把抛物线分成两半。',
    '教案.txt',
  )
  await engine.ingest(
    teacher,
    'f2',
    '[勾股定理|concept|直角三角形三边的关系] 勾股定理说明直角三角形的三边关系。[直角三角形 -prerequisite-> 勾股定理]',
  )
  await engine.ingest(
    shared,
    'p1',
    '[一次函数|concept|图像是直线] 一次函数的图像是一条直线。[一次函数 -prerequisite-> 二次函数] 学习二次函数之前要会一次函数。',
    'syllabus.txt',
  )
  await engine.ingest(stranger, 'x1', '[二次函数|concept|外人的秘密描述] 二次函数的秘密教案。')
})
afterAll(() => engine.close())

const search = (query: string, mode: Mode, scope: WorkspaceScope = both, more = {}): Promise<SearchResponse> =>
  retrieval.search(scope, searchRequest({ query, mode, ...more }), signal)

describe('every mode', () => {
  it.each(MODES.filter((mode) => mode !== 'bypass'))(
    "%s finds the chunk on the quadratic function and never a stranger's",
    async (mode) => {
      const found = await search('二次函数', mode)
      expect(found.results.map((result) => result.fileId)).toContain('f1')
      expect(JSON.stringify(found)).not.toContain('秘密')
      expect(new Set(found.results.map((result) => result.workspace))).not.toContain(stranger)
      for (const result of found.results) {
        expect(result.score).toBeGreaterThanOrEqual(0)
        expect(result.score).toBeLessThanOrEqual(1)
      }
      expect(found.results.map((result) => result.score)).toEqual(found.results.map((result) => result.score).toSorted((a, b) => b - a))
    },
  )

  it.each(MODES)('%s answers a workspace that does not exist with empty lists', async (mode) => {
    const found = await search('二次函数', mode, workspaceScope(workspaceId('teacher-nobody')))
    expect([found.results, found.entities, found.relations]).toEqual([[], [], []])
  })

  it.each(MODES)('%s gives the same answer to the same question', async (mode) => {
    const [one, other] = [await search('函数的图像', mode), await search('函数的图像', mode)]
    expect({ ...other, timings: one.timings }).toEqual(one)
  })

  it.each(MODES)('%s honours topK for results, entities and relations', async (mode) => {
    const found = await search('函数', mode, both, { topK: 1 })
    for (const list of [found.results, found.entities, found.relations]) expect(list.length).toBeLessThanOrEqual(1)
  })
})

it('cuts entities, relations and results to the budgets a caller names, and to no others', async () => {
  const whole = await search('函数', 'mix', both)
  const cut = await search('函数', 'mix', both, {
    maxEntityTokens: 30,
    maxRelationTokens: 0,
    maxTotalTokens: countTokens(whole.results[0]?.content ?? ''),
  })
  expect([cut.entities.length, cut.relations, cut.results.length]).toEqual([1, [], 1])
  expect([cut.entities[0], cut.results[0]]).toEqual([whole.entities[0], whole.results[0]])
  expect([whole.entities.length > 1, whole.relations.length > 0, whole.results.length > 1]).toEqual([true, true, true])
})

it('a pool smaller than topK takes nothing away: as many results come back as there are', async () => {
  for (const mode of ['naive', 'auto'] as const)
    expect((await search('函数', mode, both, { topK: 3, chunkTopK: 1 })).results).toHaveLength(3)
})

describe('what a result shows', () => {
  it('names the file of the live version under user or public', async () => {
    const found = await search('函数', 'naive')
    expect(new Map(found.results.map((result) => [result.fileId, result.source]))).toEqual(
      new Map([
        ['f1', 'user/教案.txt'],
        ['f2', 'user/f2.txt'],
        ['p1', 'public/syllabus.txt'],
      ]),
    )
  })

  it('keeps the same entity of two workspaces as two items', async () => {
    const found = await search('二次函数', 'local')
    expect(
      found.entities
        .filter((entity) => entity.name === '二次函数')
        .map((entity) => entity.workspace)
        .toSorted(),
    ).toEqual([shared, teacher])
  })

  it('shows a relation in the direction its chunk asserts', async () => {
    const found = await search('直角三角形', 'local')
    expect(found.relations).toContainEqual(
      expect.objectContaining({ source: '直角三角形', target: '勾股定理', keywords: 'prerequisite', workspace: teacher }),
    )
  })

  it('says with explain where each leg saw it', async () => {
    const found = await search('二次函数', 'auto', both, { explain: true })
    expect(found.results[0]?.explain).toMatchObject({
      vector: { rank: expect.any(Number) as number },
      lexical: { rank: expect.any(Number) as number },
    })
    expect((await search('二次函数', 'auto')).results[0]).not.toHaveProperty('explain')
  })
})

describe('modes as in LightRAG', () => {
  it('naive and lexical have no graph', async () => {
    for (const mode of ['naive', 'lexical'] as const) {
      const found = await search('二次函数', mode)
      expect([found.entities, found.relations]).toEqual([[], []])
    }
  })

  it('local finds only chunks that mention its entities, global only chunks that assert its relations or mention their ends', async () => {
    const local = await search('勾股定理', 'local', workspaceScope(teacher), { lowLevelKeywords: ['勾股定理'] })
    expect(local.entities[0]?.name).toBe('勾股定理')
    expect(local.results.map((result) => result.fileId)).toContain('f2')
    const global = await search('直角三角形 prerequisite 勾股定理', 'global', workspaceScope(teacher))
    expect(global.relations[0]).toMatchObject({ source: '直角三角形', target: '勾股定理' })
    expect(global.results.map((result) => result.fileId)).toContain('f2')
  })

  it("uses the caller's keywords and gives them back", async () => {
    const keywords = { highLevelKeywords: ['图像'], lowLevelKeywords: ['一次函数'] }
    const found = await search('无关的问题', 'hybrid', both, keywords)
    expect(found.keywords).toEqual({ highLevel: ['图像'], lowLevel: ['一次函数'] })
    expect(found.entities.map((entity) => entity.name)).toContain('一次函数')
  })

  it('bypass retrieves nothing', async () => {
    const found = await search('二次函数', 'bypass')
    expect([found.results, found.entities, found.relations]).toEqual([[], [], []])
  })
})

describe('what a caller may ask for besides', () => {
  it('takes no more results of one document than wanted, and fills up from others', async () => {
    const many = workspaceId('teacher-many')
    const paragraphs = Array.from({ length: 160 }, (_none, index) => `抛物线的性质第${index}条写在这里，证明略去。`)
    await engine.ingest(many, 'long', paragraphs.join('\n\n'), 'long.md')
    await engine.ingest(many, 'short', '抛物线也叫做什么？')
    const found = await search('抛物线的性质', 'auto', workspaceScope(many), { topK: 3 })
    expect(found.results.map((result) => result.fileId)).toEqual(['long', 'long', 'long'])
    const spread = await search('抛物线的性质', 'auto', workspaceScope(many), { topK: 3, maxPerDocument: 1 })
    expect(spread.results.map((result) => result.fileId)).toEqual(['long', 'short'])
    expect(spread.results[0]?.chunkId).toBe(found.results[0]?.chunkId)
  })

  it('shows with expand the section around a result and nothing of the next section', async () => {
    const deep = workspaceId('teacher-deep')
    const long = (topic: string): string =>
      Array.from({ length: 80 }, (_none, index) => `${topic}的第${index}条说明写在这里。`).join('\n\n')
    await engine.ingest(deep, 'f', `# 甲\n\n${long('抛物线')}\n\n# 乙\n\n${long('双曲线')}`, 'f.md')
    const plainly = await search('抛物线的第40条说明', 'lexical', workspaceScope(deep), { topK: 1 })
    const [hit] = (await search('抛物线的第40条说明', 'lexical', workspaceScope(deep), { topK: 1, expand: 'section' })).results
    expect(plainly.results[0]?.section).toBeUndefined()
    expect(hit?.content).toBe(plainly.results[0]?.content)
    expect(hit?.section?.chunkIds).toContain(hit?.chunkId)
    expect(hit?.section?.chunkIds.length).toBeGreaterThan(1)
    expect(hit?.section?.content).toContain(hit?.content)
    expect(hit?.section?.content).not.toContain('双曲线')
  })

  it.each(['local', 'hybrid', 'mix'] as const)(
    '%s puts the chunk titled after a named thing first, whichever name leads there, and not whatever stands under the same heading',
    async (mode) => {
      const titled = workspaceId(`teacher-titled-${mode}`)
      await engine.ingest(titled, 'own', '[判別式 = Delta] 判別式是根的判別。[判別式 -part_of-> 數與代數]', '判別式.txt')
      for (const number of [1, 2, 3, 4, 5, 6, 7, 8, 9])
        await engine.ingest(titled, `part${number}`, '[數與代數|topic|一個範疇] 課題。', `數與代數（${number}）.txt`)
      const [first, ...rest] = (await search('Delta', mode, workspaceScope(titled))).results
      expect([first?.fileId, first?.score]).toEqual(['own', 1])
      expect(rest.length).toBeGreaterThan(0)
      for (const { score } of rest) expect(score).toBeLessThan(0.2)
    },
  )

  it('says with explain by which chunk and entity the walk came', async () => {
    const linked = workspaceId('teacher-linked')
    await engine.ingest(linked, 'a', '[甲公司|org|一家公司] 甲公司由李雷创办。[甲公司 -创办人-> 李雷]', '甲公司.txt')
    await engine.ingest(linked, 'b', '[李雷|person|一个人] 李雷生于海城。[李雷 -出生地-> 海城]', '李雷.txt')
    for (const number of [1, 2, 3, 4]) await engine.ingest(linked, `d${number}`, `甲公司的创办人第${number}次上了报纸。`)
    const found = await search('甲公司的创办人', 'auto', workspaceScope(linked), { explain: true })
    const walked = found.results.find((result) => result.fileId === 'b')
    const start = found.results.find((result) => result.fileId === 'a')
    expect(walked?.explain?.['walk']?.path).toEqual([{ chunkId: start?.chunkId, entity: '李雷' }])
  })

  describe('says with explain how the graph led to a result', () => {
    const linked = workspaceId('teacher-explained')
    const others = workspaceId('teacher-explained-not')
    const fact = { source: '甲公司', target: '李雷', keywords: '创办人' }
    const score = expect.any(Number) as number

    beforeAll(async () => {
      await engine.ingest(linked, 'a', '[甲公司|org|一家公司] 甲公司由李雷创办。[甲公司 -创办人-> 李雷]', '说明.txt')
      await engine.ingest(linked, 'b', '[李雷|person|一个人] 李雷生于海城。', '李雷.txt')
      await engine.ingest(others, 'a', '[甲公司|org|另一家] 甲公司由韩梅梅创办。[甲公司 -创办人-> 韩梅梅]', '说明.txt')
    })

    const paths = async (mode: Mode, more = {}): Promise<Record<string, unknown>> => {
      const { results } = await search('甲公司', mode, workspaceScope(linked, others), { explain: true, ...more })
      expect(JSON.stringify(results.filter((result) => result.workspace === linked))).not.toContain('韩梅梅')
      return Object.fromEntries(
        results
          .filter((result) => result.workspace === linked)
          .map((result) => [
            result.fileId,
            Object.fromEntries(Object.entries(result.explain ?? {}).flatMap(([leg, { path }]) => (path ? [[leg, path]] : []))),
          ]),
      )
    }

    it('local: a named entity that the chunk mentions, and through its relation the chunk that bears the other name', async () => {
      const named = { entity: '甲公司', found: 'name', score: 1 }
      const told = await paths('local', { lowLevelKeywords: ['甲公司'] })
      expect(told['a']).toEqual({ entity: [{ ...named, leads: 'mention' }] })
      expect(told['b']).toEqual({
        entity: [named, { relation: fact, found: 'entity', score: 1 }, { entity: '李雷', found: 'relation', score: 0.5, leads: 'title' }],
      })
    })

    it('global: a fact near the question, its end, and the chunk that mentions it', async () => {
      const told = await paths('global', { highLevelKeywords: ['甲公司 创办人 李雷'] })
      const near = { relation: fact, found: 'similarity', score }
      expect(told['a']).toMatchObject({ entity: [near, { found: 'relation', score, leads: 'mention' }] })
      expect(told['b']).toEqual({ entity: [near, { entity: '李雷', found: 'relation', score, leads: 'title' }] })
    })

    it('auto: what the question names, and the fact that the chunk asserts', async () => {
      const told = await paths('auto')
      expect(told['a']).toMatchObject({
        named: [{ entity: '甲公司', found: 'name', score: 1, leads: 'mention' }],
        fact: [{ relation: fact, found: 'similarity', score, leads: 'assertion' }],
      })
    })

    it.each(['hybrid', 'mix'] as const)('%s: the same as local and global together', async (mode) => {
      const told = await paths(mode, { lowLevelKeywords: ['甲公司'] })
      expect(told['a']).toMatchObject({ entity: [{ entity: '甲公司', found: 'name', score: 1, leads: 'mention' }] })
    })

    it('a chunk that asserts a relation and mentions no found entity', async () => {
      const told = await paths('global', { highLevelKeywords: ['甲公司 创办人 李雷'], topK: 1 })
      expect(Object.keys(told)).toHaveLength(1)
    })
  })
})

describe('a question asked again', () => {
  const ask = (from: Retrieval, scope: WorkspaceScope, more = {}): Promise<SearchResponse> =>
    from.search(scope, searchRequest({ query: '椭圆', ...more }), signal)
  const unhurried = ({ timings: _timings, ...rest }: SearchResponse): Omit<SearchResponse, 'timings'> => rest

  it('gets the same reply without another look from the third time on, until anything in its scope changes', async () => {
    const [own, other] = [workspaceId('teacher-again'), workspaceId('teacher-aside')]
    await engine.ingest(own, 'f1', '椭圆有两个焦点。')
    await engine.ingest(other, 'f1', '椭圆的秘密。')
    const counted = countingSnapshots()
    const from = createRetrieval({ database: counted.database, models: engine.deps.models })
    const first = await ask(from, workspaceScope(own))
    for (const _time of ['second', 'third']) expect(unhurried(await ask(from, workspaceScope(own)))).toEqual(unhurried(first))
    expect(counted.snapshots()).toBe(2)
    // What others do changes nothing.
    await engine.ingest(other, 'f2', '椭圆的另一个秘密。')
    await ask(from, workspaceScope(own))
    expect(counted.snapshots()).toBe(2)
    await engine.ingest(own, 'f2', '椭圆的离心率小于一。')
    expect((await ask(from, workspaceScope(own))).results.map((result) => result.fileId).toSorted()).toEqual(['f1', 'f2'])
    expect(counted.snapshots()).toBe(3)
    await engine.documents.remove(own, 'f1')
    expect((await ask(from, workspaceScope(own))).results.map((result) => result.fileId)).toEqual(['f2'])
  })

  it('is another question in another scope, with another option and after the workspace was made anew', async () => {
    const [own, other] = [workspaceId('teacher-anew'), workspaceId('teacher-beside')]
    await engine.ingest(own, 'f1', '椭圆是我的。')
    await engine.ingest(other, 'f1', '椭圆是他的。')
    const from = createRetrieval({ database: engine.deps.database, models: engine.deps.models })
    for (const scope of [workspaceScope(own), workspaceScope(other)]) for (const _time of ['first', 'second']) await ask(from, scope)
    expect(JSON.stringify(await ask(from, workspaceScope(own)))).not.toContain('他的')
    expect(JSON.stringify(await ask(from, workspaceScope(other)))).not.toContain('我的')
    expect((await ask(from, workspaceScope(own, other))).results).toHaveLength(2)
    expect((await ask(from, workspaceScope(own), { collections: ['none'] })).results).toEqual([])
    // The revision counts from the start again, so that it alone would call up what is gone.
    const { revision } = (await inScope(engine.deps.database.db, [own]))[0] ?? {}
    await sql`delete from workspaces where workspace_id = ${own}`.execute(engine.deps.database.db)
    await engine.ingest(own, 'f1', '椭圆是新的。')
    await sql`update workspaces set revision = ${revision} where workspace_id = ${own}`.execute(engine.deps.database.db)
    expect((await ask(from, workspaceScope(own))).results.map((result) => result.content)).toEqual(['椭圆是新的。'])
  })
})

/** The test database, with its snapshots counted. */
function countingSnapshots(): { database: Database; snapshots: () => number } {
  const { database } = engine.deps
  let count = 0
  const db = new Proxy(database.db, {
    get: (target, name) => {
      if (name === 'transaction') count += 1
      const member: unknown = Reflect.get(target, name)
      return typeof member === 'function' ? (member as (...args: unknown[]) => unknown).bind(target) : member
    },
  })
  return { database: { ...database, db }, snapshots: () => count }
}

it('searches in the other script as well', async () => {
  const found = await search('二次函數的對稱軸', 'lexical')
  expect(found.results[0]?.fileId).toBe('f1')
})
