// A person's corrections: what they change at once, and that documents coming, going and coming back do not undo them.
import { beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope, type WorkspaceId } from '../../src/core/workspace.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { createGraph } from '../../src/services/graph/graph.ts'
import type { Graph } from '../../src/services/graph/api.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import { searchRequest } from '../support/requests.ts'

let engine: TestEngine
let graph: Graph
beforeAll(async () => {
  engine = startTestEngine(await openTestDatabase())
  graph = createGraph(engine.deps)
  return () => engine.close()
})

const signal = new AbortController().signal
let made = 0
const fresh = (): WorkspaceId => workspaceId(`teacher-edit-${(made += 1)}`)
const get = (workspace: WorkspaceId, name: string) => graph.entity(workspaceScope(workspace), name)
const names = async (workspace: WorkspaceId) =>
  (await graph.entities(workspaceScope(workspace), { limit: 200 })).entities.map((entity) => entity.name).toSorted()

test('a created entity needs no document, takes in what documents say, and is found by a search', async () => {
  const workspace = fresh()
  const before = await graph.createEntity(workspace, { name: '配方法', type: 'method' }, signal)
  expect(before).toEqual({
    name: '配方法',
    type: 'method',
    description: '',
    degree: 0,
    workspace,
    aliases: [],
    relations: [],
    evidence: [],
  })
  await engine.ingest(workspace, 'doc', '[配方法|concept|Completing the square.]', 'doc.md')
  expect(await get(workspace, '配方法')).toMatchObject({ type: 'method', description: 'Completing the square.' })
  await engine.documents.remove(workspace, 'doc')
  expect(await get(workspace, '配方法')).toEqual(before)
  const found = await createRetrieval(engine.deps).search(
    workspaceScope(workspace),
    searchRequest({ query: '配方法', mode: 'local' }),
    signal,
  )
  expect(found.entities.map((entity) => entity.name)).toEqual(['配方法'])
})

test('what exists is not created again, under none of its names', async () => {
  const workspace = fresh()
  await engine.ingest(workspace, 'doc', '[勾股定理|theorem|Right angles.] [勾股定理 = Pythagoras]', 'doc.md')
  for (const name of ['勾股定理', 'PYTHAGORAS']) {
    await expect(graph.createEntity(workspace, { name }, signal)).rejects.toMatchObject({ code: 'conflict' })
  }
  await expect(graph.createEntity(workspace, { name: '  ' }, signal)).rejects.toMatchObject({ code: 'invalid_request' })
  await expect(graph.createEntity(workspace, { name: '7' }, signal)).rejects.toMatchObject({ code: 'invalid_request' })
})

test('a corrected type and description count instead of what documents say, before and after they are replaced', async () => {
  const workspace = fresh()
  await engine.ingest(workspace, 'doc', '[Slope|thing|Wrong.]', 'doc.md')
  await graph.updateEntity(workspace, 'slope', { type: 'concept', description: 'Rise over run.' }, signal)
  const right = { name: 'Slope', type: 'concept', description: 'Rise over run.' }
  expect(await get(workspace, 'Slope')).toMatchObject(right)
  await engine.ingest(workspace, 'doc', '[Slope|thing|Still wrong.] more', 'doc.md')
  expect(await get(workspace, 'Slope')).toMatchObject(right)
  await engine.documents.remove(workspace, 'doc')
  await expect(get(workspace, 'Slope')).rejects.toMatchObject({ code: 'not_found' })
  await engine.ingest(workspace, 'other', '[Slope|thing|Wrong elsewhere.]', 'other.md')
  expect(await get(workspace, 'Slope')).toMatchObject(right)
})

test('after a new name both names lead there, also from later documents', async () => {
  const workspace = fresh()
  await engine.ingest(workspace, 'doc', '[Qudratic|concept|Curves.] [Qudratic -has-> Vertex]', 'doc.md')
  await graph.updateEntity(workspace, 'Qudratic', { name: 'Quadratic' }, signal)
  const renamed = { name: 'Quadratic', aliases: ['Qudratic'], degree: 1, description: 'Curves.' }
  expect(await get(workspace, 'qudratic')).toMatchObject(renamed)
  await engine.ingest(workspace, 'later', '[Quadratic -has-> Axis] [Qudratic -has-> Axis]', 'later.md')
  expect(await get(workspace, 'QUADRATIC')).toMatchObject({ name: 'Quadratic', aliases: ['Qudratic'], degree: 2 })
  expect(await names(workspace)).toEqual(['Axis', 'Quadratic', 'Vertex'])
  await expect(graph.updateEntity(workspace, 'Axis', { name: 'vertex' }, signal)).rejects.toMatchObject({ code: 'conflict' })
  await graph.updateEntity(workspace, 'Axis', { name: 'AXIS' }, signal)
  expect(await get(workspace, 'axis')).toMatchObject({ name: 'AXIS', aliases: [] })
})

test('a deleted entity takes its relations along and stays hidden, until it is created again', async () => {
  const workspace = fresh()
  const text = '[A -has-> B] [B -has-> C]'
  await engine.ingest(workspace, 'doc', text, 'doc.md')
  const before = await get(workspace, 'C')
  await graph.deleteEntity(workspace, 'b')
  expect(await names(workspace)).toEqual(['A', 'C'])
  expect(await get(workspace, 'C')).toMatchObject({ degree: 0, relations: [] })
  await engine.ingest(workspace, 'more', '[B|concept|Again.] [B -has-> D]', 'more.md')
  await engine.documents.remove(workspace, 'doc')
  await engine.ingest(workspace, 'doc', text, 'doc.md')
  expect(await names(workspace)).toEqual(['A', 'C', 'D'])
  await expect(graph.updateEntity(workspace, 'B', { type: 'x' }, signal)).rejects.toMatchObject({ code: 'not_found' })
  await expect(graph.deleteEntity(workspace, 'B')).rejects.toMatchObject({ code: 'not_found' })
  await graph.createEntity(workspace, { name: 'B' }, signal)
  expect(await get(workspace, 'B')).toMatchObject({ degree: 3 })
  expect(await get(workspace, 'C')).toEqual(before)
})

test('a relation between entities that exist is stated, directed, corrected, deleted and stated again', async () => {
  const workspace = fresh()
  await engine.ingest(workspace, 'doc', '[Lines|concept|l] [Curves|concept|c]', 'doc.md')
  const ends = { source: 'lines', target: 'curves' }
  const made = await graph.createRelation(
    workspace,
    { ...ends, keywords: ['prerequisite'], description: 'Lines first.', weight: 2.5 },
    signal,
  )
  expect(made).toEqual({ source: 'Lines', target: 'Curves', keywords: 'prerequisite', description: 'Lines first.', weight: 2.5, workspace })
  expect((await graph.prerequisites(workspaceScope(workspace), { entity: 'Curves', depth: 3 })).chain).toMatchObject([
    { name: 'Lines', level: 1 },
  ])
  await expect(graph.createRelation(workspace, { source: 'Curves', target: 'Lines' }, signal)).rejects.toMatchObject({ code: 'conflict' })
  await expect(graph.createRelation(workspace, { source: 'Lines', target: 'LINES' }, signal)).rejects.toMatchObject({
    code: 'invalid_request',
  })
  await expect(graph.createRelation(workspace, { source: 'Lines', target: 'Nothing' }, signal)).rejects.toMatchObject({ code: 'not_found' })
  expect(await graph.updateRelation(workspace, { source: 'Curves', target: 'Lines' }, { weight: 4 }, signal)).toEqual({
    ...made,
    weight: 4,
  })
  const turned = await graph.updateRelation(workspace, { source: 'Curves', target: 'Lines' }, { keywords: ['prerequisite'] }, signal)
  expect(turned).toMatchObject({ source: 'Curves', target: 'Lines', weight: 4 })
  await graph.deleteRelation(workspace, ends)
  await expect(graph.deleteRelation(workspace, ends)).rejects.toMatchObject({ code: 'not_found' })
  await engine.ingest(workspace, 'says', '[Lines -related-> Curves]', 'says.md')
  expect(await get(workspace, 'Lines')).toMatchObject({ degree: 0 })
  await graph.createRelation(workspace, ends, signal)
  expect((await get(workspace, 'Lines')).relations).toMatchObject([{ source: 'Lines', target: 'Curves', keywords: 'related' }])
})

test('a stated relation is found by a search for what it says', async () => {
  const workspace = fresh()
  await graph.createEntity(workspace, { name: 'Kepler' }, signal)
  await graph.createEntity(workspace, { name: 'Ellipse' }, signal)
  await graph.createRelation(workspace, { source: 'Kepler', target: 'Ellipse', keywords: ['orbits'] }, signal)
  const found = await createRetrieval(engine.deps).search(
    workspaceScope(workspace),
    searchRequest({ query: 'kepler orbits ellipse', mode: 'global' }),
    signal,
  )
  expect(found.relations).toMatchObject([{ source: 'Kepler', target: 'Ellipse', keywords: 'orbits', chunkIds: [] }])
  await graph.deleteRelation(workspace, { source: 'Kepler', target: 'Ellipse' })
  const after = await createRetrieval(engine.deps).search(
    workspaceScope(workspace),
    searchRequest({ query: 'kepler orbits ellipse', mode: 'global' }),
    signal,
  )
  expect(after.relations).toEqual([])
})

test("a person's direction outvotes the documents", async () => {
  const workspace = fresh()
  await engine.ingest(workspace, 'doc', '[Curves -prerequisite-> Lines]', 'doc.md')
  await graph.updateRelation(workspace, { source: 'Lines', target: 'Curves' }, { keywords: ['prerequisite'] }, signal)
  await engine.ingest(workspace, 'again', '[Curves -prerequisite-> Lines] again', 'again.md')
  expect((await get(workspace, 'Lines')).relations).toMatchObject([{ source: 'Lines', target: 'Curves', weight: 2 }])
})

test('a stated relation goes when one of its ends goes, and comes back with it', async () => {
  const workspace = fresh()
  await engine.ingest(workspace, 'a', '[Left|concept|l]', 'a.md')
  await engine.ingest(workspace, 'b', '[Right|concept|r]', 'b.md')
  await graph.createRelation(workspace, { source: 'Left', target: 'Right', keywords: ['beside'] }, signal)
  const whole = await engine.digest(workspace)
  await engine.documents.remove(workspace, 'b')
  expect(await get(workspace, 'Left')).toMatchObject({ degree: 0, relations: [] })
  await engine.ingest(workspace, 'b', '[Right|concept|r]', 'b.md')
  expect(await engine.digest(workspace)).toEqual(whole)
  expect(await get(workspace, 'Right')).toMatchObject({ degree: 1, relations: [{ source: 'Left', keywords: 'beside' }] })
})

test('merged entities are one, keep the chosen name, and are apart again to the last row when the merge is undone', async () => {
  const workspace = fresh()
  await engine.ingest(
    workspace,
    'doc',
    '[Gradient|concept|g] [Gradient -of-> Line] [Slope -of-> Curve] [Steepness|concept|s] [Slope = Incline]',
    'doc.md',
  )
  await engine.ingest(workspace, 'more', '[Gradient|concept|g2] [Gradient -near-> Slope]', 'more.md')
  await graph.createEntity(workspace, { name: 'Pitch', type: 'term', description: 'By hand.' }, signal)
  await graph.createRelation(workspace, { source: 'Pitch', target: 'Curve', keywords: ['of'] }, signal)
  const apart = await engine.digest(workspace)
  const { mergeId } = await graph.mergeEntities(workspace, { from: ['Gradient', 'Steepness', 'pitch'], into: 'incline' })
  const one = await get(workspace, 'steepness')
  expect(one.name).toBe((await get(workspace, 'Slope')).name)
  expect(one).toMatchObject({ name: 'Slope', degree: 2 })
  expect(one.aliases).toEqual(['Gradient', 'Incline', 'Pitch', 'Steepness'])
  expect(one.relations.map((relation) => `${relation.source} ${relation.target}`).toSorted()).toEqual(['Slope Curve', 'Slope Line'])
  await engine.ingest(workspace, 'later', '[Gradient -of-> Plane]', 'later.md')
  expect(await get(workspace, 'Slope')).toMatchObject({ degree: 3 })
  await engine.documents.remove(workspace, 'later')
  expect(await graph.undoMerge(workspace, mergeId)).toEqual({ mergeId, undone: true })
  expect(await engine.digest(workspace)).toEqual(apart)
  await expect(graph.undoMerge(workspace, mergeId)).rejects.toMatchObject({ code: 'not_found' })
})

test('a merge that makes no sense is refused and leaves nothing', async () => {
  const workspace = fresh()
  await engine.ingest(workspace, 'doc', '[勾股定理|theorem|t] [勾股定理 = Pythagoras] [Other|concept|o]', 'doc.md')
  const before = await engine.digest(workspace)
  await expect(graph.mergeEntities(workspace, { from: ['Other', 'Pythagoras'], into: '勾股定理' })).rejects.toMatchObject({
    code: 'invalid_request',
  })
  await expect(graph.mergeEntities(workspace, { from: ['Nobody'], into: 'Other' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(graph.mergeEntities(workspace, { from: ['Other'], into: 'Nobody' })).rejects.toMatchObject({ code: 'not_found' })
  expect(await engine.digest(workspace)).toEqual(before)
})

test('corrections of one workspace are unknown in another', async () => {
  const [mine, theirs] = [fresh(), fresh()]
  for (const workspace of [mine, theirs]) await engine.ingest(workspace, 'doc', '[Shared|concept|As it was.]', 'doc.md')
  const before = await engine.digest(theirs)
  await graph.updateEntity(mine, 'Shared', { description: 'Mine.' }, signal)
  await graph.deleteEntity(mine, 'Shared')
  expect(await engine.digest(theirs)).toEqual(before)
  expect(await get(theirs, 'Shared')).toMatchObject({ description: 'As it was.' })
})
