// How fast the modes answer: `node bench/retrieval.ts [--chunks 100000]`. Needs DATABASE_URL (native PostgreSQL); everything is
// built in a scratch database beside it and dropped at the end. The question's vector is made up, so that no model's time is measured.
import { parseArgs } from 'node:util'
import { quantile } from '../src/core/evaluation.ts'
import { type Mode, MODES } from '../src/core/modes.ts'
import { type WorkspaceId, workspaceId, workspaceScope } from '../src/core/workspace.ts'
import { openScratchDatabase } from '../src/drivers/scratch.ts'
import { createModels } from '../src/models/create.ts'
import type { Database } from '../src/ports/database.ts'
import { type EmbeddingModel, type Models, NO_USAGE } from '../src/ports/models.ts'
import type { Retrieval, SearchRequest } from '../src/services/api.ts'
import { createRetrieval } from '../src/services/retrieve/retrieval.ts'
import { promote } from '../src/services/tiers.ts'
import { analyze } from '../src/store/corpus.ts'
import { withScope } from '../src/store/scope.ts'
import { nearestChunks, SEARCH_SETTINGS } from '../src/store/search-vectors.ts'
import * as workspaces from '../src/store/workspaces.ts'
import { fillLibrary, Library, type LibrarySize } from './retrieval-data.ts'

const { values: options } = parseArgs({
  options: { chunks: { type: 'string', default: '100000' }, questions: { type: 'string', default: '100' } },
})
const DIM = 1024
const url = process.env['DATABASE_URL']
if (url === undefined) throw new Error('Set DATABASE_URL to a PostgreSQL server.')

const library = new Library(1, DIM)
const signal = AbortSignal.timeout(3_600_000)

/** A model whose answers cost nothing. */
const embedding: EmbeddingModel = {
  model: 'bench/random',
  dim: DIM,
  maxBatch: 64,
  embed: async (texts) => ({ vectors: texts.map(() => library.vector()), truncated: 0, usage: NO_USAGE }),
}
const models: Models = { ...createModels({}), embedding, embeddingFor: () => embedding }

const request = (query: string, mode: Mode, more: Partial<SearchRequest> = {}): SearchRequest => ({
  query,
  mode,
  topK: 10,
  chunkTopK: 20,
  collections: [],
  filters: {},
  highLevelKeywords: [],
  lowLevelKeywords: [],
  rerank: false,
  maxEntityTokens: 6000,
  maxRelationTokens: 8000,
  maxTotalTokens: 30_000,
  explain: false,
  ...more,
})

function report(name: string, ms: readonly number[]): void {
  const sorted = ms.toSorted((a, b) => a - b)
  console.log(
    `${name.padEnd(34)} p50 ${quantile(sorted, 0.5).toFixed(1).padStart(7)} ms   p95 ${quantile(sorted, 0.95).toFixed(1).padStart(7)} ms`,
  )
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function sequential(count: number, work: () => Promise<unknown>): Promise<number[]> {
  for (let warm = 0; warm < 5; warm += 1) await work()
  const ms: number[] = []
  for (let index = 0; index < count; index += 1) ms.push(await timed(work))
  return ms
}

async function concurrent(clients: number, count: number, work: () => Promise<unknown>): Promise<number[]> {
  const runs = await Promise.all(Array.from({ length: clients }, () => sequential(Math.ceil(count / clients), work)))
  return runs.flat()
}

/** The bare nearest-neighbour statement: what no mode can be faster than. */
function floor(database: Database, workspace: WorkspaceId): Promise<unknown> {
  return withScope(
    database,
    workspaceScope(workspace),
    async (tx) => {
      const rows = await workspaces.inScope(tx, [workspace])
      return nearestChunks(
        tx,
        rows.map((row) => ({ workspace: row, vector: library.vector() })),
        20,
        undefined,
      )
    },
    { snapshot: true, settings: SEARCH_SETTINGS },
  )
}

async function measure(name: string, database: Database, retrieval: Retrieval, workspace: WorkspaceId, questions: number): Promise<void> {
  console.log(`\n${name}`)
  report('nearest chunks alone', await sequential(questions, () => floor(database, workspace)))
  for (const mode of MODES.filter((one) => one !== 'bypass')) {
    report(mode, await sequential(questions, () => retrieval.search(workspaceScope(workspace), request(library.question(), mode), signal)))
  }
  report(
    'naive, filter 1 in 1,000',
    await sequential(questions, () =>
      retrieval.search(workspaceScope(workspace), request(library.question(), 'naive', { filters: { year: 2017 } }), signal),
    ),
  )
}

const database = await openScratchDatabase(url)
try {
  const chunks = Number(options.chunks)
  const questions = Number(options.questions)
  const spaceId = await workspaces.ensureSpace(database.db, embedding.model, DIM)
  const sizes = [100, 1000, 5000, 20_000].filter((count) => count < chunks)
  const tenants = [...sizes, chunks].map((count) => ({
    workspace: workspaceId(`teacher-${count}`),
    size: { chunks: count, entities: Math.ceil(count / 2), relations: Math.ceil(count * 1.5) } satisfies LibrarySize,
  }))
  for (const { workspace, size } of tenants) {
    const ms = await timed(() => fillLibrary(database, workspace, spaceId, size, library))
    console.log(`${size.chunks} chunks, ${size.entities} entities, ${size.relations} relations written in ${(ms / 1000).toFixed(1)} s`)
  }
  await analyze(database.db)
  for (const { workspace, size } of tenants.filter((tenant) => tenant.size.chunks >= 10_000)) {
    console.log(
      `${size.chunks} promoted in ${((await timed(() => promote(database, { workspace_id: workspace, dim: DIM }))) / 1000).toFixed(1)} s`,
    )
  }
  await analyze(database.db)
  const retrieval = createRetrieval({ database, models })
  for (const { workspace, size } of tenants) await measure(`${size.chunks} chunks`, database, retrieval, workspace, questions)
  const largest = tenants.at(-1)
  if (largest) {
    console.log(`\n${largest.size.chunks} chunks, 8 clients`)
    for (const mode of ['naive', 'lexical', 'hybrid', 'auto'] as const) {
      report(
        mode,
        await concurrent(8, questions, () =>
          retrieval.search(workspaceScope(largest.workspace), request(library.question(), mode), signal),
        ),
      )
    }
  }
} finally {
  await database.close()
}
