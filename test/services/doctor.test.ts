import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { diagnose, repair } from '../../src/services/doctor.ts'
import { withScope } from '../../src/store/scope.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'

let database: Database
let engine: TestEngine
const workspace = workspaceId('teacher-doctor')

beforeAll(async () => {
  database = await openTestDatabase()
  engine = startTestEngine(database)
  await engine.ingest(workspace, 'a', '[勾股定理|theorem|A] [斜边|concept|B] [勾股定理 -uses-> 斜边] [勾股定理 = Pythagoras]')
  await engine.ingest(workspace, 'b', '[斜边|concept|C] [斜边 -part of-> 三角形]')
})
afterAll(() => engine.close())

test('a workspace that only publishing has touched is healthy', async () => {
  expect(await diagnose(engine.deps, workspace)).toEqual({ workspace, healthy: true, findings: [] })
})

const DAMAGE: [string, string, RegExp][] = [
  ['a lost vote', 'update entity_votes set votes = votes + 1', /entity votes/],
  ['a relation vote too many', 'update relation_votes set forward = forward + 1', /relation votes/],
  ['a wrong degree', 'update entities set degree = 99', /degrees/],
  ['a lost vector', 'delete from chunk_vectors_1024', /chunk vectors are missing/],
  ['a lost name vector', 'delete from entity_vectors_1024', /entity vectors are missing/],
  [
    'a fact vector of nobody',
    `update relation_vectors_1024 set id = 'f_nobody' where id = (select min(id) from relation_vectors_1024)`,
    /relation vectors/,
  ],
  ['lost terms', 'delete from chunk_terms', /terms/],
  ['a wrong description', `update entities set description = 'invented'`, /what their mentions add up to/],
]

for (const [name, damage, finding] of DAMAGE) {
  test(`${name} is found and repaired to the digest before it`, async () => {
    const before = await engine.digest(workspace)
    await withScope(database, workspaceScope(workspace), (tx) => sql.raw(damage).execute(tx))
    const found = await diagnose(engine.deps, workspace)
    expect(found.findings.map((one) => one.check).join()).toMatch(finding)
    expect((await repair(engine.deps, workspace, AbortSignal.timeout(60_000))).healthy).toBe(true)
    expect(await engine.digest(workspace)).toEqual(before)
  })
}
