// Callbacks between many tenants, several processes and a receiver that misbehaves: order, independence, replay, stops.
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { sql } from 'kysely'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { workspaceId } from '../../src/core/workspace.ts'
import { createJavaBackend } from '../../src/java/backend.ts'
import { OutboxDelivery, type OutboxOptions } from '../../src/jobs/outbox.ts'
import type { Database } from '../../src/ports/database.ts'
import * as outbox from '../../src/store/outbox.ts'
import { openTestDatabase } from '../support/database.ts'
import { memoryLog } from '../support/engine.ts'
import { until } from './support.ts'

type Received = { fileId: string; eventId: string; mark: number; status: number }

let database: Database
let receiver: Server
let base: string
let received: Received[]
let open: Map<string, ServerResponse[]>
let answer: (fileId: string, mark: number) => number | 'hold'
let deliveries: OutboxDelivery[]

beforeAll(async () => {
  database = await openTestDatabase()
})
beforeEach(async () => {
  await sql`truncate outbox`.execute(database.db)
  received = []
  open = new Map()
  answer = () => 200
  deliveries = []
  receiver = createServer((request, response) => {
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      const fileId = /files\/([^/]+)\//.exec(request.url ?? '')?.[1] ?? ''
      const mark = (JSON.parse(body) as { chunkCount: number }).chunkCount
      const status = answer(fileId, mark)
      received.push({ fileId, mark, eventId: String(request.headers['x-event-id']), status: status === 'hold' ? 0 : status })
      if (status === 'hold') open.set(fileId, [...(open.get(fileId) ?? []), response])
      else response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`
})
afterEach(async () => {
  receiver.closeAllConnections()
  await Promise.all(deliveries.map((delivery) => delivery.stop()))
  await new Promise((resolve) => receiver.close(resolve))
})

function deliver(options: Partial<OutboxOptions> = {}): OutboxDelivery {
  const vault = { seal: (text: string) => Buffer.from(text), open: (sealed: Buffer) => sealed.toString() }
  const java = createJavaBackend({ baseUrl: base })
  const delivery = new OutboxDelivery({
    database,
    java,
    vault,
    log: memoryLog(),
    pollMs: 10,
    scheduleMs: [5, 5, 5, 5],
    graceMs: 50,
    ...options,
  })
  deliveries.push(delivery)
  delivery.start()
  return delivery
}

/** `mark` tells events of one file apart and travels as chunkCount. */
const tell = (workspace: string, fileId: string, mark: number) =>
  outbox.add(database.db, workspaceId(workspace), {
    subject: fileId,
    kind: 'parse-status',
    body: { parseStatus: 'processing', chunkCount: mark, entityCount: 0, parseError: null, errorMessage: null },
    secret: null,
  })

const inState = async (state: string): Promise<number> => (await outbox.list(database.db, state, 1_000)).length
const arrived = (count: number) => until(() => Promise.resolve(received.length >= count ? true : undefined))
const settled = () => until(async () => ((await inState('pending')) === 0 ? true : undefined))

test('three processes deliver the events of every file in order and once each', async () => {
  for (let mark = 1; mark <= 5; mark++) for (let file = 0; file < 20; file++) await tell(`teacher-${file % 4}`, `f${file}`, mark)
  for (let process = 0; process < 3; process++) deliver()
  await settled()
  expect(received).toHaveLength(100)
  expect(new Set(received.map((call) => call.eventId)).size).toBe(100)
  for (let file = 0; file < 20; file++)
    expect(received.filter((call) => call.fileId === `f${file}`).map((call) => call.mark)).toEqual([1, 2, 3, 4, 5])
})

test('ten tenants whose receiver never answers delay no other tenant', async () => {
  answer = (fileId) => (fileId.startsWith('slow') ? 'hold' : 200)
  for (let tenant = 0; tenant < 10; tenant++)
    for (let file = 0; file < 20; file++) await tell(`teacher-slow${tenant}`, `slow-${tenant}-${file}`, 1)
  deliver()
  await arrived(40)
  for (let file = 0; file < 12; file++) await tell('teacher-quick', `quick-${file}`, 1)
  await until(async () => ((await inState('delivered')) === 12 ? true : undefined))
  expect(received.filter((call) => call.fileId.startsWith('slow')).length).toBe(40)
})

test('a newer state takes the place of one that did not arrive, and is not overtaken by it', async () => {
  answer = (_fileId, mark) => (mark === 1 ? 503 : 200)
  await tell('teacher-a', 'f', 1)
  deliver()
  await arrived(1)
  await tell('teacher-a', 'f', 2)
  await settled()
  expect(received.filter((call) => call.mark === 2).map((call) => call.status)).toEqual([200])
  expect(received.at(-1)?.mark).toBe(2)
  expect([await inState('superseded'), await inState('delivered')]).toEqual([1, 1])
})

test('a stop gives back what is on its way: the next process sends it at once, as the same event and the same attempt', async () => {
  answer = () => 'hold'
  await tell('teacher-a', 'f', 1)
  const first = deliver()
  await arrived(1)
  await first.stop()
  answer = () => 200
  deliver()
  await settled()
  expect(received.map((call) => call.status)).toEqual([0, 200])
  expect(new Set(received.map((call) => call.eventId)).size).toBe(1)
  expect((await outbox.list(database.db, 'delivered', 10)).map((row) => row.attempts)).toEqual([1])
})

test('a stop lets a callback that is on its way arrive', async () => {
  answer = () => 'hold'
  await tell('teacher-a', 'f', 1)
  const delivery = deliver({ graceMs: 10_000 })
  await arrived(1)
  const stopping = delivery.stop()
  open.get('f')?.[0]?.writeHead(200).end()
  await stopping
  expect(await inState('delivered')).toBe(1)
})

test('parked events are replayed by id or by time, except those that a later event has overtaken', async () => {
  answer = (fileId, mark) => (fileId === 'overtaken' && mark === 2 ? 200 : 404)
  await tell('teacher-a', 'old', 1)
  await tell('teacher-a', 'new', 1)
  await tell('teacher-a', 'other', 1)
  await tell('teacher-a', 'overtaken', 1)
  deliver()
  await until(async () => ((await inState('parked')) === 4 ? true : undefined))
  await tell('teacher-a', 'overtaken', 2)
  await settled()
  await sql`update outbox set created_at = now() - interval '2 days' where subject = 'old'`.execute(database.db)
  const other = (await outbox.list(database.db, 'parked', 10)).find((row) => row.subject === 'other')
  answer = () => 200
  const before = received.length
  expect(await outbox.replay(database.db, { eventIds: [other?.event_id ?? ''] })).toBe(1)
  await settled()
  expect(received.slice(before).map((call) => call.fileId)).toEqual(['other'])
  expect(await outbox.replay(database.db, { until: new Date(Date.now() - 86_400_000) })).toBe(1)
  await settled()
  expect(received.slice(before).map((call) => call.fileId)).toEqual(['other', 'old'])
  expect(await outbox.replay(database.db, { since: new Date(Date.now() - 86_400_000) })).toBe(1)
  await settled()
  expect(received.slice(before).map((call) => call.fileId)).toEqual(['other', 'old', 'new'])
  expect([await inState('parked'), await inState('superseded')]).toEqual([0, 1])
})
