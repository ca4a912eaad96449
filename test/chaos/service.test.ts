// The whole service killed with SIGKILL, its models failing at 30 %, its database gone for a while: when the storm is over every
// document has ended, the content is that of a quiet day, and Java has heard of everything as one event each.
// CHAOS=long for more documents and deaths, CHAOS_SEED for another storm.
import { once } from 'node:events'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { workspaceDigest } from '../../src/store/digest.ts'
import { withScope } from '../../src/store/scope.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { random } from '../fuzz/support.ts'
import { type JavaServer, startJavaServer } from '../support/java-server.ts'
import { type Fault, type ModelServer, startModelServer } from '../support/model-server.ts'
import { leasesRunOut, servicePlace, type Service, type ServicePlace, startService } from '../support/service.ts'
import { teacherToken, TEST_SECRET } from '../support/tokens.ts'

const long = process.env['CHAOS'] === 'long'
const onServer = process.env['DATABASE_URL'] !== undefined
const DOCUMENTS = long ? 40 : 6
const DEATHS = long ? 12 : onServer ? 2 : 1
const SEED = Number(process.env['CHAOS_SEED'] ?? 5)
const WORKSPACE = workspaceId('teacher-chaos')
const caller = { authorization: `Bearer ${teacherToken('chaos')}` }

let java: JavaServer
let models: ModelServer
let running: Service | undefined
beforeAll(async () => {
  java = await startJavaServer()
  models = await startModelServer({ dim: 64, maxBatch: 64, latencyMs: 5 })
})
afterAll(async () => {
  running?.process.kill('SIGKILL')
  await Promise.all([java.close(), models.close()])
})

const fileIds = Array.from({ length: DOCUMENTS }, (_, at) => `chaos-${at}`)
const TERMS = ['一次函数', '二次函数', '勾股定理', '余弦定理', '求根公式', '抛物线', '判别式', 'Vertex Form', 'Right Triangle']

function textOf(at: number): string {
  const term = (by: number): string => TERMS[(at + by) % TERMS.length] ?? ''
  return Array.from(
    { length: 5 },
    (_, part) =>
      `# 第${part}节\n\n学习「${term(part)}」之前要先懂「${term(part + 1)}」。「${term(part + 2)}」与「${term(part)}」在第${at}课第${part}节相遇。`,
  ).join('\n\n')
}

async function start(place: ServicePlace): Promise<Service> {
  running = await startService(place, {
    LLM_BASE_URL: models.url,
    LLM_API_KEY: 'key',
    LLM_MODEL: 'chat-model',
    LLM_TIMEOUT_MS: '1000',
    EMBEDDING_PROVIDER: 'openai',
    EMBEDDING_BASE_URL: models.url,
    EMBEDDING_API_KEY: 'key',
    EMBEDDING_MODEL_NAME: 'embedding-model',
    EMBEDDING_DIM: '64',
    JAVA_BASE_URL: java.baseUrl,
    OSS_HOSTS: '127.0.0.1',
    JWT_SECRET: TEST_SECRET,
    LOG_LEVEL: 'error',
  })
  return running
}

async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function parseAll(service: Service): Promise<void> {
  for (const fileId of fileIds) {
    const accepted = await service.call(
      'POST',
      '/api/internal/documents/parse',
      { fileId, fileName: `${fileId}.md`, signedUrl: java.signedUrl(fileId) },
      caller,
    )
    expect(accepted.status).toBe(202)
  }
}

/** Statuses of all documents, or undefined while one is waiting or running. */
async function endings(service: Service): Promise<Map<string, string> | undefined> {
  const statuses = new Map<string, string>()
  for (const fileId of fileIds) {
    const view = await service.call('GET', `/api/documents/${fileId}`, undefined, caller)
    const status = String(view.json['parseStatus'])
    if (status !== 'completed' && status !== 'failed') return undefined
    statuses.set(fileId, status)
  }
  return statuses
}

const ended = (service: Service): Promise<Map<string, string>> => until(() => endings(service))

async function digestOf(place: ServicePlace): Promise<Record<string, string>> {
  const database = await openDatabase({
    url: place.env['DATABASE_URL'],
    directory: join(place.env['DATA_DIR'] ?? '', 'pglite'),
    poolSize: 2,
  })
  const digest = await withScope(database, workspaceScope(WORKSPACE), async (tx) => {
    const [home] = await workspaces.inScope(tx, [WORKSPACE])
    if (home === undefined) throw new Error('the workspace does not exist')
    return workspaceDigest(tx, WORKSPACE, home)
  })
  const open = await sql<{ n: number }>`select count(*)::int as n from outbox where state = 'pending'`.execute(database.db)
  expect(open.rows[0]?.n).toBe(0)
  await database.close()
  return digest
}

/** As after a restart of the server: every connection is cut, and for a while none can be made. */
async function databaseGone(place: ServicePlace, whileGone: () => Promise<void>): Promise<void> {
  const url = place.env['DATABASE_URL']
  if (url === undefined) return
  const name = new URL(url).pathname.slice(1)
  const admin = new pg.Client({ connectionString: process.env['DATABASE_URL'] })
  await admin.connect()
  await admin.query(`alter database ${pg.escapeIdentifier(name)} allow_connections false`)
  await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])
  await whileGone()
  await admin.query(`alter database ${pg.escapeIdentifier(name)} allow_connections true`)
  await admin.end()
}

const FAULTS: readonly Fault[] = [
  { kind: 'status', status: 429, retryAfterMs: 20 },
  { kind: 'status', status: 500 },
  { kind: 'half-json' },
  { kind: 'stall' },
  { kind: 'reset' },
  { kind: 'html' },
  { kind: 'status', status: 503 },
]

test(
  'after kills, failing models and a lost database the content is that of a quiet day, and every event is told once',
  { timeout: long ? 1_800_000 : 300_000 },
  async () => {
    for (const [at, fileId] of fileIds.entries())
      java.putFile(fileId, { bytes: Buffer.from(textOf(at)), fileName: `${fileId}.md`, mediaType: 'text/markdown' })
    const quiet = await servicePlace()
    const calm = await start(quiet)
    await parseAll(calm)
    expect(new Set((await ended(calm)).values())).toEqual(new Set(['completed']))
    await java.waitForCallbacks(2 * DOCUMENTS)
    expect(await calm.stop()).toBe(0)
    const expected = await digestOf(quiet)
    await quiet.clear()
    java.callbacks.length = 0

    const chance = random(SEED)
    const place = await servicePlace()
    let service = await start(place)
    for (const route of ['chat', 'embeddings'] as const) models.failAt(route, 0.3, chance.pick(FAULTS))
    await parseAll(service)
    for (let death = 0; death < DEATHS; death++) {
      const wanted = models.requests.length + 3 + chance.below(12)
      // Dies in the middle of work, or after all of it.
      const dying = service
      await until(async () => (models.requests.length >= wanted || (await endings(dying)) !== undefined ? true : undefined))
      service.process.kill('SIGKILL')
      await once(service.process, 'exit')
      for (const route of ['chat', 'embeddings'] as const) models.failAt(route, 0.3, chance.pick(FAULTS))
      await leasesRunOut(place)
      service = await start(place)
    }
    await databaseGone(place, async () => {
      const health = await until(async () => {
        const answer = await service.call('GET', '/readyz')
        return answer.status === 503 ? answer.status : undefined
      })
      expect(health).toBe(503)
      expect((await service.call('GET', '/healthz')).status).toBe(200)
    })
    await until(async () => ((await service.call('GET', '/readyz')).status === 200 ? true : undefined))
    await leasesRunOut(place)
    await ended(service)
    for (const route of ['chat', 'embeddings'] as const) models.failAt(route, 0, { kind: 'reset' })
    // Three faults in a row end a document as failed; Java then asks again.
    for (const [fileId, status] of await ended(service)) {
      if (status === 'failed') expect((await service.call('POST', `/api/documents/${fileId}/retry`, {}, caller)).status).toBe(202)
    }
    expect(new Set((await ended(service)).values())).toEqual(new Set(['completed']))
    await java.waitForCallbacks((calls) =>
      fileIds.every((fileId) => calls.some((call) => call.fileId === fileId && call.json['parseStatus'] === 'completed')),
    )
    expect(await service.stop()).toBe(0)
    expect(await digestOf(place)).toEqual(expected)
    await place.clear()
    for (const fileId of fileIds) {
      const told = [
        ...new Map(
          java.callbacks.filter((call) => call.fileId === fileId).map((call) => [call.headers['x-event-id'], call.json['parseStatus']]),
        ).values(),
      ]
      // One event for each beginning and each end; a failure and the second try add a pair.
      expect(told.filter((status) => status === 'completed')).toEqual(['completed'])
      expect(told.filter((status) => status === 'processing').length).toBe(1 + told.filter((status) => status === 'failed').length)
      expect(told.at(-1)).toBe('completed')
    }
  },
)
