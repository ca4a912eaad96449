// How the whole service bears more clients than it can answer: searches per second, latency and refusals with 8, 32, 128 and 512
// clients that ask without pause, while documents go in. Nothing may fail but by 429 or 503, and after the storm it answers as before.
//   DATABASE_URL=… node bench/load.ts [--seconds 20] [--documents 200] [--clients 8,32,128,512]
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import { servicePlace, startService } from '../test/support/service.ts'
import { printTable } from './spine/table.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '20' },
    documents: { type: 'string', default: '200' },
    clients: { type: 'string', default: '8,32,128,512' },
  },
})
const seconds = Number(values.seconds)
const TENANTS = 4
const TOPICS = ['一次函数', '二次函数', '勾股定理', '三角形', '方程', '抛物线', '对称轴', '斜率', 'photosynthesis', 'gravity']
const topic = (at: number): string => TOPICS[at % TOPICS.length] ?? ''
const textOf = (at: number): string =>
  Array.from(
    { length: 6 },
    (_, part) =>
      `# ${topic(at + part)}\n\n${topic(at)}与${topic(at + part)}有关，例${at}.${part}。${`${topic(at + part)}是重要的知识点。`.repeat(20)}`,
  ).join('\n\n')

const place = await servicePlace()
const service = await startService(place, { RATE_LIMIT_PER_MINUTE: '0', LOG_LEVEL: 'error' })
const agent = new Agent({ connections: null, pipelining: 1 })

async function upload(at: number): Promise<void> {
  const headers = { 'x-workspace': `teacher-${at % TENANTS}` }
  const fileId = `load-${at}`
  await service.call('POST', '/api/documents', { fileId, fileName: `${fileId}.md`, text: textOf(at) }, headers)
  for (;;) {
    const view = await service.call('GET', `/api/documents/${fileId}`, undefined, headers)
    if (view.json['parseStatus'] === 'completed') return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

type Outcome = { status: number; ms: number }

async function search(at: number): Promise<Outcome> {
  const started = performance.now()
  const answer = await request(`${service.url}/api/search`, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', 'x-workspace': `teacher-${at % TENANTS}` },
    body: JSON.stringify({ query: `${topic(at)}的例${at % 50}`, topK: 10 }),
  })
  await answer.body.dump()
  return { status: answer.statusCode, ms: performance.now() - started }
}

const percentile = (sorted: readonly number[], share: number): number =>
  Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0)

/** So many clients for so long, beside two that ingest; a refused client waits a second, as Retry-After would have it wait longer. */
async function stage(clients: number, forSeconds: number): Promise<Record<string, number>> {
  const ends = performance.now() + forSeconds * 1000
  const outcomes: Outcome[] = []
  let ingested = 0
  const client = async (number: number): Promise<void> => {
    for (let at = number; performance.now() < ends; at += 7) {
      const outcome = await search(at).catch(() => ({ status: 0, ms: 0 }))
      outcomes.push(outcome)
      if (outcome.status !== 200) await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
  const ingest = async (first: number): Promise<void> => {
    for (let at = first; performance.now() < ends; at += 2) {
      await upload(at % Number(values.documents))
      ingested += 1
    }
  }
  await Promise.all([...Array.from({ length: clients }, (_, number) => client(number)), ingest(0), ingest(1)])
  const good = outcomes.filter(({ status }) => status === 200).map(({ ms }) => ms)
  const refused = outcomes.filter(({ status }) => status === 429 || status === 503).map(({ ms }) => ms)
  return {
    clients,
    'searches/s': Math.round((good.length / forSeconds) * 10) / 10,
    'p50 ms': percentile(
      good.toSorted((a, b) => a - b),
      0.5,
    ),
    'p95 ms': percentile(
      good.toSorted((a, b) => a - b),
      0.95,
    ),
    'refused/s': Math.round((refused.length / forSeconds) * 10) / 10,
    failed: outcomes.length - good.length - refused.length,
    'documents in': ingested,
    load: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  }
}

for (let at = 0; at < Number(values.documents); at += 4) await Promise.all([0, 1, 2, 3].map((more) => upload(at + more)))
const rows: Record<string, number>[] = []
for (const clients of values.clients.split(',').map(Number)) rows.push(await stage(clients, seconds))
rows.push(await stage(8, seconds / 2))
printTable(
  `Searches beside ingest, ${seconds} s each`,
  Object.keys(rows[0] ?? {}),
  rows.map((row) => Object.values(row)),
)
await agent.close()
await service.stop()
await place.clear()
