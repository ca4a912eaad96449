import { sql } from 'kysely'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { parseVerdicts } from '../../src/models/judge.ts'
import type { Database } from '../../src/ports/database.ts'
import { type Models, NO_USAGE, type Verdict } from '../../src/ports/models.ts'
import type { Graph } from '../../src/services/graph/api.ts'
import { createGraph } from '../../src/services/graph/graph.ts'
import { mergeEntities } from '../../src/services/graph/merge.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine, testModels } from '../support/engine.ts'

let database: Database
const open: TestEngine[] = []
beforeAll(async () => {
  database = await openTestDatabase()
})
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

function start(models: Partial<Models> = {}): TestEngine & { graph: Graph } {
  const engine = startTestEngine(database, { models: { ...testModels(), ...models } })
  open.push(engine)
  return { ...engine, graph: createGraph(engine.deps) }
}

const pairs = async (graph: Graph, workspace: WorkspaceId): Promise<string[]> =>
  (await graph.resolutions(workspace, 50)).resolutions.map(({ a, b }) => [a.name, b.name].toSorted().join(' ~ '))
const FUNCTIONS = '[quadratic function|concept|one] [quadratic functions|concept|two] [linear equation|concept|three]'

test('script, case, width and a bracketed translation are one entity at once and need no decision', async () => {
  const workspace = workspaceId('teacher-r1')
  const { graph, ...engine } = start()
  await engine.ingest(workspace, 'a', '[勾股定理|theorem|x] [畢氏定理|theorem|y] [ＡＢＣ定理|theorem|z]')
  await engine.ingest(workspace, 'b', '[勾股定理 = Pythagoras theorem] [毕氏定理|theorem|y2] [abc定理|theorem|z2]')
  expect((await graph.entities(workspaceScope(workspace), { limit: 50 })).entities).toHaveLength(3)
  expect((await graph.entity(workspaceScope(workspace), 'Pythagoras Theorem')).name).toBe('勾股定理')
  expect(await pairs(graph, workspace)).toEqual([])
  await engine.documents.remove(workspace, 'b')
  await expect(graph.entity(workspaceScope(workspace), 'Pythagoras theorem')).rejects.toMatchObject({ code: 'not_found' })
})

test('names that look alike are listed with score and reason; accepted, they are merged until the merge is undone', async () => {
  const workspace = workspaceId('teacher-r2')
  const { graph, ...engine } = start()
  await engine.ingest(workspace, 'a', `${FUNCTIONS} [quadratic function -part_of-> linear equation]`)
  const { resolutions, uncompared } = await graph.resolutions(workspace, 50)
  expect(uncompared).toBe(0)
  expect(resolutions).toMatchObject([{ reason: 'spelling', unsure: false }])
  expect(resolutions[0]?.score).toBeGreaterThan(0.9)
  const done = await graph.acceptResolution(workspace, { resolutionId: resolutions[0]?.resolutionId ?? '' })
  expect(done.into).toBe('quadratic function')
  expect((await graph.entity(workspaceScope(workspace), 'quadratic functions')).name).toBe('quadratic function')
  expect(await pairs(graph, workspace)).toEqual([])
  expect(await graph.merges(workspace, 10)).toMatchObject({
    merges: [{ mergeId: done.mergeId, from: ['quadratic functions'], into: 'quadratic function', madeBy: 'person' }],
  })
  await graph.undoMerge(workspace, done.mergeId)
  expect((await graph.merges(workspace, 10)).merges).toEqual([])
  expect(await pairs(graph, workspace)).toEqual(['quadratic function ~ quadratic functions'])
})

test('the name that stays may be chosen, but only of the two', async () => {
  const workspace = workspaceId('teacher-r3')
  const { graph, ...engine } = start()
  await engine.ingest(workspace, 'a', FUNCTIONS)
  const resolutionId = (await graph.resolutions(workspace, 50)).resolutions[0]?.resolutionId ?? ''
  await expect(graph.acceptResolution(workspace, { resolutionId, into: 'linear equation' })).rejects.toMatchObject({
    code: 'invalid_request',
  })
  expect((await graph.acceptResolution(workspace, { resolutionId, into: 'quadratic functions' })).into).toBe('quadratic functions')
  await expect(graph.acceptResolution(workspace, { resolutionId })).rejects.toMatchObject({ code: 'not_found' })
})

test('a rejected pair is not proposed again, also when its documents go and come back', async () => {
  const workspace = workspaceId('teacher-r4')
  const { graph, ...engine } = start()
  await engine.ingest(workspace, 'a', FUNCTIONS)
  const resolutionId = (await graph.resolutions(workspace, 50)).resolutions[0]?.resolutionId ?? ''
  expect(await graph.rejectResolution(workspace, resolutionId)).toEqual({ resolutionId, rejected: true })
  expect(await pairs(graph, workspace)).toEqual([])
  await engine.documents.remove(workspace, 'a')
  await engine.ingest(workspace, 'a', FUNCTIONS)
  expect(await pairs(graph, workspace)).toEqual([])
})

test('a pair goes with its document, is of one type, and is seen in its own workspace alone', async () => {
  const [mine, other] = [workspaceId('teacher-r5'), workspaceId('teacher-r6')]
  const { graph, ...engine } = start()
  await engine.ingest(mine, 'a', '[quadratic function|concept|one] [marie curie|person|p]')
  await engine.ingest(mine, 'b', '[quadratic functions|concept|two] [marie curies|work|w]')
  await engine.ingest(other, 'a', '[quadratic functionz|concept|foreign]')
  expect(await pairs(graph, mine)).toEqual(['quadratic function ~ quadratic functions'])
  expect(await pairs(graph, other)).toEqual([])
  const { resolutionId = '' } = (await graph.resolutions(mine, 50)).resolutions[0] ?? {}
  await expect(graph.acceptResolution(other, { resolutionId })).rejects.toMatchObject({ code: 'not_found' })
  await engine.documents.remove(mine, 'b')
  expect(await pairs(graph, mine)).toEqual([])
})

test('what was compared is not compared again, and a new name is compared with the old', async () => {
  const workspace = workspaceId('teacher-r7')
  const { graph, ...engine } = start()
  await engine.ingest(workspace, 'a', '[quadratic function|concept|one]')
  expect(await pairs(graph, workspace)).toEqual([])
  await sql`update entities set key = key where workspace_id = ${workspace}`.execute(database.db)
  await engine.ingest(workspace, 'b', '[quadratic functions|concept|two]')
  expect(await pairs(graph, workspace)).toEqual(['quadratic function ~ quadratic functions'])
})

test('in a space with meaning a translation is proposed by nearness, never by letters', async () => {
  const workspace = workspaceId('teacher-r8')
  const axis: Record<string, number> = { 勾股定理: 0, 'pythagorean theorem': 0, 光合作用: 1, photosynthesis: 1 }
  const vector = (text: string): Float32Array => Float32Array.from({ length: 8 }, (_unused, at) => (at === (axis[text] ?? 7) ? 1 : 0))
  const embedding = {
    model: 'openai/meaning',
    dim: 8,
    maxBatch: 8,
    embed: async (texts: readonly string[]) => ({ vectors: texts.map(vector), truncated: 0, usage: NO_USAGE }),
  }
  const { graph, ...engine } = start({ embedding, embeddingFor: () => embedding })
  await engine.ingest(
    workspace,
    'a',
    '[勾股定理|theorem|x] [光合作用|concept|y] [Pythagorean theorem|theorem|z] [photosynthesis|concept|w]',
  )
  const { resolutions } = await graph.resolutions(workspace, 50)
  expect(resolutions.map(({ a, b, reason }) => `${[a.name, b.name].toSorted().join(' ~ ')} by ${reason}`).toSorted()).toEqual([
    'Pythagorean theorem ~ 勾股定理 by meaning',
    'photosynthesis ~ 光合作用 by meaning',
  ])
})

const judging = (verdict: (names: string) => Verdict) => {
  const asked: string[] = []
  const judge: Models['judge'] = {
    async judge(given) {
      const names = given.map(([one, other]) => [one.name, other.name].toSorted().join(' ~ '))
      asked.push(...names)
      return { verdicts: names.map(verdict), usage: NO_USAGE }
    },
  }
  return { judge, asked }
}

async function judged(workspace: WorkspaceId): Promise<void> {
  await expect
    .poll(
      async () =>
        (
          await sql`select 1 from jobs where workspace_id = ${workspace} and kind = 'resolve' and state in ('queued', 'running')`.execute(
            database.db,
          )
        ).rows,
      { timeout: 20_000 },
    )
    .toEqual([])
}

test('where the settings say so a model decides each pair once: same is merged, different remembered, unsure left to a person', async () => {
  const workspace = workspaceId('teacher-r9')
  const { judge, asked } = judging((names) =>
    names.startsWith('quadratic') ? 'same' : names.startsWith('linear') ? 'different' : 'unsure',
  )
  const { graph, ...engine } = start({ judge })
  await engine.ingest(
    workspace,
    'a',
    `${FUNCTIONS} [linear equations|concept|four] [parabola curve|concept|five] [parabola curves|concept|six]`,
  )
  await judged(workspace)
  expect(asked.toSorted()).toEqual([
    'linear equation ~ linear equations',
    'parabola curve ~ parabola curves',
    'quadratic function ~ quadratic functions',
  ])
  expect((await graph.merges(workspace, 10)).merges.map(({ madeBy, into }) => [madeBy, into])).toEqual([['model', 'quadratic function']])
  expect((await graph.resolutions(workspace, 10)).resolutions).toMatchObject([{ reason: 'spelling', unsure: true }])
  expect(await pairs(graph, workspace)).toEqual(['parabola curve ~ parabola curves'])
  await engine.ingest(workspace, 'b', '[something else|concept|seven]')
  await judged(workspace)
  expect(asked).toHaveLength(3)
})

test('what a person takes back of a model is not done again, and the model is not asked again', async () => {
  const workspace = workspaceId('teacher-r11')
  const { judge, asked } = judging(() => 'same')
  const { graph, ...engine } = start({ judge })
  await engine.ingest(workspace, 'a', FUNCTIONS)
  await judged(workspace)
  const [merge] = (await graph.merges(workspace, 10)).merges
  expect(merge).toMatchObject({ madeBy: 'model', into: 'quadratic function' })
  await graph.undoMerge(workspace, merge?.mergeId ?? '')
  await engine.ingest(workspace, 'b', '[something else|concept|seven]')
  await judged(workspace)
  expect((await graph.entity(workspaceScope(workspace), 'quadratic functions')).name).toBe('quadratic functions')
  expect((await graph.merges(workspace, 10)).merges).toEqual([])
  expect(asked).toEqual(['quadratic function ~ quadratic functions'])
})

test('what a person called two things is not joined through a third, by a model or in the list; a person may still do it', async () => {
  const workspace = workspaceId('teacher-r13')
  const { judge } = judging(() => 'same')
  const models: Partial<Models> = { judge: undefined }
  const { graph, ...engine } = start(models)
  await engine.ingest(workspace, 'a', FUNCTIONS)
  await graph.rejectResolution(workspace, (await graph.resolutions(workspace, 50)).resolutions[0]?.resolutionId ?? '')
  engine.deps.models.judge = judge
  await engine.ingest(workspace, 'b', '[quadratic functionz|concept|four]')
  await judged(workspace)
  const { merges } = await graph.merges(workspace, 10)
  expect(merges).toHaveLength(1)
  const names = (await graph.entities(workspaceScope(workspace), { limit: 50, q: 'quadratic' })).entities.map(({ name }) => name)
  expect(names.toSorted()).toEqual(['quadratic function', 'quadratic functions'])
  expect(await pairs(graph, workspace)).toEqual([])
  const both = { from: ['quadratic functions'], into: 'quadratic function' }
  await expect(mergeEntities(engine.deps, workspace, both, 'model')).rejects.toMatchObject({ code: 'invalid_request' })
  await mergeEntities(engine.deps, workspace, both)
  expect((await graph.entities(workspaceScope(workspace), { limit: 50, q: 'quadratic' })).entities).toHaveLength(1)
})

test('a pair that the model would merge and that cannot be merged is left to a person', async () => {
  const workspace = workspaceId('teacher-r12')
  const { judge, asked } = judging(() => 'same')
  const { graph, ...engine } = start({ judge })
  // What its key reads as when it is read as a name is another name.
  await engine.ingest(workspace, 'a', '[quadratic &amp;lt; function|concept|one] [quadratic &amp;lt; functions|concept|two]')
  await judged(workspace)
  expect(asked).toHaveLength(1)
  expect((await graph.resolutions(workspace, 10)).resolutions).toMatchObject([{ unsure: true }])
})

test('a model that is away fails the job in the end and nothing else', async () => {
  const workspace = workspaceId('teacher-r10')
  const judge: Models['judge'] = { judge: () => Promise.reject(new AppError('llm_unavailable', 'away')) }
  const { graph, ...engine } = start({ judge })
  await engine.ingest(workspace, 'a', FUNCTIONS)
  await judged(workspace)
  expect(await pairs(graph, workspace)).toEqual(['quadratic function ~ quadratic functions'])
})

test.each([
  ['the object that was asked for', '{"pairs":[{"id":"p1","verdict":"same"},{"id":"p2","verdict":"different"}]}', ['same', 'different']],
  ['a bare list in a fence', '```json\n[{"id":"p2","verdict":"same"}]\n```', ['unsure', 'same']],
  ['a word of its own', '{"pairs":[{"id":"p1","verdict":"probably same"},{"id":"p9","verdict":"same"}]}', ['unsure', 'unsure']],
  ['prose', 'They are the same, I think.', ['unsure', 'unsure']],
  ['nothing', '', ['unsure', 'unsure']],
])('a verdict is read from %s', (_name, reply, expected) => {
  expect(parseVerdicts(reply, ['p1', 'p2'])).toEqual(expected)
})
