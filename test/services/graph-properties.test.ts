// Properties of corrections: with any documents, in any order, the graph is what the live documents and the corrections say.
import { beforeAll, expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { workspaceId, type WorkspaceId } from '../../src/core/workspace.ts'
import { createGraph } from '../../src/services/graph/graph.ts'
import type { Graph } from '../../src/services/graph/api.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'

let engine: TestEngine
let graph: Graph
beforeAll(async () => {
  engine = startTestEngine(await openTestDatabase())
  graph = createGraph(engine.deps)
  return () => engine.close()
})

const signal = new AbortController().signal

/** A small deterministic generator, so that a failing order can be run again by its seed. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const NAMES = ['函数', '二次函数', 'Vertex', 'Slope', '斜率', 'Graph', 'Line']
const KEYWORDS = ['related', 'prerequisite']

type Pick = <T>(items: readonly T[]) => T
const picker =
  (next: () => number): Pick =>
  (items) =>
    items[Math.floor(next() * items.length)] as (typeof items)[number]

function shuffled<T>(items: readonly T[], next: () => number): T[] {
  return items
    .map((item) => ({ item, at: next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ item }) => item)
}

/** Documents that share entities, contradict each other about directions, and give aliases. */
function textOf(pick: Pick, next: () => number): string {
  const [a, b] = [pick(NAMES), pick(NAMES)]
  const alias = next() < 0.3 ? ` [${pick(NAMES)} = ${pick(NAMES)}]` : ''
  return `[${a}|${pick(['concept', 'topic'])}|${a} here.] [${a} -${pick(KEYWORDS)}-> ${b}]${alias}`
}

/** One random correction; what is refused because it makes no sense now is as good as any other. */
async function correct(workspace: WorkspaceId, pick: Pick, next: () => number, merges: string[]): Promise<string> {
  const [a, b, c] = [pick(NAMES), pick(NAMES), pick(NAMES)]
  const corrections: Record<string, () => Promise<unknown>> = {
    create: () => graph.createEntity(workspace, { name: a, type: 'made', description: `${a} made.` }, signal),
    describe: () => graph.updateEntity(workspace, a, { description: `${a} corrected.` }, signal),
    rename: () => graph.updateEntity(workspace, a, { name: `${a} ${Math.floor(next() * 3)}` }, signal),
    remove: () => graph.deleteEntity(workspace, a),
    relate: () => graph.createRelation(workspace, { source: a, target: b, keywords: [pick(KEYWORDS)] }, signal),
    correct: () => graph.updateRelation(workspace, { source: a, target: b }, next() < 0.5 ? { weight: 5 } : { keywords: ['mine'] }, signal),
    unrelate: () => graph.deleteRelation(workspace, { source: a, target: b }),
    merge: async () => merges.push((await graph.mergeEntities(workspace, { from: [a, c], into: b })).mergeId),
    undo: () => graph.undoMerge(workspace, pick(merges.length === 0 ? ['m_none'] : merges)),
  }
  const name = pick(Object.keys(corrections))
  try {
    await corrections[name]?.()
    return `${name} ${a} ${b} ${c}`
  } catch (error) {
    if (error instanceof AppError && ['not_found', 'conflict', 'invalid_request'].includes(error.code)) return `${name} refused`
    throw error
  }
}

const long = process.env['CHAOS'] === 'long'
const RUNS = long ? 20 : process.env['DATABASE_URL'] === undefined ? 3 : 6
const TIMEOUT_MS = long ? 3_600_000 : 300_000

test(`${RUNS} random walks of corrections, documents and deletions end in what is left of them`, { timeout: TIMEOUT_MS }, async () => {
  for (let seed = 1; seed <= RUNS; seed += 1) {
    const next = random(seed * 7919)
    const pick = picker(next)
    const workspace = workspaceId(`teacher-walk-${seed}`)
    const live = new Map<string, string>()
    const merges: string[] = []
    const steps: string[] = []
    for (let step = 0; step < 40; step += 1) {
      const fileId = `doc-${Math.floor(next() * 6)}`
      const kind = next()
      if (kind < 0.35) {
        const text = textOf(pick, next)
        await engine.ingest(workspace, fileId, text, `${fileId}.md`)
        live.set(fileId, text)
        steps.push(`ingest ${fileId} ${text}`)
      } else if (kind < 0.5 && live.delete(fileId)) {
        await engine.documents.remove(workspace, fileId)
        steps.push(`remove ${fileId}`)
      } else steps.push(await correct(workspace, pick, next, merges))
    }
    if (live.size === 0) continue
    const walked = await engine.digest(workspace)
    for (const fileId of shuffled([...live.keys()], next)) await engine.documents.remove(workspace, fileId)
    for (const [fileId, text] of shuffled([...live], next)) await engine.ingest(workspace, fileId, text, `${fileId}.md`)
    expect(await engine.digest(workspace), `seed ${seed}:\n${steps.join('\n')}`).toEqual(walked)
  }
})

test('corrections and documents in any order give one digest', { timeout: TIMEOUT_MS }, async () => {
  const workspace = workspaceId('teacher-any-order')
  const documents = [
    ['d1', '[Slope -prerequisite-> Line] [Graph|topic|g]'],
    ['d2', '[Line -prerequisite-> Slope] [Vertex -related-> Graph]'],
    ['d3', '[斜率|concept|s] [斜率 -related-> Vertex] [Slope|concept|x]'],
  ] as const
  const anchor =
    '[Slope|concept|a] [Line|concept|a] [斜率|concept|a] [Vertex|concept|a] [Graph|concept|a] [Graph -related-> Line] [Old|concept|o]'
  const corrections: (() => Promise<unknown>)[] = [
    () => graph.updateEntity(workspace, 'Line', { type: 'shape' }, signal),
    () => graph.mergeEntities(workspace, { from: ['斜率'], into: 'Slope' }),
    () => graph.deleteEntity(workspace, 'Old'),
    () => graph.updateRelation(workspace, { source: 'Line', target: 'Graph' }, { keywords: ['prerequisite'], weight: 3 }, signal),
    () =>
      graph
        .createEntity(workspace, { name: 'Made' }, signal)
        .then(() => graph.createRelation(workspace, { source: 'Made', target: 'Line' }, signal)),
  ]
  const digests = new Set<string>()
  for (let seed = 1; seed <= RUNS; seed += 1) {
    await engine.ingest(workspace, 'anchor', anchor, 'anchor.md')
    const steps = [
      ...documents.map(
        ([fileId, text]) =>
          () =>
            engine.ingest(workspace, fileId, text, `${fileId}.md`),
      ),
      ...corrections,
    ]
    for (const step of shuffled<() => Promise<unknown>>(steps, random(seed))) await step()
    digests.add(JSON.stringify(await engine.digest(workspace)))
    // The same workspace from nothing: ids of chunks hold its name, so another one has another digest.
    await openTestDatabase()
  }
  expect(digests.size).toBe(1)
})
