// A course whose vectors cannot be read, asked over HTTP: one code, one sentence, nothing of the database in it, and whole again after.
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { createHttpServer } from '../../src/http/server.ts'
import { createEngine } from '../../src/services/engine.ts'
import { createIdentity } from '../../src/services/identity.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { openTestDatabase } from '../support/database.ts'
import { memoryLog, startTestEngine } from '../support/engine.ts'
import { SERVICE } from './support.ts'

test('a search in a course whose vectors cannot be read is vector_store_error, and works again when they can', async () => {
  const database = await openTestDatabase()
  const engine = startTestEngine(database)
  const app = await createHttpServer({
    engine: createEngine(engine.deps, createRetrieval(engine.deps)),
    log: memoryLog(),
    identity: createIdentity({ internalTokens: [SERVICE['x-internal-token']], development: false, now: Date.now }),
    version: '0.0.0',
    settings: { loopback: true, development: false, uploadMaxBytes: 100_000 },
  })
  const call = async (
    method: 'GET' | 'POST' | 'PUT',
    url: string,
    payload?: object,
  ): Promise<{ status: number; body: Record<string, unknown> }> => {
    const { statusCode, body } = await app.inject({ method, url, headers: SERVICE, ...(payload === undefined ? {} : { payload }) })
    return { status: statusCode, body: JSON.parse(body) as Record<string, unknown> }
  }
  const chunk = { chunk_id: 'c1', text: '抛物线的顶点', lecture_id: 'l', section_id: 's', source_type: 'slide', order_in_section: 0 }
  expect((await call('PUT', '/courses/broken/chunks', [chunk])).status).toBe(200)
  expect((await call('POST', '/courses/broken/embed')).status).toBe(202)
  while ((await call('GET', '/courses/broken/embedding_status')).body['status'] !== 'done')
    await new Promise((resolve) => setTimeout(resolve, 10))
  const search = () => call('POST', '/courses/broken/search', { query: '顶点' })
  const before = await search()
  expect(before).toMatchObject({ status: 200, body: { results: [{ chunk_id: 'c1' }] } })
  await sql`alter table chunk_vectors_1024 rename to chunk_vectors_away`.execute(database.db)
  const broken = await search()
  await sql`alter table chunk_vectors_away rename to chunk_vectors_1024`.execute(database.db)
  expect([broken.status, (broken.body['error'] as { code?: string }).code]).toEqual([503, 'vector_store_error'])
  expect(JSON.stringify(broken.body)).not.toMatch(/chunk_vectors|select|relation/i)
  expect(await search()).toEqual(before)
  await app.close()
  await engine.close()
})
