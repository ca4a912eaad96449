// Releases and courses as the tools for operators see them: the doctor in every space, and the way out and back in.
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../../src/core/workspace.ts'
import type { Database } from '../../../src/ports/database.ts'
import { createCourses } from '../../../src/services/courses/courses.ts'
import { diagnose, repair } from '../../../src/services/doctor.ts'
import { exportWorkspace, importWorkspace } from '../../../src/services/portability.ts'
import { withScope } from '../../../src/store/scope.ts'
import { openTestDatabase } from '../../support/database.ts'
import { openPlace, sample, signal, type Place } from './support.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})

/** V1 in the workspace's own space and live, V2 in another. */
async function twoSpaces(id: string): Promise<Place> {
  const place = openPlace(database, id)
  for (const [version, profile] of [
    ['V1', 'remote/first'],
    ['V2', 'remote/second'],
  ] as const) {
    await place.built(
      sample((request) => {
        request.manifest.kb_version_id = version
        request.manifest.embedding_model_config = { embedding_model_profile_id: profile, embedding_dim: 1024, is_primary: version === 'V1' }
      }),
    )
  }
  await place.releases.promote(place.kb, 'V1', { caller: 'test' })
  return place
}

async function exported(place: Place, workspace: Place['kb']): Promise<string[]> {
  const lines: string[] = []
  await exportWorkspace(place.engine.deps.database, workspace, (line) => Promise.resolve(void lines.push(line)))
  return lines
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines
}

test('a release in a space of its own is healthy, and a vector lost or left over there is found and mended there', async () => {
  const place = await twoSpaces('doctor')
  const { deps } = place.engine
  expect(await diagnose(deps, place.kb)).toMatchObject({ findings: [] })
  const vectorsBySpace = (): Promise<{ rows: { model: string; n: number }[] }> =>
    withScope(database, workspaceScope(place.kb), (tx) =>
      sql<{ model: string; n: number }>`
        select s.model, count(*)::int as n from chunk_vectors_1024 v join embedding_spaces s using (space_id) group by s.model order by s.model`.execute(
        tx,
      ),
    )
  const before = (await vectorsBySpace()).rows
  expect(before).toEqual([
    { model: 'remote/first', n: 57 },
    { model: 'remote/second', n: 57 },
  ])
  const second = sql`(select space_id from embedding_spaces where model = 'remote/second')`
  await withScope(database, workspaceScope(place.kb), (tx) =>
    sql`update chunk_vectors_1024 set id = 'of nobody' where space_id = ${second} and id = (
      select min(id) from chunk_vectors_1024 where space_id = ${second})`.execute(tx),
  )
  expect((await diagnose(deps, place.kb)).findings.map(({ check, count }) => [check, count])).toEqual([
    ['chunk vectors of releases in remote/second are missing', 1],
    ['chunk vectors of releases in remote/second belong to nothing', 1],
  ])
  expect(await repair(deps, place.kb, signal)).toMatchObject({ healthy: true })
  expect((await vectorsBySpace()).rows).toEqual(before)
  await place.engine.close()
})

test('a knowledge base arrives with its versions, the live one, its events and both spaces, and answers as before', async () => {
  const place = await twoSpaces('moved')
  const look = async (): Promise<unknown> => ({
    versions: await place.releases.versions(place.kb),
    events: await place.releases.events(place.kb, 0, 500),
    live: await place.ask('學習目標'),
    pinned: await place.ask('學習目標', { kb_version_id: 'V2' }),
  })
  const before = await look()
  const lines = await exported(place, place.kb)
  await importWorkspace(database, each(lines), { replace: true })
  expect(await look()).toEqual(before)
  expect(await diagnose(place.engine.deps, place.kb)).toMatchObject({ findings: [] })
  expect(await place.releases.rollback(place.kb, 'V1', { caller: 'test' }).catch((error: unknown) => String(error))).toContain(
    'No earlier version',
  )
  await place.engine.close()
})

test('a course arrives with its chunks and vectors, and is searched without being embedded again', async () => {
  const place = openPlace(database, 'course-host')
  const courses = createCourses(place.engine.deps)
  const course = workspaceId('course-moved')
  const items = ['抛物线的顶点', '勾股定理', '   '].map((text, at) => ({
    chunk_id: `c${at}`,
    text,
    lecture_id: 'l',
    section_id: 's',
    source_type: 'slide',
    order_in_section: at,
  }))
  await courses.putChunks(course, items, false)
  await courses.embed(course, { rebuild: false }, signal)
  while ((await courses.status(course, signal)).status !== 'done') await new Promise((resolve) => setTimeout(resolve, 10))
  const look = async (): Promise<unknown> => [
    await courses.status(course, signal),
    await courses.search(course, { query: '顶点', top_k: 5 }, signal),
  ]
  const before = await look()
  const lines = await exported(place, course)
  place.models.embedded.length = 0
  await importWorkspace(database, each(lines), { replace: true })
  expect(await look()).toEqual(before)
  expect(place.models.embedded).toEqual([])
  await place.engine.close()
})
