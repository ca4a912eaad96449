// A knowledge release from manifest to rollback over real HTTP against the service as it is started.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildReport } from '../../src/core/release-report.ts'
import { eventEnvelope } from '../../src/core/release-events.ts'
import { type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'

const INTERNAL = { 'x-internal-token': 'an-internal-token' }
const ADMIN = { 'x-admin-token': 'an-admin-token' }

let place: ServicePlace
let service: Service

beforeAll(async () => {
  place = await servicePlace()
  service = await startService(place, { INTERNAL_TOKENS: INTERNAL['x-internal-token'], ADMIN_TOKEN: ADMIN['x-admin-token'] })
}, 180_000)

afterAll(async () => {
  await service.stop()
  await place.clear()
})

type Answer = Awaited<ReturnType<Service['call']>>
const call = (method: string, path: string, body?: unknown, headers: Record<string, string> = INTERNAL): Promise<Answer> =>
  service.call(method, `/kb/lessons${path}`, body, headers)
const codeOf = (answer: Answer): unknown => (answer.json['error'] as { code?: unknown } | undefined)?.code
const read = async (name: string): Promise<unknown> => JSON.parse(await readFile(`fixtures/kb-sample/${name}.json`, 'utf8'))

type Request = { manifest: Record<string, unknown>; knowledge_items: Record<string, unknown>[]; preview_queries: unknown[] }
const request = async (kb_version_id: string): Promise<Request> => ({
  manifest: { ...((await read('kb_release_manifest')) as object), kb_version_id },
  knowledge_items: (await read('knowledge_items')) as Record<string, unknown>[],
  preview_queries: (await read('preview_queries')) as unknown[],
})

async function built(body: Request): Promise<Record<string, unknown>> {
  const accepted = await call('POST', '/builds', body)
  expect([accepted.status, Object.keys(accepted.json).toSorted()]).toEqual([
    202,
    ['build_id', 'job_id', 'kb_version_id', 'run_id', 'state'],
  ])
  for (;;) {
    const { status, json } = await call('GET', `/builds/${String(accepted.json['build_id'])}`)
    expect(status).toBe(200)
    if (json['finished_at'] !== null) return json
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('built, promoted, searched, a worse one refused and overridden, rolled back, and all of it told', { timeout: 120_000 }, async () => {
  expect(codeOf(await call('POST', '/search', { query: '目標' }))).toBe('not_found')
  const first = await built(await request('V1'))
  expect(first['state']).toBe('INDEX_READY')
  buildReport.parse(first['kb_index_build_report'])
  const promoted = await call('POST', '/versions/V1/promote')
  expect([promoted.status, promoted.json]).toEqual([200, { kb_version_id: 'V1', previous_version_id: null, overridden: false }])
  const { status, json } = await call('POST', '/search', {
    query: '上課首五分鐘公布學習目標',
    role: 'planner',
    locale: 'zh-Hant',
    top_k: 4,
  })
  expect([status, json['kb_version_id'], (json['results'] as unknown[]).length]).toEqual([200, 'V1', 4])
  expect(json['conflicts']).toContainEqual({ items: ['KI-003', 'KI-004'], reason: 'opposing_hard_constraints' })

  const worse = await request('V2')
  worse.knowledge_items = worse.knowledge_items.map((item) => ({
    ...item,
    title: '',
    text: `Nothing of use, ${String(item['knowledge_item_id'])}.`,
  }))
  expect((await built(worse))['state']).toBe('REVIEW_REQUIRED')
  const refused = await call('POST', '/versions/V2/promote')
  expect([refused.status, codeOf(refused)]).toEqual([409, 'gate_failed'])
  expect((refused.json['error'] as { details: Record<string, unknown> }).details['gates']).toBeInstanceOf(Array)
  expect((await call('POST', '/versions/V2/promote', { override: { reason: 'a service may not' } })).status).toBe(403)
  const forced = await call('POST', '/versions/V2/promote', { override: { reason: 'an experiment' } }, ADMIN)
  expect(forced.json).toEqual({ kb_version_id: 'V2', previous_version_id: 'V1', overridden: true })
  expect((await call('POST', '/versions/V2/rollback')).json).toEqual({ kb_version_id: 'V1', previous_version_id: 'V2', overridden: false })
  expect((await call('POST', '/search', { query: '目標' })).json['kb_version_id']).toBe('V1')
  expect((await call('POST', '/search', { query: '目標', kb_version_id: 'V2' })).json['kb_version_id']).toBe('V2')

  const { json: told } = await call('GET', '/events?after=0&limit=500')
  const events = told['events'] as (Record<string, unknown> & { sequence: number; event_type: string })[]
  for (const { sequence: _sequence, ...event } of events) eventEnvelope.parse(event)
  expect(events.map((event) => event.event_type)).toEqual(
    expect.arrayContaining(['rag.chunking.started', 'rag.index.ready', 'kb.rollout.promoted', 'job.succeeded']),
  )
  const last = events.at(-1)?.sequence ?? 0
  expect((await call('GET', `/events?after=${last}`)).json).toEqual({ events: [], next_after: last })
})

test('what is structurally wrong is refused at once, and teachers and strangers get nothing', async () => {
  const body = await request('V9')
  for (const change of [
    { manifest: undefined },
    { knowledge_items: [{ knowledge_item_id: 'x' }] },
    { manifest: { ...body.manifest, kb_version_id: 'with space' } },
  ]) {
    const answer = await call('POST', '/builds', { ...body, ...change })
    expect([answer.status, codeOf(answer)]).toEqual([400, 'invalid_request'])
  }
  expect((await call('POST', '/builds', body, {})).status).toBe(401)
  expect((await call('GET', '/builds/KB_BUILD_9999')).status).toBe(404)
  expect((await call('POST', '/versions/V9/promote')).status).toBe(404)
  expect((await call('POST', '/search', { query: 'x', top_k: 101 })).status).toBe(400)
})

test('versions and their pointer survive a restart', { timeout: 120_000 }, async () => {
  await service.stop()
  service = await startService(place, { INTERNAL_TOKENS: INTERNAL['x-internal-token'], ADMIN_TOKEN: ADMIN['x-admin-token'] })
  const versions = (await call('GET', '/versions')).json['versions'] as { kb_version_id: string; live: boolean }[]
  expect(versions.map((version) => [version.kb_version_id, version.live])).toEqual([
    ['V2', false],
    ['V1', true],
  ])
  expect((await call('POST', '/search', { query: '目標' })).json['kb_version_id']).toBe('V1')
})
