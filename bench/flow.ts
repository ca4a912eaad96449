// How near calls of a model come to what its latency allows, and what 30 % of refusals cost: `npm run bench -- flow`. The server answers after
// 200 ms and runs in this process, so the figures hold what both need; how many slots are in use, seen by the server, tells the flow's own share.
import { loadavg } from 'node:os'
import { createFlows, flowingChat } from '../src/models/flow.ts'
import { createChatModel } from '../src/models/openai/chat.ts'
import { startModelServer } from '../test/support/model-server.ts'
import { endpointOf } from '../test/models/endpoint.ts'
import { printTable } from './spine/table.ts'

const LATENCY_MS = 200
const CALLS_PER_SLOT = 20
const signal = AbortSignal.timeout(600_000)

async function measure(concurrency: number, refused: number): Promise<string[]> {
  const server = await startModelServer({ latencyMs: LATENCY_MS })
  if (refused > 0) server.failAt('chat', refused, { kind: 'status', status: 429, retryAfterMs: 50 })
  const endpoint = endpointOf(server, { concurrency })
  const flow = createFlows(() => undefined)(endpoint)
  const chat = flowingChat(createChatModel(endpoint, undefined), flow, 'ingest')
  const calls = concurrency * CALLS_PER_SLOT
  const started = performance.now()
  const done = await Promise.allSettled(
    Array.from({ length: calls }, () => chat.complete({ messages: [{ role: 'user', content: '?' }] }, signal)),
  )
  const seconds = (performance.now() - started) / 1000
  const answered = done.filter(({ status }) => status === 'fulfilled').length
  const { chat: seen } = server.stats
  await server.close()
  const most = concurrency / (LATENCY_MS / 1000)
  return [
    String(concurrency),
    `${refused * 100} %`,
    `${answered}/${calls}`,
    (answered / seconds).toFixed(1),
    `${Math.round((100 * answered) / seconds / most)} %`,
    `${Math.round((100 * seen.busyMs) / (seen.lastAt - seen.firstAt) / concurrency)} %`,
    (seen.calls / calls).toFixed(2),
    String(seen.peakInFlight),
    String(flow.gate.limit),
  ]
}

const rows: string[][] = []
for (const concurrency of [8, 32]) for (const refused of [0, 0.3]) rows.push(await measure(concurrency, refused))
printTable(
  `Calls of a model that answers after ${LATENCY_MS} ms (load ${loadavg()[0]?.toFixed(1)})`,
  ['slots', 'refused', 'answered', 'a second', 'of slots/latency', 'slots in use', 'requests a call', 'peak', 'limit at the end'],
  rows,
)
