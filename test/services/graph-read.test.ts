// Reading the graph: names in any script, own before public, neighbourhoods within a budget, orders of learning.
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { entityId } from '../../src/core/names.ts'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { createGraph } from '../../src/services/graph/graph.ts'
import { cyclesOf } from '../../src/services/graph/cycles.ts'
import { withScope } from '../../src/store/scope.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import type { Graph } from '../../src/services/graph/api.ts'

let database: Database
let engine: TestEngine
let graph: Graph
beforeAll(async () => {
  database = await openTestDatabase()
  engine = startTestEngine(database)
  graph = createGraph(engine.deps)
  await engine.ingest(
    workspaceId('public'),
    'points',
    [
      '[二次函數|knowledge_point|Curves.] [一次函數|knowledge_point|Lines.] [頂點公式|knowledge_point|The top.]',
      '[一次函數 -prerequisite-> 二次函數] [二次函數 -prerequisite-> 頂點公式] [頂點公式 = vertex form] [二次函數 -related-> 拋物線]',
    ].join('\n'),
    'points.md',
  )
  return () => engine.close()
})

const PUBLIC = workspaceScope(workspaceId('public'))
const scopeOf = (name: string) => workspaceScope(workspaceId(name), workspaceId('public'))

test.each(['頂點公式', '顶点公式', 'vertex form', 'VERTEX  FORM', '頂點公式 (vertex form)', 'ｖｅｒｔｅｘ form'])(
  '%s leads to one entity',
  async (name) => {
    const found = await graph.entity(PUBLIC, name)
    expect(found).toMatchObject({ name: '頂點公式', type: 'knowledge_point', workspace: 'public', aliases: ['vertex form'], degree: 1 })
    expect(found.relations).toMatchObject([{ source: '二次函數', target: '頂點公式', keywords: 'prerequisite', weight: 1 }])
    expect(found.evidence[0]).toMatchObject({ fileId: 'points', source: 'public/points.md', page: null })
    expect(found.evidence.map((one) => one.quote)).toContain('[頂點公式|knowledge_point|The top.]')
  },
)

test('an order of learning is followed level by level, from any of its names', async () => {
  for (const entity of ['頂點公式', '顶点公式', 'vertex form']) {
    const { chain, cycles, ...rest } = await graph.prerequisites(PUBLIC, { entity, depth: 5 })
    expect(rest).toEqual({ entity: '頂點公式' })
    expect(chain.map(({ name, level, description }) => [name, level, description])).toEqual([
      ['二次函數', 1, 'Curves.'],
      ['一次函數', 2, 'Lines.'],
    ])
    expect(chain[0]?.evidence).toMatchObject([{ fileId: 'points', quote: '[二次函數 -prerequisite-> 頂點公式]' }])
    expect(cycles).toEqual([])
  }
  expect((await graph.prerequisites(PUBLIC, { entity: '頂點公式', depth: 1 })).chain.map((step) => step.name)).toEqual(['二次函數'])
  expect((await graph.prerequisites(PUBLIC, { entity: '一次函數', depth: 5 })).chain).toEqual([])
})

test("a teacher's own prerequisites go on in public, under whatever name the two share", async () => {
  await engine.ingest(
    workspaceId('teacher-own'),
    'plan',
    '[Vertex form -prerequisite-> My project] [My project -prerequisite-> Exhibition]',
    'plan.md',
  )
  const { chain } = await graph.prerequisites(scopeOf('teacher-own'), { entity: 'exhibition', depth: 5 })
  expect(chain.map(({ name, level }) => [name, level])).toEqual([
    ['My project', 1],
    ['Vertex form', 2],
    ['二次函數', 3],
    ['一次函數', 4],
  ])
  expect(chain[2]?.evidence[0]?.source).toBe('public/points.md')
  await expect(graph.prerequisites(PUBLIC, { entity: 'Exhibition', depth: 5 })).rejects.toMatchObject({ code: 'not_found' })
})

test('what documents put in a circle is told once and does not hold the walk up', async () => {
  const scope = workspaceScope(workspaceId('teacher-circle'))
  await engine.ingest(
    scope[0],
    'circle',
    '[A -prerequisite-> B] [B -prerequisite-> C] [C -prerequisite-> A] [Z -prerequisite-> A]',
    'circle.md',
  )
  const { chain, cycles } = await graph.prerequisites(scope, { entity: 'B', depth: 10 })
  expect(chain.map(({ name, level }) => [name, level])).toEqual([
    ['A', 1],
    ['C', 2],
    ['Z', 2],
  ])
  expect(cycles).toEqual([['B', 'C', 'A']])
})

test('circles: none in an order, one for each knot, and none twice', () => {
  expect(
    cyclesOf(3, [
      { before: 0, after: 1 },
      { before: 1, after: 2 },
      { before: 0, after: 2 },
    ]),
  ).toEqual([])
  expect(
    cyclesOf(4, [
      { before: 0, after: 1 },
      { before: 1, after: 0 },
      { before: 2, after: 3 },
      { before: 3, after: 2 },
    ]),
  ).toEqual([
    [0, 1],
    [2, 3],
  ])
})

test('the list finds a name to the letter before its beginning before its part, and goes on where a page ended', async () => {
  const scope = workspaceScope(workspaceId('teacher-list'))
  await engine.ingest(
    scope[0],
    'list',
    '[Slope|concept|s] [Slope form|concept|f] [The slope|concept|t] [Slope form -has-> The slope] [Line -has-> Gradient] [Slope = Steigung]',
    'list.md',
  )
  const names = async (q: string) => (await graph.entities(scope, { q, limit: 10 })).entities.map((entity) => entity.name)
  expect(await names('SLOPE')).toEqual(['Slope', 'Slope form', 'The slope'])
  expect(await names('steig')).toEqual(['Slope'])
  expect(await names('%')).toEqual([])
  expect(await names('   ')).toEqual([])
  for (const q of [undefined, 'e']) {
    const whole = (await graph.entities(scope, { limit: 50, ...(q === undefined ? {} : { q }) })).entities.map((entity) => entity.name)
    const paged: string[] = []
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await graph.entities(scope, { limit: 2, ...(q === undefined ? {} : { q }), ...(cursor === undefined ? {} : { cursor }) })
      paged.push(...page.entities.map((entity) => entity.name))
      cursor = page.nextCursor
    }
    expect(paged).toEqual(whole)
    expect(new Set(whole).size).toBe(5)
  }
  await expect(graph.entities(scope, { limit: 5, cursor: 'bm9uc2Vuc2U' })).rejects.toMatchObject({ code: 'invalid_request' })
})

test("the list shows own and public entities by degree, one entity's two workspaces as two", async () => {
  await engine.ingest(workspaceId('teacher-two'), 'two', '[二次函數|topic|Mine.]', 'two.md')
  const { entities } = await graph.entities(scopeOf('teacher-two'), { q: '二次函数', limit: 10 })
  expect(entities.map(({ workspace, description, degree }) => [workspace, description, degree])).toEqual([
    ['public', 'Curves.', 3],
    ['teacher-two', 'Mine.', 0],
  ])
  expect(await graph.entity(scopeOf('teacher-two'), '二次函数')).toMatchObject({ workspace: 'teacher-two', description: 'Mine.' })
})

test('a neighbourhood is breadth first by weight and says when its budget cut it', async () => {
  const scope = workspaceScope(workspaceId('teacher-walk'))
  await engine.ingest(scope[0], 'one', '[Hub -has-> Heavy] [Hub -has-> Light] [Heavy -has-> Far] [Far -has-> Farther]', 'one.md')
  await engine.ingest(scope[0], 'again', '[Hub -has-> Heavy] again', 'again.md')
  const walk = async (depth: number, maxNodes: number) => {
    const { nodes, edges, truncated } = await graph.subgraph(scope, { entity: 'hub', depth, maxNodes })
    const name = new Map(nodes.map((node) => [node.id, node.name]))
    return {
      nodes: nodes.map((node) => node.name),
      edges: edges.map((edge) => `${name.get(edge.source)} ${edge.keywords} ${name.get(edge.target)} ${edge.weight}`),
      truncated,
    }
  }
  expect(await walk(1, 100)).toEqual({ nodes: ['Hub', 'Heavy', 'Light'], edges: ['Hub has Heavy 2', 'Hub has Light 1'], truncated: false })
  expect(await walk(1, 2)).toEqual({ nodes: ['Hub', 'Heavy'], edges: ['Hub has Heavy 2'], truncated: true })
  expect((await walk(2, 100)).nodes).toEqual(['Hub', 'Heavy', 'Light', 'Far'])
  expect((await walk(3, 100)).edges).toHaveLength(4)
  expect(await walk(3, 1)).toEqual({ nodes: ['Hub'], edges: [], truncated: true })
})

test('a neighbourhood sees no workspace outside its scope', async () => {
  await engine.ingest(workspaceId('teacher-secret'), 'secret', '[二次函數 -secret-> Hidden thing]', 'secret.md')
  const { nodes } = await graph.subgraph(scopeOf('teacher-other'), { entity: '二次函數', depth: 3, maxNodes: 100 })
  expect(new Set(nodes.map((node) => node.workspace))).toEqual(new Set(['public']))
  await expect(graph.entity(scopeOf('teacher-other'), 'Hidden thing')).rejects.toMatchObject({ code: 'not_found' })
  await expect(graph.subgraph(scopeOf('teacher-other'), { entity: 'Hidden thing', depth: 1, maxNodes: 5 })).rejects.toMatchObject({
    code: 'not_found',
  })
})

test(
  'of a hub with 50,000 relations the heaviest come back, and the index is read no further than that',
  { timeout: 120_000 },
  async () => {
    const scope = workspaceScope(workspaceId('teacher-hub'))
    const [workspace] = scope
    await engine.ingest(workspace, 'hub', '[Hub|concept|Everything meets here.]', 'hub.md')
    const hub = entityId('hub')
    await withScope(database, scope, async (tx) => {
      await sql`
      insert into entities (workspace_id, entity_id, key, name, type, description, aliases, mentions, degree)
      select ${workspace}, 'n' || lpad(i::text, 6, '0'), 'node ' || i, 'node ' || i, 'concept', '', '{}', 1, 1 from generate_series(1, 50000) i`.execute(
        tx,
      )
      await sql`
      insert into relations (workspace_id, relation_id, a_id, b_id, forward, keywords, description, weight, mentions)
      select ${workspace}, 'n' || i, ${hub}, 'n' || lpad(i::text, 6, '0'), true, '{has}', '', i, 1 from generate_series(1, 50000) i`.execute(
        tx,
      )
    })
    const { nodes, edges, truncated } = await graph.subgraph(scope, { entity: 'hub', depth: 3, maxNodes: 100 })
    expect(nodes.map((node) => node.name)).toEqual(['Hub', ...Array.from({ length: 99 }, (_, at) => `node ${50_000 - at}`)])
    expect([edges.length, truncated]).toEqual([99, true])
    expect((await graph.entity(scope, 'hub')).relations).toHaveLength(100)
    expect((await graph.prerequisites(scope, { entity: 'hub', depth: 5 })).chain).toEqual([])
    const plan = await withScope(database, scope, (tx) =>
      sql<{ 'QUERY PLAN': string }>`
      explain (analyze, costs off, timing off)
      select r.b_id from unnest(array[${workspace}], array[${hub}]) as w(workspace_id, entity_id) cross join lateral (
        select r.b_id from relations r where r.workspace_id = w.workspace_id and r.a_id = w.entity_id
        order by r.weight desc, r.relation_id limit 101) r`.execute(tx),
    )
    expect(plan.rows.map((row) => row['QUERY PLAN']).find((line) => line.includes('relations_of_a'))).toMatch(/rows=101(?:\.00)? loops=1/)
  },
)
