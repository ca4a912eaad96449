// Events of a release as their receiver sees them: signed, in order, each once, and again after a failure.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventEnvelope, type EventEnvelope } from '../../../src/core/release-events.ts'
import { callbackSignature } from '../../../src/java/signature.ts'
import { createEventWebhook } from '../../../src/java/webhook.ts'
import { OutboxDelivery } from '../../../src/jobs/outbox.ts'
import type { Database } from '../../../src/ports/database.ts'
import { openTestDatabase } from '../../support/database.ts'
import { openPlace, sample } from './support.ts'

type Received = { event: EventEnvelope; id: string; signed: boolean }

let database: Database
let receiver: Server
const received: Received[] = []
let refuse = 0

beforeAll(async () => {
  database = await openTestDatabase()
  receiver = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const [id, time] = [String(request.headers['x-event-id']), Number(request.headers['x-timestamp'])]
      const body = Buffer.concat(parts).toString()
      refuse -= 1
      if (refuse < 0) {
        const signed = request.headers['x-signature'] === callbackSignature('a secret', id, time, body)
        received.push({ event: eventEnvelope.parse(JSON.parse(body)), id, signed })
      }
      response.writeHead(refuse < 0 ? 204 : 503).end()
    })
  })
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve))
})

afterAll(() => new Promise((resolve) => receiver.close(resolve)))

test('every event arrives signed and in order, also when the receiver was down at first', async () => {
  const place = openPlace(database, 'webhook')
  await place.engine.outbox.stop()
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/events`
  place.engine.deps.eventsUrl = url
  refuse = 2
  const delivery = new OutboxDelivery({
    database,
    java: undefined,
    events: createEventWebhook({ url, secret: 'a secret' }),
    vault: place.engine.deps.vault,
    log: place.engine.log,
    pollMs: 20,
    scheduleMs: [1, 1, 1, 1],
  })
  delivery.start()
  await place.built(sample())
  const { events } = await place.releases.events(place.kb, 0, 500)
  while (received.length < events.length) await new Promise((resolve) => setTimeout(resolve, 10))
  expect(received.map(({ event }) => event.event_id)).toEqual(events.map((event) => event.event_id))
  expect(received.every(({ signed }) => signed)).toBe(true)
  expect(new Set(received.map(({ id }) => id)).size).toBe(events.length)
  await delivery.stop()
  await place.engine.close()
})
