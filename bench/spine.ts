// What the spine costs: `npm run bench`. Ingest with built-in models and with a model server, searches as a workspace grows, a hub of the
// graph, start and rest. Every measurement is a process of its own. What the figures mean: bench/README.md.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, cpus } from 'node:os'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { HubFigures, HubOrder } from './spine/hub.ts'
import type { IngestFigures, IngestOrder } from './spine/ingest.ts'
import type { LargeFigures, LargeOrder } from './spine/large.ts'
import { freshPlace, modelSettings, startModels } from './spine/place.ts'
import { measureStart } from './spine/startup.ts'
import { printTable } from './spine/table.ts'

/** The first start's ways to name a server; without one the part on PostgreSQL is left out. */
const server = process.env['DATABASE_URL']
const SERVER_SIZES = [50, 200, 1000]
const EMBEDDED_SIZES = [50, 200]
const HUBS = [40, 10_000].flatMap((mentions) => [false, true].map((aliased) => ({ mentions, aliased })))
const HUB_DOCUMENTS = 15
const LARGE = [100, 1000, 3000]
const DATABASE_NAME = 'insight_bench'

/** What LightRAG 1.4 needed for documents of the same size on the machine of bench/README.md; stated, not measured here. */
const LIGHTRAG = { cpuPerDocument: 0.5, statements: 654, searchMs: 300 }

/** Runs a script of spine/ with an order and returns what it prints. */
async function measured<T>(script: string, order: unknown, extra: readonly string[] = []): Promise<T> {
  const path = fileURLToPath(new URL(`spine/${script}.ts`, import.meta.url))
  const child = spawn(process.execPath, [...extra, path, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')])
  if (child.exitCode !== 0) throw new Error(`${script} ended with ${child.exitCode}`)
  return JSON.parse(output) as T
}

type Part = { name: string; url: string | undefined; models: 'builtin' | 'server'; sizes: readonly number[] }

async function ingestPart({ url, models, sizes }: Part): Promise<IngestFigures> {
  const place = await freshPlace(url, DATABASE_NAME)
  const modelServer = models === 'server' ? await startModels() : undefined
  const env = { ...place.env, ...(modelServer === undefined ? {} : modelSettings(modelServer.url)) }
  try {
    const order: IngestOrder = { env, sizes, top: 0 }
    return await measured<IngestFigures>('ingest', order)
  } finally {
    modelServer?.process.kill('SIGTERM')
    await place.clear()
  }
}

function printIngest(parts: readonly { part: Part; figures: IngestFigures }[]): void {
  const row = (label: string, value: (figures: IngestFigures) => number, reference: string | number): (string | number)[] => [
    label,
    ...parts.map(({ figures }) => value(figures)),
    reference,
  ]
  const each = (name: keyof IngestFigures['ingest']) => (figures: IngestFigures) => figures.ingest[name] / figures.documents
  printTable(
    'Ingest, per document of 5 KB',
    ['', ...parts.map(({ part }) => part.name), 'LightRAG (stated)'],
    [
      row('documents measured', ({ documents }) => documents, ''),
      row('documents/s', ({ documents, ingest }) => documents / ingest.wall, ''),
      row('CPU s, our process', each('process'), `${LIGHTRAG.cpuPerDocument} (0.4–0.6)`),
      row('  of it main thread', each('main'), ''),
      row('CPU s, parser children', each('children'), ''),
      row('CPU s, database server', each('server'), ''),
      row('ratio of our CPU to it', (figures) => LIGHTRAG.cpuPerDocument / each('process')(figures), 1),
      row('SQL statements', each('statements'), LIGHTRAG.statements),
      row('rows written', each('rowsWritten'), ''),
      row('database KB', (figures) => each('bytes')(figures) / 1024, ''),
      row('publish ms, p50', ({ publishMs }) => publishMs.p50, ''),
      row('publish ms, p95', ({ publishMs }) => publishMs.p95, ''),
      row('chunks', ({ chunks, documents }) => chunks / documents, ''),
      row('entities in all', ({ entities }) => entities, ''),
      row('relations in all', ({ relations }) => relations, ''),
      row('main thread stall ms, max', ({ stallMs }) => stallMs.max, ''),
      row('main thread stall ms, p99.9', ({ stallMs }) => stallMs.p999, ''),
      row('resident MB at the end', ({ residentMb }) => residentMb, ''),
    ],
  )
}

function printSearches({ part, figures }: { part: Part; figures: IngestFigures }): void {
  const rows = figures.searches.flatMap(({ documents, modes }) =>
    modes.map(({ mode, p50, p95, cpu, server: serverMs }): (string | number)[] => [
      mode,
      documents,
      p50,
      p95,
      cpu,
      serverMs,
      LIGHTRAG.searchMs / p50,
    ]),
  )
  const heads = [
    'mode',
    'documents',
    'p50 ms',
    'p95 ms',
    'CPU ms',
    'server CPU ms',
    `${LIGHTRAG.searchMs} ms (LightRAG, 1,000, stated) / p50`,
  ]
  printTable(`Search, ${part.name}`, heads, rows)
}

async function hubPart(): Promise<void> {
  const place = await freshPlace(server, DATABASE_NAME)
  try {
    const { DATABASE_URL } = place.env
    const order: HubOrder = { env: DATABASE_URL === undefined ? {} : { DATABASE_URL }, hubs: HUBS, documents: HUB_DOCUMENTS }
    const found = await measured<HubFigures[]>('hub', order)
    const rows = found.map(({ mentions, aliased, publishMs, removeMs, rowsRead }) => [
      `${mentions} mentions${aliased ? ', each with an alias' : ''}`,
      publishMs,
      removeMs,
      rowsRead,
    ])
    printTable(`Publishing a document that touches a hub, median of ${HUB_DOCUMENTS}`, ['', 'publish ms', 'delete ms', 'rows read'], rows)
  } finally {
    await place.clear()
  }
}

async function largePart(): Promise<void> {
  const rows: (string | number)[][] = []
  for (const url of server === undefined ? [undefined] : [server, undefined]) {
    for (const chunks of LARGE) {
      const place = await freshPlace(url, DATABASE_NAME)
      try {
        const order: LargeOrder = { env: place.env, chunks }
        const found = await measured<LargeFigures>('large', order)
        rows.push([
          url === undefined ? 'PGlite' : 'PostgreSQL',
          found.chunks,
          found.publish,
          found.search,
          found.upload,
          found.stall,
          found.total,
        ])
      } finally {
        await place.clear()
      }
    }
  }
  const heads = ['', 'chunks', 'publish ms', 'longest search ms', 'longest upload ms', 'stall ms', 'in all ms']
  printTable('A large document, with searches and small uploads beside it', heads, rows)
}

async function startPart(): Promise<void> {
  const rows: (string | number)[][] = []
  for (const [name, url] of [['PGlite', undefined], ...(server === undefined ? [] : [['PostgreSQL', server]])] as [
    string,
    string | undefined,
  ][]) {
    const { readySeconds, seededSeconds, restMb, restWithParsersMb } = await measureStart(url, DATABASE_NAME)
    rows.push([name, readySeconds, seededSeconds, restMb, restWithParsersMb])
  }
  printTable('First start in an empty place', ['', 'ready s', 'seeded s', 'MB at rest', 'MB with parsers'], rows)
}

const PARTS: readonly Part[] = [
  ...(server === undefined
    ? []
    : [
        { name: 'PostgreSQL, built-in', url: server, models: 'builtin' as const, sizes: SERVER_SIZES },
        { name: 'PostgreSQL, server', url: server, models: 'server' as const, sizes: SERVER_SIZES },
      ]),
  { name: 'PGlite, built-in', url: undefined, models: 'builtin', sizes: EMBEDDED_SIZES },
]

process.stdout.write(`Node ${process.version}, ${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown processor'}\n`)
if (server === undefined) process.stdout.write('DATABASE_URL is not set: the part on PostgreSQL is left out.\n')
const results: { part: Part; figures: IngestFigures }[] = []
for (const part of PARTS) {
  const result = { part, figures: await ingestPart(part) }
  results.push(result)
  printSearches(result)
}
printIngest(results)
if (server !== undefined) await hubPart()
await largePart()
await startPart()
