// The plans of every statement that a search runs, on real PostgreSQL with one promoted workspace and a few small ones. The embedded
// engine has no large workspaces, so there this is skipped.
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fillLibrary, Library, moveEmpty } from '../../bench/retrieval-data.ts'
import { MODES } from '../../src/core/modes.ts'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { openScratchDatabase } from '../../src/drivers/scratch.ts'
import { createModels } from '../../src/models/create.ts'
import type { Database } from '../../src/ports/database.ts'
import { type EmbeddingModel, NO_USAGE } from '../../src/ports/models.ts'
import type { SearchRequest } from '../../src/services/api.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { analyze } from '../../src/store/corpus.ts'
import { indexOwn } from '../../src/store/tiers.ts'
import { VECTOR_KINDS } from '../../src/store/vectors.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { type Explained, plansDuring } from '../support/plans.ts'
import { searchRequest } from '../support/requests.ts'

const DIM = 64
const large = workspaceId('teacher-large')
const small = workspaceId('teacher-small')
const serverUrl = process.env['DATABASE_URL']

describe.skipIf(serverUrl === undefined)('the plans of a search', () => {
  let database: Database
  const library = new Library(3, DIM)
  const embedding: EmbeddingModel = {
    model: 'test/random',
    dim: DIM,
    maxBatch: 8,
    embed: async (texts) => ({ vectors: texts.map(() => library.vector()), truncated: 0, usage: NO_USAGE }),
  }

  beforeAll(async () => {
    database = await openScratchDatabase(serverUrl)
    const spaceId = await workspaces.ensureSpace(database.db, embedding.model, DIM)
    await moveEmpty(database, large, spaceId, DIM)
    await fillLibrary(database, large, spaceId, { chunks: 12_000, entities: 6000, relations: 18_000 }, library)
    for (const workspace of [small, workspaceId('teacher-other'), workspaceId('teacher-third')]) {
      await fillLibrary(database, workspace, spaceId, { chunks: 400, entities: 200, relations: 600 }, library)
    }
    for (const kind of VECTOR_KINDS) await indexOwn(database, large, kind, DIM)
    await analyze(database.db)
  }, 300_000)
  afterAll(() => database.close())

  const known = new Map<string, Explained[]>()

  /** Each statement of one search with its plan. What was asked before is not asked again. */
  async function plansOf(workspace: WorkspaceId, mode: (typeof MODES)[number], filters: SearchRequest['filters']): Promise<Explained[]> {
    const key = JSON.stringify([workspace, mode, filters])
    const before = known.get(key)
    if (before) return before
    const retrieval = createRetrieval({ database, models: { ...createModels({}), embedding, embeddingFor: () => embedding } })
    const request = searchRequest({ query: library.question(), mode, filters, expand: 'section', explain: true })
    const plans = await plansDuring(() => retrieval.search(workspaceScope(workspace), request, AbortSignal.timeout(60_000)))
    known.set(key, plans)
    return plans
  }

  const searching = MODES.filter((mode) => mode !== 'bypass')

  it.each(
    searching.flatMap(
      (mode) =>
        [
          [mode, large],
          [mode, small],
        ] as const,
    ),
  )(
    '%s in %s reads no table from end to end',
    async (mode, workspace) => {
      const plans = await plansOf(workspace, mode, {})
      expect(plans.length).toBeGreaterThan(2)
      // Two tables of one row per workspace or space are the exception: they have no better way.
      for (const { plan } of plans) expect(plan).not.toMatch(/Seq Scan on (?!workspaces|embedding_spaces)/)
    },
    60_000,
  )

  it.each(searching.filter((mode) => mode !== 'lexical'))(
    '%s reads a promoted workspace through its own index and touches no other partition',
    async (mode) => {
      const nearest = (await plansOf(large, mode, {})).filter(({ text }) => /order by distance\b/.test(text))
      expect(nearest.length).toBeGreaterThan(0)
      for (const { plan } of nearest) {
        expect(plan).toMatch(/Index Scan using \S+_hnsw/)
        expect(plan).not.toMatch(/vectors_\d+_small/)
      }
    },
    60_000,
  )

  it('a small workspace is compared exactly, without any index on vectors', async () => {
    for (const { plan } of await plansOf(small, 'auto', {})) {
      expect(plan).not.toMatch(/_hnsw/)
      expect(plan).not.toMatch(/vectors_\d+_w_/)
    }
  }, 60_000)

  it.each<[string, (typeof MODES)[number], SearchRequest['filters']]>([
    ...searching.map((mode): [string, typeof mode, SearchRequest['filters']] => ['1 in 1,000', mode, { thousandth: 17 }]),
    ['1 in 5', 'auto', { tenth: [1, 2] }],
    ['half', 'auto', { half: { gte: 1 } }],
    ['1 in 5, by part of the text', 'auto', { hundredth: { contains: '7' } }],
  ])(
    'a filter on metadata (%s) is answered once, by documents, and %s compares exactly what it leaves',
    async (_name, mode, filters) => {
      const plans = await plansOf(large, mode, filters)
      const reading = plans.filter(({ plan }) => plan.includes('jsonb_typeof'))
      expect(reading.map(({ plan }) => plan)).toEqual([expect.stringMatching(/(?:Index|Bitmap Heap) Scan (?:using \w+ )?on documents /)])
      for (const { plan } of plans) expect(plan).not.toMatch(/_hnsw|Seq Scan on (?!workspaces|embedding_spaces)/)
    },
    60_000,
  )

  it('the lexical leg starts from the term index', async () => {
    for (const workspace of [large, small]) {
      const plans = (await plansOf(workspace, 'lexical', {})).filter(({ text }) => text.includes('with leads'))
      expect(plans.length).toBeGreaterThan(0)
      for (const { plan } of plans) expect(plan).toContain('chunk_terms_lexemes')
    }
  }, 60_000)

  it('row-level security is on for the role that searches', async () => {
    const found = await sql<{ forced: boolean }>`
      select bool_and(relrowsecurity and relforcerowsecurity) as forced from pg_class
      where relkind in ('r', 'p') and relname ~ '^(chunks|entities|relations|entity_mentions|relation_mentions|(chunk|entity|relation)_vectors_)'`.execute(
      database.db,
    )
    expect(found.rows[0]?.forced).toBe(true)
  })
})
