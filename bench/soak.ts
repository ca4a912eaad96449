// Searches and ingest at once for a bounded time, against the whole service as a process: does memory grow, do connections
// leak, does latency drift? Two minutes, or as long as --minutes says.
//   DATABASE_URL=… node bench/soak.ts [--minutes 20] [--clients 8] [--json report.json]
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { servicePlace, startService, type Service } from '../test/support/service.ts'

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '2' }, clients: { type: 'string', default: '8' }, json: { type: 'string' } },
})
const minutes = Number(values.minutes)
const clients = Number(values.clients)
/** Samples per run; at least the first fifth is warm-up. */
const SAMPLES = 20
/** Replaced again and again; warm-up lasts until each was in once, because until then there is more to search with every minute. */
const DOCUMENTS = 200

type Sample = {
  atSeconds: number
  rssMb: number
  /** What the memory is: JavaScript objects, buffers outside of them, and the parser processes beside this one. */
  heapMb: number
  externalMb: number
  childrenMb: number
  connections: number | null
  searches: number
  ingested: number
  failures: number
  p50Ms: number
  p95Ms: number
}

const TOPICS = ['一次函数', '二次函数', '勾股定理', '三角形', '方程', '抛物线', '对称轴', '斜率', 'photosynthesis', 'gravity']
const topic = (at: number): string => TOPICS[at % TOPICS.length] ?? ''

const textOf = (at: number): string =>
  Array.from({ length: 6 }, (_, part) =>
    `# ${topic(at + part)}\n\n${topic(at)}与${topic(at + part)}有关，例${at}.${part}。`.concat(
      `${topic(at + part)}是重要的知识点。`.repeat(20),
    ),
  ).join('\n\n')

/** Gauges of the service, in MB. */
async function gauges(): Promise<{ heapMb: number; externalMb: number }> {
  const { json } = await service.call('GET', '/metrics')
  const megabytes = (name: string): number => {
    const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(String(json['text']))?.[1]
    if (value === undefined) throw new Error(`/metrics says nothing of ${name}`)
    return Math.round(Number(value) / 2 ** 20)
  }
  return { heapMb: megabytes('nodejs_heap_size_used_bytes'), externalMb: megabytes('nodejs_external_memory_bytes') }
}

const childrenMb = (pid: number): number =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((child) => child !== '')
    .reduce((sum, child) => sum + rssMb(Number(child)), 0)

const rssMb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0

const place = await servicePlace()
const service: Service = await startService(place, { RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'error' })
const watcher = place.env['DATABASE_URL'] === undefined ? undefined : new pg.Client({ connectionString: place.env['DATABASE_URL'] })
await watcher?.connect()
const ends = performance.now() + minutes * 60_000
const counts = { searches: 0, ingested: 0, failures: 0 }
let latencies: number[] = []
const samples: Sample[] = []
let next = 0

async function search(client: number): Promise<void> {
  for (let at = client; performance.now() < ends; at++) {
    const started = performance.now()
    const answer = await service.call(
      'POST',
      '/api/search',
      { query: `${topic(at)}的例${at % 50}`, topK: 10 },
      { 'x-workspace': `teacher-${at % 4}` },
    )
    if (answer.status === 200) {
      counts.searches += 1
      latencies.push(performance.now() - started)
    } else counts.failures += 1
  }
}

/** Replaces the same documents again and again, so that the data does not grow and what grows is a leak. */
async function ingest(): Promise<void> {
  while (performance.now() < ends) {
    const at = next++
    const headers = { 'x-workspace': `teacher-${at % 4}` }
    const fileId = `soak-${at % DOCUMENTS}`
    const answer = await service.call('POST', '/api/documents', { fileId, fileName: `${fileId}.md`, text: textOf(at) }, headers)
    if (answer.status !== 202) {
      counts.failures += 1
      continue
    }
    for (;;) {
      const view = await service.call('GET', `/api/documents/${fileId}`, undefined, headers)
      if (view.json['parseStatus'] === 'completed') {
        counts.ingested += 1
        break
      }
      if (view.json['parseStatus'] === 'failed') {
        counts.failures += 1
        break
      }
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function sample(): Promise<void> {
  const began = performance.now()
  for (let at = 1; at <= SAMPLES; at++) {
    const wait = began + (at * minutes * 60_000) / SAMPLES - performance.now()
    await new Promise((resolve) => setTimeout(resolve, wait))
    const sorted = latencies.toSorted((a, b) => a - b)
    latencies = []
    const open = await watcher?.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where application_name = 'insight-rag' and datname = current_database()`,
    )
    const one: Sample = {
      atSeconds: Math.round((performance.now() - began) / 1000),
      rssMb: Math.round(rssMb(service.process.pid ?? 0)),
      ...(await gauges()),
      childrenMb: Math.round(childrenMb(service.process.pid ?? 0)),
      connections: open?.rows[0]?.n ?? null,
      ...counts,
      p50Ms: Math.round(percentile(sorted, 0.5)),
      p95Ms: Math.round(percentile(sorted, 0.95)),
    }
    samples.push(one)
    process.stdout.write(`${JSON.stringify(one)}\n`)
  }
}

const work = [...Array.from({ length: clients }, (_, client) => search(client * 1_000)), ingest(), ingest()]
await sample()
await Promise.all(work)
await watcher?.end()
const code = await service.stop()
await place.clear()

const warm = samples.filter((one, at) => at >= SAMPLES / 5 && one.ingested >= DOCUMENTS)
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
const half = Math.floor(warm.length / 2)
const growth = (of: 'rssMb' | 'heapMb' | 'childrenMb' | 'p50Ms' | 'p95Ms'): number => {
  const [before, after] = [warm.slice(0, half), warm.slice(half)].map((part) => mean(part.map((one) => one[of])))
  return Math.round(((after ?? 0) / (before ?? 0) - 1) * 1000) / 1000
}
const report = {
  minutes,
  clients,
  database: place.env['DATABASE_URL'] === undefined ? 'pglite' : 'postgres',
  ...counts,
  warmSamples: warm.length,
  searchesPerSecond: Math.round((counts.searches / (minutes * 60)) * 10) / 10,
  /** Second half against first, after warm-up. */
  rssGrowth: growth('rssMb'),
  heapGrowth: growth('heapMb'),
  childrenGrowth: growth('childrenMb'),
  p50Drift: growth('p50Ms'),
  p95Drift: growth('p95Ms'),
  mostConnections: Math.max(...samples.map((one) => one.connections ?? 0)),
  exitCode: code,
  samples,
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`)
process.stdout.write(`${JSON.stringify({ ...report, samples: undefined }, null, 2)}\n`)
