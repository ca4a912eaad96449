import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { demote, promote, settleTiers } from '../../src/services/tiers.ts'
import { withScope } from '../../src/store/scope.ts'
import { efSearch, homeOf, nearestChunks, searchSettings } from '../../src/store/search-vectors.ts'
import * as staged from '../../src/store/staged-versions.ts'
import { analyze } from '../../src/store/corpus.ts'
import * as vectors from '../../src/store/vectors.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { openTestDatabase } from '../support/database.ts'
import { bruteForce, vectorMaker } from '../support/nearest.ts'

const DIM = 32
const large = workspaceId('teacher-large')
const small = workspaceId('teacher-small')
const aVector = vectorMaker(DIM, 11)
const { signal } = new AbortController()

let database: Database
let spaceId: number

beforeAll(async () => {
  database = await openTestDatabase()
})
beforeEach(async () => {
  database = await openTestDatabase()
  spaceId = await workspaces.ensureSpace(database.db, 'test/random', DIM)
  for (const workspace of [large, small])
    await withScope(database, workspaceScope(workspace), (tx) => workspaces.ensure(tx, workspace, spaceId))
})
afterAll(async () => {
  database = await openTestDatabase()
})

/** Writes as publishing does: under the publish lock, wherever the workspace lives by then. */
async function write(workspace: WorkspaceId, rows: ReadonlyMap<string, Float32Array>): Promise<void> {
  await withScope(database, workspaceScope(workspace), async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    await vectors.upsert(tx, workspace, { shard: 'stale', space_id: spaceId, dim: DIM }, 'chunk', rows)
  })
}

async function fill(workspace: WorkspaceId, count: number): Promise<Map<string, Float32Array>> {
  const rows = new Map(Array.from({ length: count }, (_unused, index) => [`c${index}`, aVector()]))
  await write(workspace, rows)
  return rows
}

function nearestIds(workspace: WorkspaceId, vector: Float32Array, limit: number): Promise<string[]> {
  return withScope(
    database,
    workspaceScope(workspace),
    async (tx) => {
      const rows = await workspaces.inScope(tx, [workspace])
      const hits = await nearestChunks(
        tx,
        rows.map((row) => ({ workspace: row, vector })),
        limit,
        undefined,
      )
      return hits.toSorted((a, b) => b.cosine - a.cosine).map((hit) => hit.chunk_id)
    },
    { snapshot: true, settings: searchSettings([], 100) },
  )
}

async function shardOf(workspace: WorkspaceId): Promise<string | undefined> {
  return (await workspaces.inScope(database.db, [workspace]))[0]?.shard
}

async function ownRowsOf(workspace: WorkspaceId): Promise<number | undefined> {
  return (await workspaces.inScope(database.db, [workspace]))[0]?.own_rows
}

const everything = 10_000

/** Every row that a search may see, in one snapshot: an index that is being written may pass over one, a row may not be gone. */
function rowsOf(workspace: WorkspaceId): Promise<string[]> {
  return withScope(
    database,
    workspaceScope(workspace),
    async (tx) => {
      const [row] = await workspaces.inScope(tx, [workspace])
      if (row === undefined) return []
      const found = await sql<{ id: string }>`
        select v.id from ${vectors.vectorTable('chunk', row.dim)} v where ${homeOf('v', row)} order by v.id`.execute(tx)
      return found.rows.map(({ id }) => id)
    },
    { snapshot: true },
  )
}

it('candidates follow the size of the index and what is wanted of it, up to what pgvector allows', () => {
  const asked = [
    [0, 10],
    [30_000, 60],
    [100_000, 60],
    [300_000, 60],
    [1_000_000, 60],
    [5_000, 300],
    [1e12, 60],
  ] as const
  expect(asked.map(([rows, wanted]) => efSearch(rows, wanted))).toEqual([100, 100, 150, 233, 377, 300, 1000])
})

describe('a promoted workspace', () => {
  it('finds what brute force finds, in its own index, and keeps every row once', async () => {
    const rows = await fill(large, 1500)
    await fill(small, 40)
    await promote(database, { workspace_id: large, dim: DIM })
    expect(await shardOf(large)).toBe(large)
    // The planner's own count, which the server's housekeeping may have taken before the rows were there.
    await analyze(database.db)
    expect([await ownRowsOf(large), await ownRowsOf(small)]).toEqual([1500, 0])
    const recalls = Array.from({ length: 30 }, aVector).map(async (query) => {
      const expected = new Set(bruteForce(rows, query, 10))
      return (await nearestIds(large, query, 10)).filter((id) => expected.has(id)).length / 10
    })
    const mean = (await Promise.all(recalls)).reduce((sum, recall) => sum + recall, 0) / recalls.length
    expect(mean).toBeGreaterThanOrEqual(0.95)
    expect((await nearestIds(large, aVector(), everything)).toSorted()).toEqual([...rows.keys()].toSorted())
  })

  it('leaves small tenants their exact answers', async () => {
    await fill(large, 300)
    const rows = await fill(small, 60)
    await promote(database, { workspace_id: large, dim: DIM })
    for (const query of Array.from({ length: 10 }, aVector)) expect(await nearestIds(small, query, 10)).toEqual(bruteForce(rows, query, 10))
    await demote(database, { workspace_id: large, dim: DIM }, signal)
  })

  it('returns to the shared partition with every row once', async () => {
    const rows = await fill(large, 300)
    await promote(database, { workspace_id: large, dim: DIM })
    await demote(database, { workspace_id: large, dim: DIM }, signal)
    expect(await shardOf(large)).toBe('small')
    expect(await ownRowsOf(large)).toBe(0)
    expect((await nearestIds(large, aVector(), everything)).toSorted()).toEqual([...rows.keys()].toSorted())
    for (const query of Array.from({ length: 10 }, aVector)) expect(await nearestIds(large, query, 10)).toEqual(bruteForce(rows, query, 10))
  })

  it('loses, doubles and hides nothing that is written and read while it moves', async () => {
    const rows = await fill(large, 400)
    const move = { done: false }
    const seen: number[] = []
    const reader = (async () => {
      while (!move.done) {
        expect(await nearestIds(large, aVector(), 10)).toHaveLength(10)
        const ids = await rowsOf(large)
        expect(new Set(ids).size).toBe(ids.length)
        seen.push(ids.length)
      }
    })()
    const writer = (async () => {
      for (let index = 0; !move.done; index += 1) {
        // Half new rows, half replaced ones.
        const id = index % 2 === 0 ? `new${index}` : `c${index % 400}`
        const vector = aVector()
        await write(large, new Map([[id, vector]]))
        rows.set(id, vector)
      }
    })()
    await promote(database, { workspace_id: large, dim: DIM })
    await demote(database, { workspace_id: large, dim: DIM }, signal)
    await promote(database, { workspace_id: large, dim: DIM })
    move.done = true
    await Promise.all([reader, writer])
    expect(seen.length).toBeGreaterThan(0)
    // Rows are only ever added, so no reader may see fewer than one before it.
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect((await rowsOf(large)).toSorted()).toEqual([...rows.keys()].toSorted())
    await demote(database, { workspace_id: large, dim: DIM }, signal)
    const query = aVector()
    expect(await nearestIds(large, query, 20)).toEqual(bruteForce(rows, query, 20))
  })
})

it('a large document written behind the curtain takes no row from a search and no place in its results', async () => {
  const rows = await fill(large, 700)
  await promote(database, { workspace_id: large, dim: DIM })
  const scope = workspaceScope(large)
  const home = { shard: large, space_id: spaceId, dim: DIM }
  const query = aVector()
  // Nearer to the question than anything that is published, so that an index which stops at the nearest finds nothing else.
  const near = new Map(Array.from({ length: 500 }, (_unused, index) => [`s${index}`, query.map((value) => value + (index % 30) / 10_000)]))
  const version = await withScope(database, scope, async (tx) => {
    await sql`
      insert into documents (workspace_id, file_id, file_name, job_id, parse_status)
      values (${large}, 'book', 'book.txt', gen_random_uuid(), 'processing')`.execute(tx)
    return staged.begin(tx, large, 'book', randomUUID(), home)
  })
  const writing = { done: false }
  const recalls: number[] = []
  const expected = new Set(bruteForce(rows, query, 60))
  const look = async (): Promise<void> => {
    const found = await nearestIds(large, query, 60)
    expect(found).toHaveLength(60)
    expect(found.filter((id) => id.startsWith('s'))).toEqual([])
    recalls.push(found.filter((id) => expected.has(id)).length / 60)
  }
  const reader = (async () => {
    while (!writing.done) await look()
  })()
  const entries = [...near]
  for (let at = 0; at < entries.length; at += 100)
    await withScope(database, scope, (tx) => vectors.stage(tx, large, home, 'chunk', new Map(entries.slice(at, at + 100)), version))
  writing.done = true
  await reader
  await look()
  expect(recalls.reduce((sum, recall) => sum + recall, 0) / recalls.length).toBeGreaterThanOrEqual(0.95)
  await withScope(database, scope, (tx) => staged.reveal(tx, large, version))
  expect((await nearestIds(large, query, 60)).every((id) => id.startsWith('s'))).toBe(true)
})

it('settling counts vectors, moves who is on the wrong side of the thresholds, and nobody else', async () => {
  const rows = await fill(large, 50)
  await fill(small, 10)
  expect(await settleTiers(database, { promoteAt: 51, demoteAt: 5 }, signal)).toEqual({ promoted: 0, demoted: 0 })
  expect(await settleTiers(database, { promoteAt: 50, demoteAt: 25 }, signal)).toEqual({ promoted: 1, demoted: 0 })
  expect(await shardOf(large)).toBe(large)
  expect(await shardOf(small)).toBe('small')
  expect(await settleTiers(database, { promoteAt: 50, demoteAt: 25 }, signal)).toEqual({ promoted: 0, demoted: 0 })
  expect(await settleTiers(database, { promoteAt: 500, demoteAt: 60 }, signal)).toEqual({ promoted: 0, demoted: 1 })
  expect((await nearestIds(large, aVector(), everything)).toSorted()).toEqual([...rows.keys()].toSorted())
})
