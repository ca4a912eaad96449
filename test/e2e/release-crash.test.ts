// A release build whose process is killed while the model answers: the next process goes on where it was and asks nothing twice.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { leasesRunOut, type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'

const INTERNAL = { 'x-internal-token': 'an-internal-token' }
/** Texts that are stored at once. */
const ROUND = 64

let place: ServicePlace
let models: ModelServer
let service: Service | undefined

const start = (): Promise<Service> =>
  startService(place, {
    INTERNAL_TOKENS: INTERNAL['x-internal-token'],
    EMBEDDING_PROVIDER: 'openai',
    EMBEDDING_BASE_URL: models.url,
    EMBEDDING_MODEL_NAME: 'embedding-model',
    EMBEDDING_DIM: '64',
    EXTRACTION: 'none',
  })

beforeAll(async () => {
  models = await startModelServer({ dim: 64, maxBatch: 64 })
  place = await servicePlace()
}, 120_000)

afterAll(async () => {
  service?.process.kill('SIGKILL')
  await place.clear()
  await models.close()
})

/** The sample three times over, told apart by a mark in every text. */
async function request(): Promise<Record<string, unknown>> {
  const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(`fixtures/kb-sample/${name}.json`, 'utf8'))
  const items = (await read('knowledge_items')) as { knowledge_item_id: string; text: string }[]
  const knowledge_items = ['甲', '乙', '丙'].flatMap((mark) =>
    items.map((item) => ({ ...item, knowledge_item_id: `${item.knowledge_item_id}-${mark}`, text: `${item.text}\n發布${mark}` })),
  )
  const manifest = {
    kb_version_id: 'V1',
    project_id: 'p',
    included_items: knowledge_items.map((item) => item.knowledge_item_id),
    chunking_policy_id: 'CHUNK_POLICY_V1',
    embedding_model_config: { embedding_model_profile_id: 'default', embedding_dim: 64 },
    feature_flags: { enable_dedup: false, enable_conflict_scan: false },
  }
  return { manifest, knowledge_items }
}

/** Requests before the build: the seeding of the first start. */
let earlier = 0
const asked = (): string[] =>
  models.requests
    .slice(earlier)
    .filter(({ route }) => route === 'embeddings')
    .flatMap(({ body }) => body['input'] as string[])

test(
  'a build killed with SIGKILL is finished by the next process, with every vector once and every event once',
  { timeout: 180_000 },
  async () => {
    service = await start()
    const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
      const answer = await service?.call(method, `/kb/crash${path}`, body, INTERNAL)
      expect([path, answer?.status]).toEqual([path, method === 'POST' && path === '/builds' ? 202 : 200])
      return answer?.json ?? {}
    }
    earlier = models.requests.length
    models.hold()
    const { build_id } = await call('POST', '/builds', await request())
    // The second round is asked for only when the first one is stored.
    while (asked().length <= ROUND) {
      models.letGo(1)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect((await call('GET', `/builds/${String(build_id)}`))['state']).toBe('EMBEDDING')
    service.process.kill('SIGKILL')
    models.letGo()
    const before = asked()
    await leasesRunOut(place)
    service = await start()
    let build = await call('GET', `/builds/${String(build_id)}`)
    while (build['finished_at'] === null) {
      await new Promise((resolve) => setTimeout(resolve, 50))
      build = await call('GET', `/builds/${String(build_id)}`)
    }
    expect([build['state'], build['error']]).toEqual(['INDEX_READY', null])
    const again = asked().slice(before.length)
    expect(again.length).toBeGreaterThan(0)
    expect(again.filter((text) => before.slice(0, ROUND).includes(text))).toEqual([])
    const { events } = (await call('GET', '/events')) as {
      events: { event_type: string; idempotency_key: string; payload: Record<string, unknown> }[]
    }
    expect(new Set(events.map((event) => event.idempotency_key)).size).toBe(events.length)
    const ready = events.filter((event) => event.event_type === 'rag.index.ready').map((event) => event.payload)
    expect(ready).toHaveLength(1)
    expect(ready[0]?.['vectors']).toBe(ready[0]?.['chunks'])
  },
)
