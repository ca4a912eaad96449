// Releases and courses as the tools for operators see them: the doctor in every space, and the way out and back in.
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope } from '../../../src/core/workspace.ts'
import type { Database } from '../../../src/ports/database.ts'
import { createCourses } from '../../../src/services/courses/courses.ts'
import { diagnose, repair } from '../../../src/services/doctor.ts'
import { exportWorkspace, importWorkspace } from '../../../src/services/portability.ts'
import { withScope } from '../../../src/store/scope.ts'
import { openElsewhere, openTestDatabase } from '../../support/database.ts'
import { openPlace, sample, signal, traced, type Place } from './support.ts'

let database: Database
let elsewhere: Database
beforeAll(async () => {
  database = await openTestDatabase()
  elsewhere = await openElsewhere()
})
afterAll(() => elsewhere.close())

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

/** As `backup` writes it, with the work that waits. */
async function exported(place: Place, workspace: Place['kb']): Promise<string[]> {
  const lines: string[] = []
  await exportWorkspace(place.engine.deps.database, workspace, (line) => Promise.resolve(void lines.push(line)), { work: true })
  return lines
}

/** Of the one run or the other. */
const OF_A_RUN = ['occurred_at', 'event_id', 'created_at', 'embedding_time_sec']

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

test('a knowledge base arrives in another database whole: versions, the live one, events, evaluation, both spaces and the build under way', async () => {
  const place = await twoSpaces('moved')
  await place.releases.promote(place.kb, 'V2', { caller: 'test' })
  const look = async (at: Place): Promise<object> => ({
    versions: await at.releases.versions(at.kb),
    builds: await Promise.all(['KB_BUILD_0001', 'KB_BUILD_0002'].map((id) => at.releases.getBuild(at.kb, id))),
    events: await at.releases.events(at.kb, 0, 500),
    live: await at.ask('學習目標'),
    pinned: await at.ask('學習目標', { kb_version_id: 'V1' }),
  })
  const opening = Promise.withResolvers<void>()
  place.models.gate = opening.promise
  const { build_id: third } = await place.releases.build(
    place.kb,
    sample((request) => {
      request.manifest.kb_version_id = 'V3'
      request.manifest.embedding_model_config = { embedding_model_profile_id: 'remote/first', embedding_dim: 1024, is_primary: false }
      request.knowledge_items = request.knowledge_items.map((one) => ({ ...one, text: `${one.text} Another word.` }))
    }),
    traced,
  )
  while ((await place.releases.getBuild(place.kb, third)).state !== 'EMBEDDING') await new Promise((resolve) => setTimeout(resolve, 10))
  const lines = await exported(place, place.kb)
  place.models.gate = undefined
  opening.resolve()
  expect((await place.ended(third)).state).toBe('INDEX_READY')
  // Taken before it was ended here, and so ended there.
  await importWorkspace(elsewhere, each(lines))
  const there = openPlace(elsewhere, 'moved')
  expect((await there.ended(third)).state).toBe('INDEX_READY')
  const timeless = (seen: object): unknown =>
    JSON.parse(JSON.stringify(seen, (name, value: unknown) => (OF_A_RUN.includes(name) ? undefined : value)))
  expect(timeless(await look(there))).toEqual(timeless(await look(place)))
  expect(await diagnose(there.engine.deps, there.kb)).toMatchObject({ findings: [] })
  expect(await there.releases.rollback(there.kb, 'V2', { caller: 'test' })).toMatchObject({
    kb_version_id: 'V1',
    previous_version_id: 'V2',
  })
  const { events } = await there.releases.events(there.kb, 0, 500)
  expect(new Set(events.map((event) => event.sequence)).size).toBe(events.length)
  await there.engine.close()
  await place.engine.close()
})

test('a course arrives in another database with its chunks and vectors, and is searched without being embedded again', async () => {
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
  const look = async (at: typeof courses): Promise<unknown> => [
    await at.status(course, signal),
    await at.search(course, { query: '顶点', top_k: 5 }, signal),
  ]
  await importWorkspace(elsewhere, each(await exported(place, course)))
  const there = openPlace(elsewhere, 'course-guest')
  const coursesThere = createCourses(there.engine.deps)
  expect(await look(coursesThere)).toEqual(await look(courses))
  // A changed chunk alone is embedded.
  await coursesThere.putChunks(course, [{ ...items[0], text: '抛物线的焦点' }], false)
  await coursesThere.embed(course, { rebuild: false }, signal)
  while ((await coursesThere.status(course, signal)).status !== 'done') await new Promise((resolve) => setTimeout(resolve, 10))
  expect(there.models.embedded).toEqual([expect.stringContaining('焦点')])
  await there.engine.close()
  await place.engine.close()
})
