// One measured process: ingests documents into an empty database and searches at given sizes. Prints its figures as one line of JSON.
//   node bench/spine/ingest.ts '{"sizes": [50, 200], "env": {…}, "top": 0}'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { MODES, type Mode } from '../../src/core/modes.ts'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { searchRequest } from '../../test/support/requests.ts'
import { document, questions } from './corpus.ts'
import {
  difference,
  quantile,
  read,
  type Reading,
  residentMegabytes,
  serverSeconds,
  type StatementCount,
  watchStatements,
} from './meter.ts'
import { startApp } from './place.ts'

export type IngestOrder = {
  env: Record<string, string>
  /** Documents in the workspace at which modes are measured, ascending. */
  sizes: readonly number[]
  /** How many of the costliest statements to tell. */
  top: number
}
/** Milliseconds of one search: wall clock, and processor time of this process and of the database server. */
export type ModeFigures = { mode: Mode; p50: number; p95: number; cpu: number; server: number }
export type IngestFigures = {
  /** Documents that the reading is of; searches in between are not in it. */
  documents: number
  ingest: Reading
  publishMs: { p50: number; p95: number }
  chunks: number
  entities: number
  relations: number
  /** Longest time the main thread did not answer while documents were ingested, in ms, and the 99.9th percentile. */
  stallMs: { max: number; p999: number }
  residentMb: number
  searches: { documents: number; modes: ModeFigures[] }[]
  statements: StatementCount[]
}

const WORKSPACE = workspaceId('teacher-bench')
/** Documents before the measurement, so that compilation and the first parser process are not in it. */
const WARM_UP = 10
const WARM_UP_QUESTIONS = 5
const QUESTIONS = 40
/** Documents under way: more than the workers, so that they never wait for the next. */
const UNDER_WAY = 16
const GIVE_UP_MS = 60_000

const order = JSON.parse(process.argv[2] ?? '{}') as IngestOrder
const watched = watchStatements()
const onServer = order.env['DATABASE_URL'] !== undefined
const app = await startApp(order.env)
const { db } = app.deps.database

/** Resolves at the next publish; documents are not asked one by one, for that would cost statements. */
function nextPublish(): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no document was completed for a minute')), GIVE_UP_MS)
    watched.onPublish = () => {
      clearTimeout(timer)
      resolve()
    }
  })
}

async function ingest(from: number, to: number): Promise<void> {
  const published = (): number => watched.publishMs.length
  for (let number = from; number < to; number++) {
    while (number - published() >= UNDER_WAY) await nextPublish()
    const { fileId, fileName, text } = document(number)
    await app.engine.documents.upload(WORKSPACE, { fileId, fileName, bytes: Buffer.from(text), options: DEFAULT_PARSE_OPTIONS }, undefined)
  }
  while (published() < to) await nextPublish()
}

async function searchMode(mode: Mode): Promise<ModeFigures> {
  const search = (query: string): Promise<unknown> =>
    app.engine.retrieval.search(workspaceScope(WORKSPACE), searchRequest({ query, mode }), AbortSignal.timeout(GIVE_UP_MS))
  const asked = questions(QUESTIONS)
  for (const query of asked.slice(0, WARM_UP_QUESTIONS)) await search(query)
  const times: number[] = []
  const usage = process.cpuUsage()
  const serverBefore = onServer ? await serverSeconds(db) : 0
  for (const query of asked) {
    const started = performance.now()
    await search(query)
    times.push(performance.now() - started)
  }
  const { user, system } = process.cpuUsage(usage)
  const server = onServer ? ((await serverSeconds(db)) - serverBefore) * 1000 : 0
  return {
    mode,
    p50: quantile(times, 0.5),
    p95: quantile(times, 0.95),
    cpu: (user + system) / 1000 / asked.length,
    server: server / asked.length,
  }
}

async function run(): Promise<IngestFigures> {
  await ingest(0, WARM_UP)
  watched.statements.clear()
  const sums: Reading[] = []
  const searches: IngestFigures['searches'] = []
  const stallMs = { max: 0, p999: 0 }
  let done = WARM_UP
  for (const size of order.sizes) {
    const before = await read(db, watched, onServer)
    const delay = monitorEventLoopDelay({ resolution: 1 })
    delay.enable()
    await ingest(done, size)
    delay.disable()
    stallMs.max = Math.max(stallMs.max, delay.max / 1e6)
    stallMs.p999 = Math.max(stallMs.p999, delay.percentile(99.9) / 1e6)
    sums.push(difference(await read(db, watched, onServer), before))
    done = size
    watched.paused = true
    const modes: ModeFigures[] = []
    for (const mode of MODES) if (mode !== 'bypass') modes.push(await searchMode(mode))
    watched.paused = false
    searches.push({ documents: size, modes })
  }
  const total = sums.reduce(
    (sum, one) => Object.fromEntries(Object.entries(sum).map(([name, value]) => [name, value + one[name as keyof Reading]])) as Reading,
  )
  const [view] = await app.engine.workspaces.list(workspaceScope(WORKSPACE))
  const published = watched.publishMs.slice(WARM_UP)
  return {
    documents: done - WARM_UP,
    ingest: total,
    publishMs: { p50: quantile(published, 0.5), p95: quantile(published, 0.95) },
    chunks: view?.chunks ?? 0,
    entities: view?.entities ?? 0,
    relations: view?.relations ?? 0,
    stallMs,
    residentMb: residentMegabytes('self'),
    searches,
    statements: [...watched.statements.values()].toSorted((a, b) => b.ms - a.ms).slice(0, order.top),
  }
}

const figures = await run()
await app.stopWork()
await app.close()
process.stdout.write(`${JSON.stringify(figures)}\n`)
