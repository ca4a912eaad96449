import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { openTestDatabase } from '../support/database.ts'
import { bracketExtractor, startTestEngine, testModels, type TestEngine } from '../support/engine.ts'

let database: Database
let engine: TestEngine

beforeAll(async () => {
  database = await openTestDatabase()
  engine = startTestEngine(database)
})

afterAll(() => engine.close())

test('a text becomes chunks, mentions, entities and relations, all at once', async () => {
  const workspace = workspaceId('teacher-a1')
  const view = await engine.ingest(
    workspace,
    'f1',
    '# Functions\n\n[一次函数|knowledge_point|A line.] leads on. [一次函数 -prerequisite-> 二次函数]',
    'notes.md',
  )
  expect(view).toMatchObject({ parseStatus: 'completed', parseError: null, chunkCount: 1, entityCount: 2, relationCount: 1, progress: 1 })
  const { chunks } = await engine.documents.chunks(workspace, 'f1', { limit: 10 })
  expect(chunks[0]?.headings).toEqual(['Functions'])
})

test('deleting A from {A, B} leaves exactly what ingesting B alone leaves', async () => {
  const a = '[勾股定理|theorem|From A.] and [斜边|concept|Side.] [勾股定理 -uses-> 斜边] [勾股定理 = Pythagoras]'
  const b = '[勾股定理|theorem|From B.] [Pythagoras|person|A Greek.] [勾股定理 -uses-> 直角] and more'
  const workspace = workspaceId('teacher-a2')
  await engine.ingest(workspace, 'b', b)
  const alone = await engine.digest(workspace)
  await engine.ingest(workspace, 'a', a)
  expect(await engine.digest(workspace)).not.toEqual(alone)
  await engine.documents.remove(workspace, 'a')
  expect(await engine.digest(workspace)).toEqual(alone)
  await engine.documents.remove(workspace, 'b')
  const rest = await engine.digest(workspace)
  expect(Object.entries(rest).filter(([, hash]) => !hash.startsWith('0:'))).toEqual([])
})

test('a relation that a document is the first to name, and leads others to by an alias, tells what all of them say', async () => {
  const other = '[Old name -uses-> Third]'
  const bridge = '[Alpha = Old name] [Alpha -prerequisite-> Third]'
  const workspace = workspaceId('teacher-a4')
  await engine.ingest(workspace, 'other', other)
  await engine.ingest(workspace, 'bridge', bridge)
  const led = await engine.digest(workspace)
  await engine.documents.remove(workspace, 'other')
  await engine.ingest(workspace, 'other', other)
  expect(await engine.digest(workspace)).toEqual(led)
})

test('a second identical upload calls no model, gets a new job and keeps its counts', async () => {
  const extractor = bracketExtractor()
  const own = startTestEngine(database, { models: testModels(extractor) })
  const workspace = workspaceId('teacher-a3')
  const first = await own.ingest(workspace, 'f', '[A|concept|x]')
  const calls = extractor.calls
  const second = await own.ingest(workspace, 'f', '[A|concept|x]')
  expect(extractor.calls).toBe(calls)
  expect(second.jobId).not.toBe(first.jobId)
  expect(second).toMatchObject({ parseStatus: 'completed', chunkCount: 1, entityCount: 1 })
  await own.close()
})
