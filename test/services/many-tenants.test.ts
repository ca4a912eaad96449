// Five thousand small tenants beside a large one, and a filter on the large one: nobody loses a row to anybody's size.
import { sql } from 'kysely'
import { beforeAll, expect, it } from 'vitest'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { promote } from '../../src/services/tiers.ts'
import { withScope } from '../../src/store/scope.ts'
import type { ChunkFilter } from '../../src/store/search-filter.ts'
import { nearestChunks, searchSettings } from '../../src/store/search-vectors.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { openTestDatabase } from '../support/database.ts'
import { bruteForce, vectorMaker } from '../support/nearest.ts'

const DIM = 32
const TENANTS = 5_000
const CHUNKS_OF_A_TENANT = 6
const CHUNKS_OF_THE_LARGE_ONE = 6_000
/** Tenants in one statement, of the loading and of the searches. */
const AT_ONCE = 100
const large = workspaceId('teacher-large')
const tenants = Array.from({ length: TENANTS }, (_unused, index) => workspaceId(`teacher-${String(index).padStart(4, '0')}`))
const aVector = vectorMaker(DIM, 23)

/** Chunks by workspace: what brute force looks at. */
const library = new Map<WorkspaceId, Map<string, Float32Array>>()
let database: Database
let spaceId: number

beforeAll(async () => {
  database = await openTestDatabase()
  spaceId = await workspaces.ensureSpace(database.db, 'test/random', DIM)
  for (let at = 0; at < TENANTS; at += AT_ONCE) await load(tenants.slice(at, at + AT_ONCE), CHUNKS_OF_A_TENANT)
  await load([large], CHUNKS_OF_THE_LARGE_ONE)
  await describeLarge()
  await promote(database, { workspace_id: large, dim: DIM })
  await sql`analyze`.execute(database.db)
}, 240_000)

async function load(group: readonly WorkspaceId[], chunks: number): Promise<void> {
  await sql`insert into workspaces (workspace_id, space_id) select id, ${spaceId} from unnest(${[...group]}::text[]) as id`.execute(
    database.db,
  )
  const rows = group.flatMap((workspace) => {
    const own = new Map(Array.from({ length: chunks }, (_unused, index) => [`c${String(index).padStart(5, '0')}`, aVector()]))
    library.set(workspace, own)
    return [...own].map(([id, vector]) => ({ workspace, id, embedding: `[${[...vector].join(',')}]` }))
  })
  await sql`
    insert into ${sql.table(`chunk_vectors_${DIM}`)} (shard, workspace_id, space_id, id, embedding)
    select 'small', workspace_id, ${spaceId}, id, embedding::${sql.raw(database.vectorType)}
    from unnest(${rows.map((row) => row.workspace)}::text[], ${rows.map((row) => row.id)}::text[], ${rows.map((row) => row.embedding)}::text[])
      as loaded(workspace_id, id, embedding)`.execute(database.db)
}

/** The large one's chunks with metadata by which 1 of 2, 10, 100 and 1,000 of them can be asked for. */
async function describeLarge(): Promise<void> {
  await sql`
    insert into documents (workspace_id, file_id, file_name, job_id, parse_status)
    values (${large}, 'file', 'file.txt', gen_random_uuid(), 'completed')`.execute(database.db)
  await sql`
    insert into chunks (workspace_id, chunk_id, file_id, ordinal, content, header, headings, tokens, text_hash, embed_hash, collection, metadata)
    select ${large}, 'c' || lpad(n::text, 5, '0'), 'file', n, 'text', '', '{}', 1, n::text, n::text, 'default',
      jsonb_build_object('half', n % 2, 'tenth', n % 10, 'hundredth', n % 100, 'thousandth', n % 1000)
    from generate_series(0, ${CHUNKS_OF_THE_LARGE_ONE - 1}) as n`.execute(database.db)
}

/** The ids nearest to the vector in each workspace, best first. */
async function nearestIn(
  group: readonly WorkspaceId[],
  vector: Float32Array,
  limit: number,
  filter?: ChunkFilter,
): Promise<Map<string, string[]>> {
  const [first, ...rest] = group
  if (first === undefined) return new Map()
  return withScope(
    database,
    workspaceScope(first, ...rest),
    async (tx) => {
      const rows = await workspaces.inScope(tx, group)
      const hits = await nearestChunks(
        tx,
        rows.map((workspace) => ({ workspace, vector })),
        limit,
        filter,
      )
      return Map.groupBy(
        hits.toSorted((a, b) => b.cosine - a.cosine),
        (hit) => hit.workspace_id,
      )
    },
    { snapshot: true, settings: searchSettings([], 100) },
  ).then((found) => new Map([...found].map(([workspace, hits]) => [workspace, hits.map((hit) => hit.chunk_id)])))
}

it('every one of five thousand tenants gets what brute force finds among its own chunks', { timeout: 240_000 }, async () => {
  for (let at = 0; at < TENANTS; at += AT_ONCE) {
    const query = aVector()
    const group = tenants.slice(at, at + AT_ONCE)
    const found = await nearestIn(group, query, 5)
    const expected = new Map(group.map((workspace) => [workspace, bruteForce(library.get(workspace) ?? new Map(), query, 5)]))
    expect(found).toEqual(expected)
  }
})

it.each([
  ['half', 2],
  ['tenth', 10],
  ['hundredth', 100],
  ['thousandth', 1000],
])('a filter that leaves a %s of a workspace with an index of its own finds what brute force finds among those', async (key, parts) => {
  const all = library.get(large) ?? new Map<string, Float32Array>()
  const matching = new Map([...all].filter(([id]) => Number(id.slice(1)) % parts === 1))
  expect(matching.size).toBe(CHUNKS_OF_THE_LARGE_ONE / parts)
  for (const query of Array.from({ length: 10 }, aVector)) {
    const found = await nearestIn([large], query, 10, { collections: [], metadata: [{ key, values: ['1'] }] })
    expect(found.get(large)).toEqual(bruteForce(matching, query, 10))
  }
})

it('without a filter the large one is read through its index and misses little', async () => {
  const all = library.get(large) ?? new Map<string, Float32Array>()
  const recalls: number[] = []
  for (const query of Array.from({ length: 30 }, aVector)) {
    const expected = new Set(bruteForce(all, query, 10))
    recalls.push((await nearestIn([large], query, 10)).get(large)?.filter((id) => expected.has(id)).length ?? 0)
  }
  expect(recalls.reduce((sum, found) => sum + found, 0) / (10 * recalls.length)).toBeGreaterThanOrEqual(0.95)
})
