// How fast the modes answer: `npm run bench -- retrieval [--chunks 100000]`. Needs DATABASE_URL (native PostgreSQL). Everything is built in a
// scratch database that is dropped at the end, or with --database NAME in one that is kept: what was built there is not built again, so that
// a large library can be built and measured in several runs. --only 100000 measures one of its workspaces, --plans prints the plans of the
// largest one's statements instead of times. The question's vector is made up, so that no model's time is measured.
import { parseArgs } from 'node:util'
import { type RawBuilder, sql } from 'kysely'
import pg from 'pg'
import { quantile } from '../src/core/evaluation.ts'
import { type Leg, type Mode, MODE_TABLE, MODES } from '../src/core/modes.ts'
import { type WorkspaceId, workspaceId, workspaceScope } from '../src/core/workspace.ts'
import { openDatabase } from '../src/drivers/postgres.ts'
import { openScratchDatabase } from '../src/drivers/scratch.ts'
import { createModels } from '../src/models/create.ts'
import type { Database } from '../src/ports/database.ts'
import { type EmbeddingModel, type Models, NO_USAGE } from '../src/ports/models.ts'
import type { Retrieval, SearchRequest } from '../src/services/api.ts'
import { plansDuring } from '../test/support/plans.ts'
import { searchRequest } from '../test/support/requests.ts'
import { indexSizes, lexicalLeg } from '../src/services/retrieve/lexical-leg.ts'
import { newMemory } from '../src/services/retrieve/memory.ts'
import { planSearch } from '../src/services/retrieve/plan.ts'
import { createRetrieval } from '../src/services/retrieve/retrieval.ts'
import { TIER_THRESHOLDS } from '../src/services/tiers.ts'
import { analyze } from '../src/store/corpus.ts'
import { type ScopedTx, withScope } from '../src/store/scope.ts'
import { efSearch, nearest, searchSettings } from '../src/store/search-vectors.ts'
import { indexOwn } from '../src/store/tiers.ts'
import { VECTOR_KINDS, type VectorKind } from '../src/store/vectors.ts'
import * as workspaces from '../src/store/workspaces.ts'
import { fillLibrary, Library, type LibrarySize, moveEmpty } from './retrieval-data.ts'
import { watchStatements } from './spine/meter.ts'

const { values: options } = parseArgs({
  options: {
    chunks: { type: 'string', default: '100000' },
    questions: { type: 'string', default: '100' },
    database: { type: 'string' },
    only: { type: 'string' },
    plans: { type: 'boolean', default: false },
    'build-only': { type: 'boolean', default: false },
  },
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

const request = (query: string, mode: Mode, more: Partial<SearchRequest> = {}): SearchRequest => searchRequest({ query, mode, ...more })

const WARM_UP = 5
const median = (ms: readonly number[]): number =>
  quantile(
    ms.toSorted((a, b) => a - b),
    0.5,
  )

function report(name: string, ms: readonly number[], more = ''): void {
  const sorted = ms.toSorted((a, b) => a - b)
  console.log(
    `${name.padEnd(34)} p50 ${quantile(sorted, 0.5).toFixed(1).padStart(7)} ms   p95 ${quantile(sorted, 0.95).toFixed(1).padStart(7)} ms${more}`,
  )
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

async function sequential(count: number, work: () => Promise<unknown>): Promise<number[]> {
  for (let warm = 0; warm < WARM_UP; warm += 1) await work()
  const ms: number[] = []
  for (let index = 0; index < count; index += 1) ms.push(await timed(work))
  return ms
}

async function concurrent(clients: number, count: number, work: () => Promise<unknown>): Promise<number[]> {
  const runs = await Promise.all(Array.from({ length: clients }, () => sequential(Math.ceil(count / clients), work)))
  return runs.flat()
}

async function snapshot<T>(
  database: Database,
  workspace: WorkspaceId,
  work: (tx: ScopedTx, row: workspaces.WorkspaceRow) => Promise<T>,
): Promise<T> {
  const [row] = await workspaces.inScope(database.db, [workspace])
  if (!row) throw new Error(`${workspace} is not there`)
  return withScope(database, workspaceScope(workspace), (tx) => work(tx, row), {
    snapshot: true,
    settings: searchSettings([row], WANTED),
  })
}

/** As many as mode `auto` wants of an index at most. */
const WANTED = 90

/** What no mode can be faster than: the bare statement of each of its legs, in a transaction of its own. */
const FLOORS: Readonly<Record<Leg, (database: Database, workspace: WorkspaceId) => Promise<unknown>>> = {
  vector: probe('chunk', 20),
  entity: probe('entity', 30),
  relation: probe('relation', 30),
  lexical: async (database, workspace) => {
    const plan = await planSearch(undefined, request(library.question(), 'lexical'), signal)
    return snapshot(database, workspace, async (tx, row) =>
      lexicalLeg(tx, plan, [row], await indexSizes(tx, [row], remembered), remembered, 20),
    )
  },
}
const remembered = newMemory()

function probe(kind: VectorKind, limit: number): (database: Database, workspace: WorkspaceId) => Promise<unknown> {
  return (database, workspace) =>
    snapshot(database, workspace, (tx, row) =>
      sql`select n.id from (${nearest(tx, kind, [{ workspace: row, vector: library.vector() }], limit)}) n`.execute(tx),
    )
}

/** Share of the ten nearest chunks that the index shows among as many as `auto` reads. */
async function recallOfIndex(database: Database, workspace: WorkspaceId, questions: number): Promise<void> {
  let found = 0
  let candidates = 0
  for (let index = 0; index < questions; index += 1) {
    found += await snapshot(database, workspace, async (tx, row) => {
      candidates = efSearch(row.own_rows, WANTED)
      const probes = [{ workspace: row, vector: library.vector() }]
      const ids = async (part: RawBuilder<unknown>): Promise<string[]> =>
        (await sql<{ id: string }>`select id from (${part}) n`.execute(tx)).rows.map(({ id }) => id)
      const shown = new Set(await ids(nearest(tx, 'chunk', probes, 60)))
      return (await ids(nearest(tx, 'chunk', probes, 10, () => sql``))).filter((id) => shown.has(id)).length / 10
    })
  }
  console.log(`recall@10 of the vector leg ${(found / questions).toFixed(3)} with ${candidates} candidates`)
}

const FILTERED: readonly [mode: Mode, share: string, filters: SearchRequest['filters']][] = [
  ['naive', '1 in 1,000', { thousandth: 17 }],
  ['auto', '1 in 10', { tenth: 1 }],
  ['auto', 'half', { half: 1 }],
]

async function measure(name: string, database: Database, retrieval: Retrieval, workspace: WorkspaceId, questions: number): Promise<void> {
  console.log(`\n${name}`)
  await recallOfIndex(database, workspace, questions)
  const floors = new Map<Leg, number>()
  for (const leg of ['vector', 'lexical', 'entity', 'relation'] as const) {
    const ms = await sequential(questions, () => FLOORS[leg](database, workspace))
    floors.set(leg, median(ms))
    report(`floor: ${leg}`, ms)
  }
  for (const mode of MODES.filter((one) => one !== 'bypass')) {
    watched.statements.clear()
    const ms = await sequential(questions, () => retrieval.search(workspaceScope(workspace), request(library.question(), mode), signal))
    const statements = [...watched.statements.values()].reduce((sum, { calls }) => sum + calls, 0) / (questions + WARM_UP)
    const floor = MODE_TABLE[mode].legs.reduce((sum, leg) => sum + (floors.get(leg) ?? 0), 0)
    report(mode, ms, `   ${(median(ms) / floor).toFixed(1)} × the sum of its floors   ${statements.toFixed(1)} statements`)
  }
  for (const [mode, share, filters] of FILTERED) {
    report(
      `${mode}, filter ${share}`,
      await sequential(questions, () =>
        retrieval.search(workspaceScope(workspace), request(library.question(), mode, { filters }), signal),
      ),
    )
  }
}

async function measureCrowd(name: string, retrieval: Retrieval, workspace: WorkspaceId, questions: number): Promise<void> {
  console.log(`\n${name}`)
  const search = (mode: Mode) => () => retrieval.search(workspaceScope(workspace), request(library.question(), mode), signal)
  for (const mode of ['naive', 'lexical', 'hybrid', 'auto'] as const) report(mode, await concurrent(8, questions, search(mode)))
}

/** Every statement once, under the first mode that sends it. */
async function printPlans(retrieval: Retrieval, workspace: WorkspaceId | undefined): Promise<void> {
  if (workspace === undefined) return
  const shown = new Set<string>()
  for (const mode of MODES.filter((one) => one !== 'bypass')) {
    const search = () => retrieval.search(workspaceScope(workspace), request(library.question(), mode), signal)
    await search()
    for (const { text, plan } of await plansDuring(search)) {
      if (!shown.has(text)) console.log(`\n${mode}: ${text.replaceAll(/\s+/g, ' ').trim().slice(0, 300)}\n${plan}`)
      shown.add(text)
    }
  }
}

/** Made when missing, and kept. */
async function openKept(server: string, name: string): Promise<Database> {
  const client = new pg.Client({ connectionString: server })
  await client.connect()
  const found = await client.query('select from pg_database where datname = $1', [name])
  if (found.rows.length === 0) await client.query(`create database ${pg.escapeIdentifier(name)}`)
  await client.end()
  const own = new URL(server)
  own.pathname = `/${name}`
  return openDatabase({ url: own.href, directory: undefined, poolSize: 8 })
}

type Tenant = { workspace: WorkspaceId; size: LibrarySize }

async function build(database: Database, tenants: readonly Tenant[]): Promise<void> {
  const spaceId = await workspaces.ensureSpace(database.db, embedding.model, DIM)
  const there = new Set<string>(await workspaces.all(database.db))
  for (const { workspace, size } of tenants) {
    const isLarge = size.relations >= TIER_THRESHOLDS.promoteAt
    if (!there.has(workspace)) {
      if (isLarge) await moveEmpty(database, workspace, spaceId, DIM)
      const ms = await timed(() => fillLibrary(database, workspace, spaceId, size, library))
      console.log(`${size.chunks} chunks, ${size.entities} entities, ${size.relations} relations written in ${(ms / 1000).toFixed(1)} s`)
    }
    for (const kind of isLarge ? VECTOR_KINDS : []) {
      const ms = await timed(() => indexOwn(database, workspace, kind, DIM))
      console.log(`${size.chunks} chunks: ${kind} vectors indexed in ${(ms / 1000).toFixed(1)} s`)
    }
  }
  await analyze(database.db)
}

const watched = watchStatements()
const database = options.database === undefined ? await openScratchDatabase(url) : await openKept(url, options.database)
try {
  const chunks = Number(options.chunks)
  const questions = Number(options.questions)
  const tenants = [...[100, 1000, 5000, 20_000].filter((count) => count < chunks), chunks].map((count): Tenant => ({
    workspace: workspaceId(`teacher-${count}`),
    size: { chunks: count, entities: Math.ceil(count / 2), relations: Math.ceil(count * 1.5) },
  }))
  await build(database, tenants)
  const largest = tenants.at(-1)
  const retrieval = createRetrieval({ database, models })
  if (options.plans) await printPlans(retrieval, largest?.workspace)
  else if (!options['build-only']) {
    for (const { workspace, size } of tenants) {
      if (options.only !== undefined && Number(options.only) !== size.chunks) continue
      await measure(`${size.chunks} chunks`, database, retrieval, workspace, questions)
    }
    if (largest) await measureCrowd(`${largest.size.chunks} chunks, 8 clients`, retrieval, largest.workspace, questions)
  }
} finally {
  await database.close()
}
