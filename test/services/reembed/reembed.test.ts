// Re-embedding a workspace: killed again and again, written to meanwhile, compared, held, dropped.
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope, type WorkspaceId } from '../../../src/core/workspace.ts'
import { openDatabase } from '../../../src/drivers/postgres.ts'
import type { Database } from '../../../src/ports/database.ts'
import type { EmbeddingModel, Models } from '../../../src/ports/models.ts'
import { createCourses } from '../../../src/services/courses/courses.ts'
import { diagnose, repair } from '../../../src/services/doctor.ts'
import {
  dropCandidate,
  promoteCandidate,
  reembedStatus,
  reembedWorkspace,
  type ReembedStatus,
} from '../../../src/services/reembed/reembed.ts'
import { createRetrieval } from '../../../src/services/retrieve/retrieval.ts'
import { withScope } from '../../../src/store/scope.ts'
import { openTestDatabase, slotUrl } from '../../support/database.ts'
import { bracketExtractor, startTestEngine, testModels, type TestEngine } from '../../support/engine.ts'
import { searchRequest } from '../../support/requests.ts'
import { placeEmbedded } from '../../support/template.ts'

const signal = new AbortController().signal
let database: Database

beforeAll(async () => {
  database = await openTestDatabase()
})

type Switching = Models & { pause: Promise<void> | undefined; asked: number }

/** Models whose configured embedding can be changed between two names with the same vectors. */
function switchingModels(): Switching {
  const plain = testModels(bracketExtractor())
  const models = { ...plain, pause: undefined, asked: 0 } as Switching
  const moved: EmbeddingModel = {
    ...plain.embedding,
    model: 'remote/moved',
    embed: async (texts, kind, abort) => {
      models.asked += 1
      await models.pause
      return plain.embedding.embed(texts, kind, abort)
    },
  }
  models.embeddingFor = (model, dim) => (model === moved.model ? moved : plain.embeddingFor(model, dim))
  models.embedding = plain.embedding
  return models
}

async function spaces(workspace: WorkspaceId, on = database): Promise<Record<string, number>> {
  const found = await withScope(on, workspaceScope(workspace), (tx) =>
    sql<{ model: string; n: number }>`
      select e.model, count(*)::int as n from (
        select space_id from chunk_vectors_1024 union all select space_id from entity_vectors_1024 union all select space_id from relation_vectors_1024) v
      join embedding_spaces e using (space_id) group by e.model`.execute(tx),
  )
  return Object.fromEntries(found.rows.map((row) => [row.model, row.n]))
}

async function ended(engine: TestEngine, workspace: WorkspaceId, ...states: string[]): Promise<ReembedStatus> {
  for (;;) {
    const status = await reembedStatus(engine.deps, workspace)
    if (status !== undefined && states.includes(status.state)) return status
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test(
  'a workspace with its graph moves while it is read and written, and nothing is missing or left over',
  { timeout: 120_000 },
  async () => {
    const models = switchingModels()
    const engine = startTestEngine(database, { models })
    const workspace = workspaceId('teacher-move')
    for (let at = 0; at < 6; at += 1)
      await engine.ingest(workspace, `f${at}`, `[Name ${at}|concept|About ${at}] and text ${at} [Name ${at} -leads to-> Name ${at + 1}]`)
    const before = Object.values(await spaces(workspace)).reduce((sum, n) => sum + n, 0)
    models.embedding = models.embeddingFor('remote/moved', 1024) ?? models.embedding
    const opening = Promise.withResolvers<void>()
    models.pause = opening.promise
    await reembedWorkspace(engine.deps, workspace, { questions: [{ query: 'text 3' }] })
    await expect(reembedWorkspace(engine.deps, workspace, {})).rejects.toMatchObject({ code: 'already_running' })
    while (models.asked === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    // Old vectors serve; a document comes, one changes and one goes while the candidate is being filled.
    const retrieval = createRetrieval(engine.deps)
    const found = await retrieval.search(workspaceScope(workspace), searchRequest({ query: 'text 3', mode: 'naive' }), signal)
    expect(found.results[0]?.fileId).toBe('f3')
    await engine.ingest(workspace, 'late', '[Late|concept|Came late] with late words')
    await engine.ingest(workspace, 'f1', '[Other|concept|Changed] changed words')
    await engine.documents.remove(workspace, 'f0')
    opening.resolve()
    const status = await ended(engine, workspace, 'switched', 'failed')
    expect([status.state, status.error]).toEqual(['switched', null])
    expect(status.comparison).toMatchObject({ questions: 1 })
    const after = await spaces(workspace)
    expect(Object.keys(after)).toEqual(['remote/moved'])
    expect(after['remote/moved']).not.toBe(0)
    expect(before).toBeGreaterThan(0)
    expect(await diagnose(engine.deps, workspace)).toEqual({ workspace, healthy: true, findings: [] })
    const later = await retrieval.search(workspaceScope(workspace), searchRequest({ query: 'late words', mode: 'hybrid' }), signal)
    expect(later.results[0]?.fileId).toBe('late')
    expect(await reembedWorkspace(engine.deps, workspace, {})).toEqual({ jobId: undefined })
    await engine.close()
  },
)

const FILLED = `embedding_spaces s where s.model = 'remote/moved' and s.space_id = chunk_vectors_1024.space_id`
const CANDIDATE_DAMAGE = [
  [`delete from chunk_vectors_1024 using ${FILLED}`, 'chunk vectors of the re-embedding into remote/moved are missing'],
  [`update chunk_vectors_1024 set id = 'nobody' from ${FILLED}`, 'chunk vectors of the re-embedding into remote/moved belong to nothing'],
  [`update reembeddings set state = 'dropped'`, 'embedding spaces hold vectors that nothing uses'],
] as const

/** Of the candidate; what the workspace has beside it, or has deleted since, is no damage. */
async function damageIsFoundAndRepaired(engine: TestEngine, workspace: WorkspaceId): Promise<void> {
  const alter = (damage: string) => withScope(database, workspaceScope(workspace), (tx) => sql.raw(damage).execute(tx))
  expect(await diagnose(engine.deps, workspace)).toEqual({ workspace, healthy: true, findings: [] })
  const whole = await spaces(workspace)
  for (const [damage, finding] of CANDIDATE_DAMAGE) {
    await alter(damage)
    expect((await diagnose(engine.deps, workspace)).findings.map((one) => one.check)).toContain(finding)
    expect((await repair(engine.deps, workspace, signal)).findings).toEqual([])
    if (!damage.includes('dropped')) expect(await spaces(workspace)).toEqual(whole)
  }
  expect(Object.keys(await spaces(workspace))).not.toContain('remote/moved')
  await alter(`update reembeddings set state = 'held'`)
}

test('a held candidate waits with its comparison, can be dropped without a trace, or promoted with what came since', async () => {
  const models = switchingModels()
  const engine = startTestEngine(database, { models })
  const workspace = workspaceId('teacher-held')
  await engine.ingest(workspace, 'a', 'words about parabolas')
  const alone = await spaces(workspace)
  models.embedding = models.embeddingFor('remote/moved', 1024) ?? models.embedding
  await reembedWorkspace(engine.deps, workspace, { hold: true })
  const held = await ended(engine, workspace, 'held')
  expect(held.comparison).toMatchObject({ overlap_at_10: { mean: 1 }, recall_at_10: null })
  await dropCandidate(engine.deps, workspace)
  expect(await spaces(workspace)).toEqual(alone)
  expect((await reembedStatus(engine.deps, workspace))?.state).toBe('dropped')
  await reembedWorkspace(engine.deps, workspace, { hold: true })
  await ended(engine, workspace, 'held')
  await engine.ingest(workspace, 'b', 'words about circles')
  await engine.ingest(workspace, 'c', 'words that go again')
  await engine.documents.remove(workspace, 'c')
  await damageIsFoundAndRepaired(engine, workspace)
  await promoteCandidate(engine.deps, workspace)
  await ended(engine, workspace, 'switched')
  expect(await spaces(workspace)).toEqual({ 'remote/moved': 2 })
  await engine.close()
})

const CHUNKS = 5_000
const KILLS = 10
const server = process.env['DATABASE_URL']

function child(instructions: object): Promise<{ killed: boolean; lines: string[] }> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ['test/support/reembed-child.ts', JSON.stringify(instructions)],
      { timeout: 120_000 },
      (error, stdout, stderr) => {
        const lines = stdout.trim().split('\n')
        if (error?.signal === 'SIGKILL' && !error.killed) return resolve({ killed: true, lines })
        if (error) return reject(new Error(`${error.message}\n${stderr}`))
        resolve({ killed: false, lines })
      },
    )
  })
}

test(
  'five thousand chunks, killed ten times, end with every vector once and at most one round lost to each death',
  { timeout: 500_000 },
  async () => {
    const folder = server === undefined ? await mkdtemp(join(tmpdir(), 'insight-reembed-')) : undefined
    const name = `insight_reembed_${process.pid}`
    const place = folder === undefined ? { url: await slotUrl(server ?? '', name) } : { directory: join(folder, 'pglite') }
    if (place.directory !== undefined) await placeEmbedded(place.directory)
    const open = (): Promise<Database> => openDatabase({ url: undefined, directory: undefined, poolSize: 4, ...place })
    const workspace = workspaceId('course-big')
    const first = await open()
    const engine = startTestEngine(first, { models: testModels(undefined) })
    const courses = createCourses(engine.deps)
    for (let from = 0; from < CHUNKS; from += 1_000) {
      const items = Array.from({ length: 1_000 }, (_, at) => ({
        chunk_id: `k${from + at}`,
        text: `段落 ${from + at} 的文字`,
        lecture_id: 'l',
        section_id: 's',
        source_type: 'text',
        order_in_section: from + at,
      }))
      await courses.putChunks(workspace, items, false)
    }
    await courses.embed(workspace, { rebuild: false }, signal)
    while ((await courses.status(workspace, AbortSignal.timeout(60_000))).status !== 'done')
      await new Promise((resolve) => setTimeout(resolve, 50))
    await engine.close()
    await first.close()

    let asked = 0
    for (let kill = 0; kill < KILLS; kill += 1) {
      const death = await child({ workspace, killAtRound: 3 + (kill % 5), ...place })
      expect(death.killed).toBe(true)
      asked += death.lines.reduce((sum, line) => sum + Number(line), 0)
    }
    const { killed, lines } = await child({ workspace, killAtRound: 0, ...place })
    expect(killed).toBe(false)
    const outcome = JSON.parse(lines.at(-1) ?? '{}') as { state: string; done: number; total: number; texts: number }
    expect(outcome).toMatchObject({ state: 'switched', done: CHUNKS, total: CHUNKS })
    expect(asked + outcome.texts).toBeLessThanOrEqual(CHUNKS + KILLS * 64)
    const last = await open()
    expect(await spaces(workspace, last)).toEqual({ 'remote/moved': CHUNKS })
    await last.close()
    if (folder !== undefined) return rm(folder, { recursive: true, force: true })
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(`drop database if exists ${name} with (force)`)
    await client.end()
  },
)
