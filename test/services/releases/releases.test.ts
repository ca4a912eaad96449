// Knowledge releases over the engine without HTTP, on the sample knowledge base with its planted conflicts and duplicates.
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { AppError } from '../../../src/core/errors.ts'
import { buildReport } from '../../../src/core/release-report.ts'
import { EVENT_PAYLOADS, eventEnvelope } from '../../../src/core/release-events.ts'
import { RELEASE_STATES, type ReleaseRequest } from '../../../src/core/release-request.ts'
import { countTokens } from '../../../src/core/tokens.ts'
import { workspaceScope } from '../../../src/core/workspace.ts'
import type { Database } from '../../../src/ports/database.ts'
import { collectVersions } from '../../../src/services/releases/versions.ts'
import { withScope } from '../../../src/store/scope.ts'
import { openTestDatabase } from '../../support/database.ts'
import { openPlace, sample, signal, traced, type Place } from './support.ts'

let database: Database

beforeAll(async () => {
  database = await openTestDatabase()
})

const refusal = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  )

/** A version under another name, embedded by the model whose calls are seen. */
const named =
  (id: string): ((request: ReleaseRequest) => void) =>
  (request) => {
    request.manifest.kb_version_id = id
    request.manifest.embedding_model_config.embedding_model_profile_id = 'default'
  }

const by = { caller: 'service' }

/** Rows of a knowledge base that a search could ever touch. */
async function rows(place: Place): Promise<{ chunks: number; vectors: number; documents: number }> {
  const found = await withScope(database, workspaceScope(place.kb), (tx) =>
    sql<{ chunks: number; vectors: number; documents: number }>`
      select (select count(*)::int from chunks) as chunks, (select count(*)::int from chunk_vectors_1024) as vectors,
        (select count(*)::int from documents) as documents`.execute(tx),
  )
  return found.rows[0] ?? { chunks: -1, vectors: -1, documents: -1 }
}

test('the sample is built, passes its gates, and its report and events are what the contracts say', async () => {
  const place = openPlace(database, 'sample')
  const view = await place.built(sample())
  expect([view.state, view.error]).toEqual(['INDEX_READY', null])
  const report = buildReport.parse(view.kb_index_build_report)
  expect(Object.keys(view.kb_index_build_report ?? {})).toEqual([
    'version',
    'kb_version_id',
    'build_id',
    'status',
    'chunking_policy_id',
    'embedding_model',
    'stats',
    'eval',
    'warnings',
    'review_required_items',
    'extensions',
  ])
  expect(report).toMatchObject({ status: 'index_ready', chunking_policy_id: 'CHUNK_POLICY_V1', review_required_items: [] })
  expect(report.stats.items).toBe(52)
  expect(report.eval.recall_at_8).toBeGreaterThanOrEqual(0.6)
  expect(report.eval).toMatchObject({ enabled: true, preview_queries: 24, recommendation: 'promote_to_active' })
  const pairs = (report.extensions['conflicts'] as { items: string[] }[]).map(({ items }) => items.join())
  expect(pairs).toEqual(['KI-003,KI-004', 'KI-005,KI-006', 'KI-007,KI-008', 'KI-049,KI-050'])
  expect(report.extensions['merged_chunks']).toBe(1)
  const [recipe] = report.extensions['role_recipes'] as { roles_found: string[]; preview_queries: number; recall_at_k: number }[]
  expect(recipe?.roles_found).toEqual(['planner', 'writer'])
  expect(recipe?.recall_at_k).toBeGreaterThan(0.5)

  const { events } = await place.releases.events(place.kb, 0, 500)
  for (const { sequence: _sequence, ...event } of events) {
    expect(eventEnvelope.parse(event)).toMatchObject({
      tenant_id: place.kb,
      project_id: 'lesson-design',
      trace_id: 'trace-1',
      correlation_id: 'correlation-1',
      job_id: view.job_id,
      run_id: view.run_id,
    })
    EVENT_PAYLOADS[event.event_type].parse(event.payload)
  }
  expect(events.map((event) => event.sequence)).toEqual(events.map((_, index) => index + 1))
  expect(new Set(events.map((event) => event.idempotency_key)).size).toBe(events.length)
  expect(events.filter((event) => event.event_type === 'job.stage.started').map((event) => event.stage)).toEqual(RELEASE_STATES.slice(1, 7))
  expect(events.filter((event) => event.event_type !== 'job.stage.started').map((event) => event.event_type)).toEqual([
    'rag.chunking.started',
    'rag.embedding.completed',
    'rag.index.ready',
    'rag.eval.completed',
    'job.succeeded',
  ])
  const later = await place.releases.events(place.kb, events.length - 1, 500)
  expect([later.events.length, later.next_after]).toEqual([1, events.length])
  await place.engine.close()
})

test('every chunk carries the metadata that the seed demands, and deprecated items are traced but not found', async () => {
  const place = openPlace(database, 'metadata')
  await place.built(sample())
  const found = await withScope(database, workspaceScope(place.kb), (tx) =>
    sql<{ metadata: Record<string, unknown> }>`select metadata from chunks`.execute(tx),
  )
  for (const { metadata } of found.rows) {
    for (const key of [
      'kb_version_id',
      'knowledge_item_id',
      'role',
      'tags',
      'strength',
      'status',
      'content_type',
      'source',
      'created_at',
      'updated_at',
    ]) {
      expect([key, metadata[key] !== undefined]).toEqual([key, true])
    }
  }
  await place.releases.promote(place.kb, 'KB_LESSON_DESIGN_20261101_001', by)
  const worksheet = await place.ask('工作紙頁數上限 4 頁 單面列印', { top_k: 50 })
  expect(worksheet.results.map((hit) => hit.knowledge_item_id)).not.toContain('KI-010')
  expect(worksheet.results.every((hit) => hit.metadata['status'] === 'active')).toBe(true)
  const traced = await place.ask('工作紙頁數上限 4 頁 單面列印', { include_deprecated: true })
  expect(traced.results.map((hit) => hit.knowledge_item_id)).toContain('KI-010')
  await place.engine.close()
})

test('search filters first, puts hard constraints before soft preferences, and names conflicts with their reasons', async () => {
  const place = openPlace(database, 'search')
  await place.built(sample())
  expect(await refusal(place.ask('目標'))).toBe('not_found')
  await place.releases.promote(place.kb, 'KB_LESSON_DESIGN_20261101_001', by)
  const answer = await place.ask('上課首五分鐘公布學習目標')
  const strengths = answer.results.map((hit) => hit.strength)
  expect(strengths).toEqual(strengths.toSorted())
  expect(new Set(strengths).size).toBe(2)
  expect(answer.conflicts).toContainEqual({ items: ['KI-003', 'KI-004'], reason: 'opposing_hard_constraints' })
  expect((await place.ask('每日功課時間上限')).conflicts).toContainEqual({ items: ['KI-007', 'KI-008'], reason: 'two_active_values' })
  for (const [facets, key, allowed] of [
    [{ role: 'writer' }, 'role', ['writer']],
    [{ locale: 'en', role: ['planner', 'reviewer'] }, 'role', ['planner', 'reviewer']],
    [{ content_type: 'anti_pattern' }, 'content_type', ['anti_pattern']],
  ] as const) {
    const { results } = await place.ask('學生 pupils lesson', { top_k: 30, facets: facets as never })
    expect(results.length).toBeGreaterThan(0)
    for (const hit of results) expect(allowed).toContain(hit.metadata[key])
  }
  const tagged = await place.ask('objectives', { top_k: 30, facets: { tags: ['opening', 'calculator'] } })
  expect(new Set(tagged.results.map((hit) => hit.knowledge_item_id))).toEqual(new Set(['KI-003', 'KI-004', 'KI-005', 'KI-006']))
  const recipe = await place.ask('學生', { top_k: 50, role_recipe: 'authoring' })
  expect(new Set(recipe.results.map((hit) => hit.role))).toEqual(new Set(['planner', 'writer']))
  expect(await refusal(place.ask('學生', { role_recipe: 'unknown' }))).toBe('invalid_request')
  // Filtered to one side, nothing contradicts.
  expect((await place.ask('calculators in the warm-up', { facets: { role: 'reviewer' } })).conflicts).toEqual([])
  expect(await place.ask('上課首五分鐘公布學習目標')).toEqual(answer)
  await place.engine.close()
})

test('bad input ends in REVIEW_REQUIRED with the reasons, and nothing of it is kept or can be promoted', async () => {
  const place = openPlace(database, 'bad')
  const cases: [string, (request: ReleaseRequest) => void][] = [
    ['missing_item', (request) => request.manifest.included_items.push('KI-999')],
    ['unknown_chunking_policy', (request) => void (request.manifest.chunking_policy_id = 'CHUNK_POLICY_V9')],
    ['duplicate_item', (request) => request.knowledge_items.push(...request.knowledge_items.slice(0, 1))],
    ['duplicate_item', (request) => request.manifest.included_items.push('KI-001')],
    ['item_too_large', (request) => Object.assign(request.knowledge_items[0] ?? {}, { text: '長'.repeat(2_000_000) })],
    ['empty_item', (request) => Object.assign(request.knowledge_items[0] ?? {}, { text: '<!-- nothing -->' })],
    ['embedding_dim_mismatch', (request) => void (request.manifest.embedding_model_config.embedding_dim = 768)],
    ['unknown_embedding_profile', (request) => void (request.manifest.embedding_model_config.embedding_model_profile_id = 'EMB_V9')],
    ['unknown_embedding_profile', (request) => void (request.manifest.embedding_model_config.embedding_model = 'no-such-model')],
    ['unknown_vector_store', (request) => void (request.manifest.vector_store_config = { kind: 'elsewhere' })],
  ]
  for (const [index, [reason, change]] of cases.entries()) {
    const view = await place.built(
      sample((request) => {
        request.manifest.kb_version_id = `BAD_${index}`
        change(request)
      }),
    )
    const review = view.kb_index_build_report?.review_required_items ?? []
    expect([reason, view.state, view.kb_index_build_report?.status, review.some((item) => item.reason === reason)]).toEqual([
      reason,
      'REVIEW_REQUIRED',
      'review_required',
      true,
    ])
    expect(await refusal(place.releases.promote(place.kb, `BAD_${index}`, { caller: 'admin', overrideReason: 'no matter' }))).toBe(
      'gate_failed',
    )
  }
  expect(await refusal(place.releases.promote(place.kb, 'NEVER_BUILT', by))).toBe('not_found')
  expect(await rows(place)).toEqual({ chunks: 0, vectors: 0, documents: 0 })
  const view = await place.built(
    sample((request) => {
      named('ODD')(request)
      request.preview_queries.push({ query: 'q', expected_item_ids: ['KI-404'] })
    }),
  )
  expect([view.state, view.kb_index_build_report?.review_required_items.map((item) => item.reason)]).toEqual([
    'REVIEW_REQUIRED',
    ['preview_query_expects_unknown_item'],
  ])
  expect(await refusal(place.releases.promote(place.kb, 'ODD', by))).toBe('gate_failed')
  await place.engine.close()
})

test('a profile name of the caller’s own stands for the model given at its first use, and for no other after that', async () => {
  const place = openPlace(database, 'profile')
  const outcome = async (id: string, model?: string): Promise<string> => {
    const view = await place.built(
      sample((request) => {
        request.manifest.kb_version_id = id
        const config = { embedding_model_profile_id: 'OURS', embedding_dim: 1024, is_primary: true }
        request.manifest.embedding_model_config = model === undefined ? config : { ...config, embedding_model: model }
      }),
    )
    const { embedding_model = '', review_required_items: [first] = [] } = view.kb_index_build_report ?? {}
    return first === undefined ? embedding_model : `${first.reason}: ${first.message}`
  }
  expect(await outcome('V1')).toMatch(/^unknown_embedding_profile: .*OURS is not known; known are default, builtin, remote\/first/)
  expect(await outcome('V2', 'remote/second')).toBe('remote/second')
  expect(await outcome('V3')).toBe('remote/second')
  expect(await outcome('V4', 'remote/first')).toMatch(/^unknown_embedding_profile: .*OURS stands for remote\/second already/)
  await place.engine.close()
})

test('a long document is in chunks of 400 to 900 tokens where the model reads that much; where it does not, the report says so', async () => {
  const text = Array.from(
    { length: 6 },
    (_, part) => `## 第${part}節\n\n${Array.from({ length: 34 }, (__, at) => `第${part}節第${at}點說明教師怎樣安排討論與回饋。`).join('')}`,
  ).join('\n\n')
  const built = async (id: string, maxTokens: number): Promise<{ tokens: number[]; warnings: string[] }> => {
    const place = openPlace(database, id)
    Object.assign(place.models.embedding, { maxTokens })
    const view = await place.built(
      sample((request) => {
        named('V1')(request)
        const [item] = request.knowledge_items
        if (item === undefined) throw new Error('the sample is empty')
        request.knowledge_items = [{ ...item, content_type: 'long_doc', text }]
        request.manifest.included_items = [item.knowledge_item_id]
        request.preview_queries = []
      }),
    )
    const found = await withScope(database, workspaceScope(place.kb), (tx) =>
      sql<{ content: string }>`select content from chunks`.execute(tx),
    )
    await place.engine.close()
    return { tokens: found.rows.map((row) => countTokens(row.content)), warnings: view.kb_index_build_report?.warnings ?? [] }
  }
  const wide = await built('wide', 8_192)
  expect(wide.tokens.length).toBeGreaterThan(2)
  expect([Math.min(...wide.tokens) >= 400, Math.max(...wide.tokens) <= 900]).toEqual([true, true])
  expect(Math.max(...wide.tokens)).toBeGreaterThan(512)
  expect(wide.warnings.join()).not.toContain('shorter chunks')
  const narrow = await built('narrow', 512)
  expect(Math.max(...narrow.tokens)).toBeLessThanOrEqual(512)
  expect(narrow.warnings.join()).toContain('remote/first reads 512 tokens of a text, so 1 items are cut into shorter chunks')
})

/** A version that lost most of what its questions expect. */
const worse = (id: string) => (request: ReleaseRequest) => {
  named(id)(request)
  for (const item of request.knowledge_items.slice(0, 45))
    Object.assign(item, { title: item.knowledge_item_id, text: `Nothing of use stands here, ${item.knowledge_item_id}.` })
}

test(
  'under constant reads a version is promoted, a worse one refused, another promoted and rolled back: no failed and no mixed read',
  { timeout: 120_000 },
  async () => {
    const place = openPlace(database, 'rollout')
    await place.built(sample(named('V1')))
    expect(await place.releases.promote(place.kb, 'V1', by)).toEqual({ kb_version_id: 'V1', previous_version_id: null, overridden: false })
    const versionsSeen = new Map<string, number>()
    const wrong: string[] = []
    const stop = new AbortController()
    const reader = async (): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          const answer = await place.ask('學習目標', { top_k: 10 })
          versionsSeen.set(answer.kb_version_id, (versionsSeen.get(answer.kb_version_id) ?? 0) + 1)
          if (answer.results.length === 0 || answer.results.some((hit) => hit.metadata['kb_version_id'] !== answer.kb_version_id))
            wrong.push('mixed')
        } catch (error) {
          wrong.push(String(error))
        }
      }
    }
    const readers = [reader(), reader()]
    const refused = await place.built(sample(worse('V2')))
    expect([refused.state, refused.kb_index_build_report?.eval.recommendation]).toEqual(['REVIEW_REQUIRED', 'hold'])
    expect(new Set(refused.kb_index_build_report?.review_required_items.map((item) => item.reason))).toEqual(
      new Set(['gate_failed', 'missed_by_preview_query']),
    )
    const error = await place.releases.promote(place.kb, 'V2', by).catch((thrown: unknown) => thrown as AppError)
    expect(error).toMatchObject({
      code: 'gate_failed',
      details: { kb_version_id: 'V2', gates: [{ gate: 'recall_at_8', threshold: 0.6, passed: false }, {}, {}] },
    })
    await place.built(sample(named('V3')))
    expect(await place.releases.promote(place.kb, 'V3', by)).toMatchObject({ previous_version_id: 'V1' })
    expect((await place.ask('目標')).kb_version_id).toBe('V3')
    expect((await place.ask('目標', { kb_version_id: 'V1' })).kb_version_id).toBe('V1')
    expect(await place.releases.rollback(place.kb, 'V3', by)).toEqual({ kb_version_id: 'V1', previous_version_id: 'V3', overridden: false })
    expect((await place.ask('目標')).kb_version_id).toBe('V1')
    expect(await place.releases.rollback(place.kb, 'V3', by)).toMatchObject({ kb_version_id: 'V3' })
    expect(await place.releases.promote(place.kb, 'V2', { caller: 'admin', overrideReason: 'an experiment' })).toEqual({
      kb_version_id: 'V2',
      previous_version_id: 'V3',
      overridden: true,
    })
    expect(await place.releases.evaluate(place.kb, 'V2', signal)).toMatchObject({ live: true, passed: false, recommendation: 'rollback' })
    expect(await place.releases.rollback(place.kb, 'V2', by)).toMatchObject({ kb_version_id: 'V3' })
    while ((versionsSeen.get('V3') ?? 0) < 20) await new Promise((resolve) => setTimeout(resolve, 5))
    stop.abort()
    await Promise.all(readers)
    expect(wrong).toEqual([])
    expect([...versionsSeen.keys()].every((version) => ['V1', 'V2', 'V3'].includes(version))).toBe(true)
    const { events } = await place.releases.events(place.kb, 0, 500)
    const moves = events.filter((event) => event.event_type.startsWith('kb.rollout'))
    expect(moves.map((event) => [event.event_type, event.payload['kb_version_id'], event.payload['override_reason']])).toEqual([
      ['kb.rollout.promoted', 'V1', null],
      ['kb.rollout.promoted', 'V3', null],
      ['kb.rollout.rolled_back', 'V1', null],
      ['kb.rollout.rolled_back', 'V3', null],
      ['kb.rollout.promoted', 'V2', 'an experiment'],
      ['kb.rollout.rolled_back', 'V3', null],
    ])
    await place.engine.close()
  },
)

test('one build at a time, a promoted version does not change, and what nobody promotes is collected', async () => {
  const place = openPlace(database, 'order')
  const opening = Promise.withResolvers<void>()
  place.models.gate = opening.promise
  const first = await place.releases.build(place.kb, sample(named('V1')), traced)
  expect(await refusal(place.releases.build(place.kb, sample(named('V2')), traced))).toBe('already_running')
  opening.resolve()
  await place.ended(first.build_id)
  await place.built(sample(named('V1')))
  expect(await rows(place)).toMatchObject({ chunks: 57, vectors: 57, documents: 1 })
  await place.releases.promote(place.kb, 'V1', by)
  expect(await refusal(place.releases.build(place.kb, sample(named('V1')), traced))).toBe('conflict')
  expect(await refusal(place.releases.dropVersion(place.kb, 'V1'))).toBe('conflict')
  await place.built(sample(named('V2')))
  expect(await collectVersions(database, place.kb, { days: 7, keep: 5 })).toEqual([])
  expect(await collectVersions(database, place.kb, { days: 0, keep: 5 })).toEqual(['V2'])
  expect(await rows(place)).toMatchObject({ chunks: 57, vectors: 57, documents: 1 })
  expect((await place.releases.versions(place.kb)).map((version) => [version.kb_version_id, version.live, version.passed])).toEqual([
    ['V1', true, true],
  ])
  await place.engine.close()
})

test('an approved proposal embeds only what changed and reports its evaluation back', async () => {
  const place = openPlace(database, 'proposal')
  await place.built(sample(named('V1')))
  await place.releases.promote(place.kb, 'V1', by)
  const item = sample().knowledge_items.find((one) => one.knowledge_item_id === 'KI-013')
  if (item === undefined) throw new Error('the sample has no KI-013')
  place.models.embedded.length = 0
  const changed = { ...item, text: '提問後必須等候五秒才邀請學生回答。' }
  const accepted = await place.releases.approveProposal(place.kb, 'P-7', { changed_items: [changed], removed_item_ids: ['KI-052'] }, traced)
  expect(accepted).toMatchObject({ proposal_id: 'P-7', kb_version_id: 'V1.P-7' })
  const view = await place.ended(accepted.build_id)
  expect([view.state, place.models.embedded]).toEqual(['INDEX_READY', [`${item.title}\n${changed.text}`]])
  expect(view.kb_index_build_report?.extensions).toMatchObject({
    embedding: { embedded_chunks: 1, reused_chunks: 55 },
    proposal_id: 'P-7',
    comparison: { against: 'V1' },
  })
  expect(await place.releases.getProposal(place.kb, 'P-7')).toMatchObject({
    proposal_id: 'P-7',
    kb_index_build_report: { eval: { recommendation: 'promote_to_active' } },
  })
  const { events } = await place.releases.events(place.kb, 0, 500)
  expect(events.findLast((event) => event.event_type === 'rag.eval.completed')?.payload).toMatchObject({
    proposal_id: 'P-7',
    recommendation: 'promote_to_active',
  })

  const all = sample().knowledge_items.map((one) => ({ ...one, title: '', text: `Nothing of use, ${one.knowledge_item_id}.` }))
  const bad = await place.releases.approveProposal(place.kb, 'P-8', { changed_items: all, removed_item_ids: [] }, traced)
  expect((await place.ended(bad.build_id)).kb_index_build_report?.eval.recommendation).toBe('rollback')
  await place.engine.close()
})

test('a version in another embedding space is compared with the live one, and the pointer moves the space with it', async () => {
  const place = openPlace(database, 'spaces')
  const inSpace = (id: string, profile: string, isPrimary: boolean): ReleaseRequest =>
    sample((request) => {
      named(id)(request)
      request.manifest.embedding_model_config = { embedding_model_profile_id: profile, embedding_dim: 1024, is_primary: isPrimary }
    })
  await place.built(inSpace('V1', 'remote/first', true))
  await place.releases.promote(place.kb, 'V1', by)
  const candidate = await place.built(inSpace('V2', 'remote/second', false))
  expect(candidate.kb_index_build_report?.extensions['comparison']).toMatchObject({
    against: 'V1',
    embedding_model: { live: 'remote/first', candidate: 'remote/second' },
    overlap_at_10: 1,
  })
  const before = await place.ask('學習目標')
  await place.releases.promote(place.kb, 'V2', by)
  const after = await place.ask('學習目標')
  expect([after.kb_version_id, after.results.map((hit) => hit.knowledge_item_id)]).toEqual([
    'V2',
    before.results.map((hit) => hit.knowledge_item_id),
  ])
  expect((await place.releases.versions(place.kb)).map((one) => [one.kb_version_id, one.embedding_model, one.is_primary])).toEqual([
    ['V2', 'remote/second', false],
    ['V1', 'remote/first', true],
  ])
  await place.engine.close()
})

test('a build that fails for good leaves nothing to read, says so in report and event, and the next one works', async () => {
  const place = openPlace(database, 'failing', { backoffMs: 1 })
  place.models.failing = true
  const view = await place.built(sample(named('V1')))
  expect([view.state, view.kb_index_build_report?.status]).toEqual(['FAILED', 'failed'])
  expect(view.error).toMatch(/^internal_error: /)
  expect(await rows(place)).toEqual({ chunks: 0, vectors: 0, documents: 0 })
  const { events } = await place.releases.events(place.kb, 0, 500)
  expect(events.at(-1)).toMatchObject({ event_type: 'job.failed', payload: { state: 'FAILED' } })
  // Three attempts entered the same stages; each stage is told once.
  expect(events.filter((event) => event.stage === 'EMBEDDING')).toHaveLength(1)
  place.models.failing = false
  expect((await place.built(sample(named('V1')))).state).toBe('INDEX_READY')
  await place.engine.close()
})

test('a build that a stop cut short goes on elsewhere, asks no model twice and tells every stage once', async () => {
  const first = openPlace(database, 'resumed')
  const opening = Promise.withResolvers<void>()
  first.models.gate = opening.promise
  const { build_id } = await first.releases.build(first.kb, sample(named('V1')), traced)
  while ((await first.releases.getBuild(first.kb, build_id)).state !== 'EMBEDDING') await new Promise((resolve) => setTimeout(resolve, 5))
  const closing = first.engine.close()
  opening.resolve()
  await closing
  expect(first.models.embedded).toHaveLength(57)
  expect((await first.releases.getBuild(first.kb, build_id)).state).toBe('EMBEDDING')
  const second = openPlace(database, 'resumed')
  const view = await second.ended(build_id)
  expect([view.state, second.models.embedded]).toEqual(['INDEX_READY', []])
  const { events } = await second.releases.events(second.kb, 0, 500)
  expect(events.filter((event) => event.event_type === 'job.stage.started').map((event) => event.stage)).toEqual(RELEASE_STATES.slice(1, 7))
  await second.engine.close()
})
