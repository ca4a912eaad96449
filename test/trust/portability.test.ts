// A workspace leaves without a trace, and arrives elsewhere as it was.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope, type WorkspaceId } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import type { SearchRequest } from '../../src/services/api.ts'
import { deleteWorkspace, exportWorkspace, importWorkspace } from '../../src/services/portability.ts'
import { createGraph } from '../../src/services/graph/graph.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { promote } from '../../src/services/tiers.ts'
import * as outbox from '../../src/store/outbox.ts'
import { withScope } from '../../src/store/scope.ts'
import { openElsewhere, openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import { spend } from '../support/ledger.ts'
import { rowsOf } from './support.ts'

let database: Database
let engine: TestEngine
let elsewhere: Database

beforeAll(async () => {
  database = await openTestDatabase()
  engine = startTestEngine(database)
  elsewhere = await openElsewhere()
})
afterAll(async () => {
  await engine.close()
  await elsewhere.close()
})

const fill = async (workspace: WorkspaceId): Promise<void> => {
  await engine.ingest(
    workspace,
    'a',
    '# 函数\n\n[一次函数|concept|直线] [二次函数|concept|抛物线] [一次函数 -prerequisite-> 二次函数] \\ "quoted" 🎓',
  )
  await engine.ingest(workspace, 'b', '# Geometry\n\n[勾股定理|theorem|Right angles] [勾股定理 = Pythagoras] a table | of | cells', 'b.md')
  await withScope(database, workspaceScope(workspace), async (tx) => {
    await sql`insert into entity_edits (workspace_id, key, description) values (${workspace}, 'pythagoras', 'corrected by a person')`.execute(
      tx,
    )
    await sql`insert into entity_merges (workspace_id, merge_id, from_key, into_key) values (${workspace}, 'm1', 'x', 'y')`.execute(tx)
    await outbox.add(tx, workspace, { subject: 'a', kind: 'parse-status', body: {}, secret: Buffer.from('sealed') })
  })
  await spend(database, workspace, 0.5)
}

async function exported(workspace: WorkspaceId, options: { work?: boolean } = {}): Promise<string[]> {
  const lines: string[] = []
  await exportWorkspace(database, workspace, (line) => Promise.resolve(void lines.push(line)), options)
  return lines
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines
}

const question = (query: string): SearchRequest => ({
  query,
  mode: 'auto',
  topK: 10,
  chunkTopK: 20,
  collections: [],
  filters: {},
  highLevelKeywords: [],
  lowLevelKeywords: [],
  rerank: false,
  explain: true,
})

async function answers(on: TestEngine, workspace: WorkspaceId): Promise<unknown> {
  const retrieval = createRetrieval(on.deps)
  const found = []
  for (const query of ['一次函数', 'Pythagoras', 'table of cells']) {
    const { timings: _, ...rest } = await retrieval.search(workspaceScope(workspace), question(query), AbortSignal.timeout(60_000))
    found.push(rest)
  }
  return found
}

test('deleting a workspace leaves no row of it in any table, and nothing else is touched', async () => {
  const gone = workspaceId('teacher-gone')
  const stays = workspaceId('teacher-stays')
  await fill(gone)
  await fill(stays)
  const before = await rowsOf(database, stays)
  expect(Object.keys(await rowsOf(database, gone)).length).toBeGreaterThan(15)
  expect(await deleteWorkspace(database, gone)).toBe(true)
  expect(await rowsOf(database, gone)).toEqual({})
  expect(await rowsOf(database, stays)).toEqual(before)
  expect(await deleteWorkspace(database, gone)).toBe(false)
})

test('a workspace with vectors in a partition of its own is deleted whole, its partition too', async () => {
  const large = workspaceId('teacher-large')
  await fill(large)
  const partitions = async () =>
    (await sql<{ n: number }>`select count(*)::int as n from pg_class where relname like '%\\_vectors\\_%\\_w\\_%'`.execute(database.db))
      .rows[0]?.n
  const before = await partitions()
  await promote(database, { workspace_id: large, dim: engine.deps.models.embedding.dim })
  expect(await partitions()).toBeGreaterThan(before ?? 0)
  await deleteWorkspace(database, large)
  expect(await rowsOf(database, large)).toEqual({})
  expect(await partitions()).toBe(before)
})

test('an export read into another engine gives the same digest and the same answers', async () => {
  const workspace = workspaceId('teacher-move')
  await fill(workspace)
  const lines = await exported(workspace)
  const carried = await importWorkspace(elsewhere, each(lines))
  expect(carried.rows).toBe(lines.filter((line) => line.startsWith('{"row":')).length)
  const there = startTestEngine(elsewhere)
  expect(await there.digest(workspace)).toEqual(await engine.digest(workspace))
  expect(await answers(there, workspace)).toEqual(await answers(engine, workspace))
  await there.ingest(workspace, 'c', '[二次函数|concept|later]')
  await engine.ingest(workspace, 'c', '[二次函数|concept|later]')
  expect(await there.digest(workspace)).toEqual(await engine.digest(workspace))
  await there.close()
})

test('no token, no callback and no upload leaves with an export; a backup carries waiting work without its secrets', async () => {
  const workspace = workspaceId('teacher-work')
  await engine.worker.stop()
  const options = { fileName: 'w.md', bytes: Buffer.from('[W|concept|w]'), options: DEFAULT_PARSE_OPTIONS }
  await engine.documents.upload(workspace, { ...options, fileId: 'waiting' }, 'user-jwt')
  const tables = (lines: readonly string[]): string[] =>
    lines.filter((line) => line.startsWith('{"table":')).map((line) => (JSON.parse(line) as { table: string }).table)
  const plain = await exported(workspace)
  expect(tables(plain).filter((name) => ['jobs', 'outbox', 'uploads', 'model_calls', 'month_costs', 'job_turns'].includes(name))).toEqual(
    [],
  )
  const backup = await exported(workspace, { work: true })
  expect(backup.join('\n')).not.toMatch(/"secret":|lease_token|user-jwt/)
  await importWorkspace(elsewhere, each(plain))
  const there = startTestEngine(elsewhere)
  expect((await there.documents.get(workspace, 'waiting')).parseError).toMatch(/^conflict: .*exported/)
  await importWorkspace(elsewhere, each(backup), { replace: true })
  expect((await there.settled(workspace, 'waiting')).parseStatus).toBe('completed')
  await there.close()
})

test('a damaged export changes nothing: a lost line, a changed letter, a missing end, another format', async () => {
  const workspace = workspaceId('teacher-damage')
  const source = startTestEngine(database)
  await source.ingest(workspace, 'a', '[A|concept|a] some words')
  await source.close()
  const lines = await exported(workspace)
  const damage: [string, string[]][] = [
    ['fit together', lines.filter((line) => !line.includes('some words'))],
    ['checksum', lines.filter((line) => !line.startsWith('{"row":{"key"'))],
    ['checksum', lines.map((line) => line.replace('some words', 'some other'))],
    ['end', lines.slice(0, -1)],
    ['format', ['{"format":"something else"}', ...lines.slice(1)]],
    ['JSON', ['nonsense', ...lines.slice(1)]],
    ['does not know', [lines[0] ?? '', '{"table":"pg_authid","columns":["rolname"]}', ...lines.slice(1)]],
  ]
  for (const [why, broken] of damage) {
    await expect(importWorkspace(elsewhere, each(broken))).rejects.toThrow(why)
    expect(await rowsOf(elsewhere, workspace)).toEqual({})
  }
  await importWorkspace(elsewhere, each(lines))
  await expect(importWorkspace(elsewhere, each(lines))).rejects.toMatchObject({ code: 'conflict' })
})

test('what a person wrote into a workspace without a document is not replaced unasked', async () => {
  const workspace = workspaceId('teacher-by-hand')
  const source = startTestEngine(database)
  await source.ingest(workspace, 'a', '[A|concept|a]')
  const lines = await exported(workspace)
  const there = startTestEngine(elsewhere)
  await there.ingest(workspace, 'gone', 'words')
  await createGraph(there.deps).createEntity(workspace, { name: '配方法', type: 'method' }, AbortSignal.timeout(60_000))
  await there.documents.remove(workspace, 'gone')
  await expect(importWorkspace(elsewhere, each(lines))).rejects.toMatchObject({ code: 'conflict' })
  expect(await rowsOf(elsewhere, workspace)).toMatchObject({ entity_edits: 1 })
  await importWorkspace(elsewhere, each(lines), { replace: true })
  expect(await there.digest(workspace)).toEqual(await source.digest(workspace))
  await Promise.all([source.close(), there.close()])
})

test('rows of an export cannot land in another workspace than the one it names', async () => {
  const workspace = workspaceId('teacher-forged')
  const source = startTestEngine(database)
  await source.ingest(workspace, 'a', '[A|concept|a]')
  await source.close()
  const forged = (await exported(workspace)).map((line, at) => (at === 0 ? line : line.replaceAll('"teacher-forged"', '"teacher-victim"')))
  await expect(importWorkspace(elsewhere, each(forged))).rejects.toThrow('checksum')
  expect(await rowsOf(elsewhere, 'teacher-victim')).toEqual({})
})
