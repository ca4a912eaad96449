// A worker process that is stopped (SIGSTOP) in the middle of its work and woken long after another has done it commits nothing.
import { createServer, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import type { Database } from '../../src/ports/database.ts'
import { workspaceDigest } from '../../src/store/digest.ts'
import { withScope } from '../../src/store/scope.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { onServer } from '../support/own-postgres.ts'
import { type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'
import { jobOf, until } from './support.ts'

const there = process.env['DATABASE_URL'] !== undefined
const teacher = workspaceId('teacher-paused')
const DIM = 8

let models: Server
let place: ServicePlace
let database: Database
/** Requests that wait for their vectors. */
let held: { response: ServerResponse; texts: string[] }[] = []
let holding = true
const running: Service[] = []

function answer(response: ServerResponse, texts: readonly string[]): void {
  const data = texts.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: Array.from({ length: DIM }, (_, at) => ((text.length + at) % 7) + 1),
  }))
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify({ object: 'list', model: 'held', data, usage: { prompt_tokens: 1, total_tokens: 1 } }))
}

beforeAll(async () => {
  if (!there) return
  models = createServer((request, response) => {
    // The list of models, which a starting service asks for.
    if (request.method === 'GET') return void response.writeHead(404).end()
    let body = ''
    request.on('data', (part: Buffer) => (body += part.toString()))
    request.on('end', () => {
      const texts = (JSON.parse(body) as { input: string[] }).input
      if (holding && texts.some((text) => text.includes('paused'))) held.push({ response, texts })
      else answer(response, texts)
    })
  })
  models.listen(0, '127.0.0.1')
  await once(models, 'listening')
  place = await servicePlace()
})
afterAll(async () => {
  if (!there) return
  for (const service of running) service.process.kill('SIGKILL')
  models.closeAllConnections()
  models.close()
  await database.close()
  await place.clear()
})

async function start(role: 'worker' | 'api'): Promise<Service> {
  const service = await startService(place, {
    ROLE: role,
    WORKER_CONCURRENCY: '1',
    LOG_LEVEL: 'error',
    EXTRACTION: 'none',
    EMBEDDING_PROVIDER: 'openai',
    EMBEDDING_BASE_URL: `http://127.0.0.1:${(models.address() as AddressInfo).port}`,
    EMBEDDING_API_KEY: 'key',
    EMBEDDING_MODEL_NAME: 'held',
    EMBEDDING_DIM: String(DIM),
  })
  running.push(service)
  return service
}

const upload = (api: Service, fileId: string, text: string) =>
  api.call('POST', '/api/documents', { fileId, fileName: `${fileId}.md`, text }, { 'x-workspace': teacher })
const completed = (api: Service, fileId: string) =>
  until(async () => {
    const view = await api.call('GET', `/api/documents/${fileId}`, undefined, { 'x-workspace': teacher })
    return view.json['parseStatus'] === 'completed' ? view.json : undefined
  })
const digest = () =>
  withScope(database, workspaceScope(teacher), async (tx) => {
    const [home] = await workspaces.inScope(tx, [teacher])
    if (home === undefined) throw new Error('the workspace does not exist')
    return workspaceDigest(tx, teacher, home)
  })

test.skipIf(!there)('a process stopped for longer than its lease commits nothing when it wakes', { timeout: 240_000 }, async () => {
  const paused = await start('worker')
  const api = await start('api')
  database = await openDatabase({ url: place.env['DATABASE_URL'], directory: undefined, poolSize: 2 })
  expect((await upload(api, 'doc', '# paused\n\nfirst words of the paused document')).status).toBe(202)
  await until(() => Promise.resolve(held.length > 0 ? true : undefined))
  paused.process.kill('SIGSTOP')
  holding = false
  // The time that the lease takes to run out, without waiting for it.
  await onServer(place.env['DATABASE_URL'] ?? '', `update jobs set lease_until = now() - interval '1 second' where state = 'running'`)
  const other = await start('worker')
  const done = await completed(api, 'doc')
  expect(done['attempts']).toBe(2)
  // What is stored now is newer than what the paused process has in hand.
  expect((await upload(api, 'doc', '# paused\n\nsecond words of the paused document')).status).toBe(202)
  await until(async () => ((await completed(api, 'doc'))['updatedAt'] === done['updatedAt'] ? undefined : true))
  expect(await other.stop()).toBe(0)
  const before = [await digest(), await jobOf(database, teacher, 'doc')]

  paused.process.kill('SIGCONT')
  for (const { response, texts } of held) answer(response, texts)
  // It takes one job at a time, so when it has done the next it is through with the lost one.
  expect((await upload(api, 'next', '# next\n\nother words')).status).toBe(202)
  await completed(api, 'next')
  expect((await api.call('DELETE', '/api/documents/next', undefined, { 'x-workspace': teacher })).status).toBe(200)
  expect([await digest(), await jobOf(database, teacher, 'doc')]).toEqual(before)
  expect([await paused.stop(), await api.stop()]).toEqual([0, 0])
})
