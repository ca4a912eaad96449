// Large documents: written behind a curtain in many transactions, seen by nobody, published at one instant.
import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { workspaceId, workspaceScope, type WorkspaceId } from '../../src/core/workspace.ts'
import { Maintenance } from '../../src/jobs/maintenance.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { type PlannedChunk, sha256 } from '../../src/services/ingest/plan.ts'
import { type Publication, Superseded } from '../../src/services/ingest/publication.ts'
import { publish } from '../../src/services/ingest/publish.ts'
import { planReady, readyJob, readyPublication } from '../../src/services/ingest/ready.ts'
import { stageLarge } from '../../src/services/ingest/stage.ts'
import { diagnose } from '../../src/services/doctor.ts'
import { mergeEntities } from '../../src/services/graph/merge.ts'
import { exportWorkspace } from '../../src/services/portability.ts'
import * as documents from '../../src/store/documents.ts'
import * as jobs from '../../src/store/jobs.ts'
import * as terms from '../../src/store/search-terms.ts'
import { withScope } from '../../src/store/scope.ts'
import * as vectors from '../../src/store/vectors.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { openTestDatabase } from '../support/database.ts'
import { memoryLog, startTestEngine, type TestEngine } from '../support/engine.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})

const FILLER = 'Words that fill the section until it is a chunk of its own. '.repeat(20)
const book = (mark: string, parts = 7): string =>
  Array.from(
    { length: parts },
    (_, at) => `# Part ${at}\n\n${mark} [Shared|concept|${mark}] [Shared -uses-> Own ${at}] [${mark} ${at}|concept|x] ${FILLER}`,
  ).join('\n\n')

const upload = (engine: TestEngine, workspace: WorkspaceId, fileId: string, text: string): Promise<unknown> =>
  engine.documents.upload(
    workspace,
    { fileName: `${fileId}.md`, bytes: Buffer.from(text), fileId, options: DEFAULT_PARSE_OPTIONS },
    undefined,
  )

/** Rows that stand behind a curtain, as the owner of the tables sees them. */
async function stagedRows(workspace: WorkspaceId): Promise<{ versions: number; chunks: number; vectors: number; blocks: number }> {
  const found = await sql<{ versions: number; chunks: number; vectors: number; blocks: number }>`
    with v as (select version from staged_versions where workspace_id = ${workspace})
    select (select count(*)::int from v) as versions,
      (select count(*)::int from chunks where workspace_id = ${workspace} and staged_as in (select version from v)) as chunks,
      (select count(*)::int from entity_vectors_1024 where workspace_id = ${workspace} and staged_as in (select version from v)) as vectors,
      (select count(*)::int from blocks where workspace_id = ${workspace} and staged_as in (select version from v)) as blocks`.execute(
    database.db,
  )
  return found.rows[0] ?? { versions: 0, chunks: 0, vectors: 0, blocks: 0 }
}

/** The same database, but before the first transaction for which `when` holds, `then` is done, once; later ones wait for it. */
function interrupted(when: () => Promise<boolean>, then: () => Promise<void>): { database: Database; happened: () => boolean } {
  let doing: Promise<void> | undefined
  const gate = async (): Promise<void> => {
    if (doing === undefined && !(await when())) return
    doing ??= then()
    await doing
  }
  const around = <T extends object>(builder: T): T =>
    new Proxy(builder, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name)
        if (typeof member !== 'function') return member
        if (name === 'execute') {
          return async (...args: unknown[]): Promise<unknown> => {
            await gate()
            return Reflect.apply(member, target, args)
          }
        }
        return (...args: unknown[]): unknown => {
          const made: unknown = Reflect.apply(member, target, args)
          return typeof made === 'object' && made !== null ? around(made) : made
        }
      },
    })
  const db = new Proxy(database.db, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name)
      if (typeof member !== 'function') return member
      return name === 'transaction' ? () => around(target.transaction()) : member.bind(target)
    },
  })
  return { database: { ...database, db }, happened: () => doing !== undefined }
}

/** Where the document's attempt ended, asked past every gate; undefined when it is gone. */
async function ended(workspace: WorkspaceId, fileId: string): Promise<string | undefined> {
  for (;;) {
    const found = await sql<{ parse_status: string }>`
      select parse_status from documents where workspace_id = ${workspace} and file_id = ${fileId}`.execute(database.db)
    const status = found.rows[0]?.parse_status
    if (status === undefined || status === 'completed' || status === 'failed') return status
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** Everything of a book of seven parts is written, nothing published. */
const allStaged = (workspace: WorkspaceId) => async (): Promise<boolean> => {
  const { chunks, blocks } = await stagedRows(workspace)
  return chunks === 7 && blocks > 7
}

test(
  'a document written chunk by chunk ends in the digest of one written at once, also when it replaces another',
  { timeout: 60_000 },
  async () => {
    const workspace = workspaceId('teacher-digest')
    const digests: Record<string, string>[][] = [[], []]
    for (const [at, chunksAtOnce] of [50, 2].entries()) {
      const engine = startTestEngine(database, { chunksAtOnce })
      await engine.ingest(workspace, 'other', '[Shared|theorem|other] [Own 1 = Shared]', 'other.md')
      for (const text of [book('one'), book('two', 9), `${book('two', 9)}\n\n${book('three')}`, book('three', 3)]) {
        await engine.ingest(workspace, 'book', text, 'book.md')
        digests[at]?.push(await engine.digest(workspace))
      }
      expect(await diagnose(engine.deps, workspace)).toMatchObject({ healthy: true })
      await engine.documents.remove(workspace, 'book')
      await engine.documents.remove(workspace, 'other')
      await engine.close()
    }
    expect(digests[1]).toEqual(digests[0])
  },
)

test('what is written but not published is in no table, no count, no search, no export', { timeout: 60_000 }, async () => {
  const workspace = workspaceId('teacher-curtain')
  const seen: unknown[] = []
  const plain = startTestEngine(database)
  await plain.ingest(workspace, 'book', book('old', 2), 'book.md')
  await plain.close()
  const look = async (): Promise<unknown> => {
    const lines: string[] = []
    await exportWorkspace(database, workspace, async (line) => void lines.push(line))
    return withScope(database, workspaceScope(workspace), async (tx) => ({
      rows: lines.filter((line) => line.startsWith('{"row"') && !line.includes('"parse_status"')).toSorted(),
      statistics: await terms.statistics(tx, [workspace]),
      frequencies: await terms.termFrequencies(tx, workspace, ['words', 'new']),
      tables: (
        await sql<{ n: number[] }>`
          select array[(select count(*) from chunks), (select count(*) from blocks), (select count(*) from entity_mentions), (select count(*) from relation_mentions),
            (select count(*) from chunk_vectors_1024), (select count(*) from entity_vectors_1024), (select count(*) from relation_vectors_1024)]::int[] as n`.execute(
          tx,
        )
      ).rows,
    }))
  }
  const before = await look()
  const gated = interrupted(
    async () => (await stagedRows(workspace)).chunks === 7,
    async () => void seen.push(await look()),
  )
  const engine = startTestEngine(gated.database, { chunksAtOnce: 2 })
  await engine.ingest(workspace, 'book', book('new'), 'book.md')
  await engine.close()
  expect(seen).toEqual([before])
  expect(await look()).not.toEqual(before)
  expect(await stagedRows(workspace)).toEqual({ versions: 0, chunks: 0, vectors: 0, blocks: 0 })
})

test('a name that is merged elsewhere between writing and publishing is led there', { timeout: 60_000 }, async () => {
  const workspace = workspaceId('teacher-led')
  const other = startTestEngine(database)
  await other.ingest(workspace, 'other', '[Shared|theorem|other] [Target|theorem|t] [Own 1|concept|own]', 'other.md')
  const merge = (): Promise<unknown> => mergeEntities(other.deps, workspace, { from: ['Shared', 'Own 1'], into: 'Target' })
  const gated = interrupted(allStaged(workspace), async () => void (await merge()))
  const engine = startTestEngine(gated.database, { chunksAtOnce: 2 })
  await engine.ingest(workspace, 'book', book('new'), 'book.md')
  await engine.close()
  expect(gated.happened()).toBe(true)
  const late = await other.digest(workspace)
  expect(await diagnose(other.deps, workspace)).toMatchObject({ healthy: true })
  await other.documents.remove(workspace, 'book')
  await other.ingest(workspace, 'book', book('new'), 'book.md')
  expect(await other.digest(workspace)).toEqual(late)
  await other.close()
})

test(
  'a name that another document publishes meanwhile keeps its vector when the large one is deleted before it appears',
  { timeout: 60_000 },
  async () => {
    const workspace = workspaceId('teacher-adopt')
    const other = startTestEngine(database)
    const first = interrupted(allStaged(workspace), async () => {
      await other.ingest(workspace, 'small', '[Shared|theorem|small] [Shared -uses-> Own 1]', 'small.md')
      await other.documents.remove(workspace, 'book')
    })
    const engine = startTestEngine(first.database, { chunksAtOnce: 2 })
    await other.ingest(workspace, 'seed', '[Seed|theorem|s]', 'seed.md')
    await upload(engine, workspace, 'book', book('new'))
    expect(await ended(workspace, 'book')).toBeUndefined()
    await engine.close()
    expect(await stagedRows(workspace)).toEqual({ versions: 0, chunks: 0, vectors: 0, blocks: 0 })
    expect(await diagnose(other.deps, workspace)).toMatchObject({ healthy: true })
    const left = await other.digest(workspace)
    await other.documents.remove(workspace, 'small')
    await other.ingest(workspace, 'small', '[Shared|theorem|small] [Shared -uses-> Own 1]', 'small.md')
    expect(await other.digest(workspace)).toEqual(left)
    const orphans = await sql<{ n: number }>`
    select count(*)::int as n from chunk_vectors_1024 v where workspace_id = ${workspace} and not exists (select from chunks c where c.workspace_id = v.workspace_id and c.chunk_id = v.id)`.execute(
      database.db,
    )
    expect(orphans.rows).toEqual([{ n: 0 }])
    await other.close()
  },
)

test(
  'an attempt that lost its lease leaves nothing in the way of the next, and maintenance takes back what nobody continues',
  { timeout: 60_000 },
  async () => {
    const workspace = workspaceId('teacher-left')
    // Its lease runs out before it publishes: the job is queued again, and the worker that wrote all this may not commit.
    const failing = interrupted(allStaged(workspace), async () => {
      await sql`update jobs set state = 'queued', lease_token = null, lease_until = null where workspace_id = ${workspace}`.execute(
        database.db,
      )
    })
    const broken = startTestEngine(failing.database, { chunksAtOnce: 2, backoffMs: 1 })
    await upload(broken, workspace, 'book', book('new'))
    expect(await ended(workspace, 'book')).toBe('completed')
    await broken.close()
    expect(failing.happened()).toBe(true)
    const whole = startTestEngine(database)
    const after = await whole.digest(workspace)
    await whole.documents.remove(workspace, 'book')
    await whole.ingest(workspace, 'book', book('new'), 'book.md')
    expect(await whole.digest(workspace)).toEqual(after)
    // A worker that vanished, its job given up by hand.
    await whole.documents.remove(workspace, 'book')
    const vanished = interrupted(allStaged(workspace), async () => {
      await sql`update jobs set state = 'failed', lease_token = null where workspace_id = ${workspace} and state = 'running'`.execute(
        database.db,
      )
    })
    const last = startTestEngine(vanished.database, { chunksAtOnce: 2 })
    await upload(last, workspace, 'book', book('new'))
    while ((await stagedRows(workspace)).blocks <= 7 || last.worker.busy > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    await last.close()
    expect((await stagedRows(workspace)).versions).toBe(1)
    const maintenance = new Maintenance(database, memoryLog())
    await maintenance.clean()
    expect(await stagedRows(workspace)).toEqual({ versions: 0, chunks: 0, vectors: 0, blocks: 0 })
    const rows = await sql<{ n: number }>`
    select ((select count(*) from chunks where workspace_id = ${workspace}) + (select count(*) from entity_mentions where workspace_id = ${workspace})
      + (select count(*) from chunk_vectors_1024 where workspace_id = ${workspace}) + (select count(*) from entity_vectors_1024 where workspace_id = ${workspace})
      + (select count(*) from relation_vectors_1024 where workspace_id = ${workspace}))::int as n`.execute(database.db)
    expect(rows.rows).toEqual([{ n: 0 }])
    await whole.close()
  },
)

/** A document of five chunks whose job was claimed twice: by a worker that was paused until its lease ran out, and by the next one. */
async function claimedTwice(engine: TestEngine, workspace: WorkspaceId, kind: string) {
  await engine.ingest(workspace, 'seed', '[Seed|theorem|s]')
  const scope = workspaceScope(workspace)
  await withScope(database, scope, async (tx) => {
    const { jobId } = await jobs.enqueue(tx, workspace, { kind, subject: 'large', payload: {}, secret: undefined })
    await documents.startAttempt(tx, workspace, { fileId: 'large', jobId, fileName: 'large', collection: 'default', metadata: {} })
  })
  const claim = async (): Promise<jobs.JobRow> => {
    const row = await jobs.claim(database.db, { kinds: [kind], perWorkspace: 9, leaseMs: 60_000 })
    if (row === undefined) throw new Error('there is nothing to claim')
    return row
  }
  const paused = await claim()
  await sql`update jobs set state = 'queued', lease_token = null, lease_until = null where job_id = ${paused.job_id}`.execute(database.db)
  const rows = [paused, await claim()]
  const [row] = await workspaces.inScope(database.db, [workspace])
  if (row === undefined) throw new Error('the workspace does not exist')
  const planned: PlannedChunk[] = planReady(
    workspace,
    'large',
    Array.from({ length: 5 }, (_, at) => ({ key: `${at}`, content: `${at}`, header: '', headings: [], metadata: {} })),
  )
  const vectorsByHash = new Map(planned.map(({ embedText }) => [sha256(embedText), new Float32Array(row.dim).fill(0.1)]))
  const home = { ...row, model: engine.deps.models.embedding }
  const publication = (): Publication =>
    readyPublication({ planned, vectorsByHash, home, collection: 'default', metadata: {}, title: '', recipe: '' })
  return { attempts: rows.map((one) => ({ job: readyJob(one, 'large', new AbortController().signal), publication: publication() })), row }
}

test('a worker that lost its job while it was paused takes back nothing of what the next one has written', async () => {
  const workspace = workspaceId('teacher-paused')
  const engine = startTestEngine(database, { chunksAtOnce: 2 })
  const { attempts } = await claimedTwice(engine, workspace, 'test-paused')
  const [late, next] = attempts
  if (late === undefined || next === undefined) throw new Error('there are two attempts')
  await stageLarge(engine.deps, next.job, next.publication)
  await expect(stageLarge(engine.deps, late.job, late.publication)).rejects.toBeInstanceOf(Superseded)
  expect(await stagedRows(workspace)).toMatchObject({ versions: 1, chunks: 5 })
  await publish(engine.deps, next.job, next.publication)
  expect(await ended(workspace, 'large')).toBe('completed')
  await engine.close()
})

test('large documents that name the same things in any order do not wait for each other in a circle', async () => {
  if (database.engine !== 'postgres') return
  const workspace = workspaceId('teacher-circle')
  const engine = startTestEngine(database, { chunksAtOnce: 2 })
  const { row } = await claimedTwice(engine, workspace, 'test-circle')
  const stage = (tx: Parameters<typeof vectors.stage>[0], ids: string[], version: number): Promise<void> =>
    vectors.stage(tx, workspace, row, 'entity', new Map(ids.map((id) => [id, new Float32Array(row.dim).fill(0.1)])), version)
  const waiting = async (count: number): Promise<void> => {
    for (;;) {
      const found = await sql<{ n: number }>`
        select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`.execute(
        database.side,
      )
      if ((found.rows[0]?.n ?? 0) >= count) return
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const started: Promise<void>[] = []
  // One is under way with m; the second meets it in its middle; the third meets the second.
  await withScope(database, workspaceScope(workspace), async (tx) => {
    await stage(tx, ['e_m'], 1)
    for (const [at, ids] of [
      ['e_z', 'e_m', 'e_a'],
      ['e_a', 'e_z'],
    ].entries()) {
      started.push(withScope(database, workspaceScope(workspace), (other) => stage(other, ids, at + 2)))
      await waiting(at + 1)
    }
  })
  await Promise.all(started)
  const written = await sql<{ id: string }>`
    select id from entity_vectors_1024 where workspace_id = ${workspace} and id in ('e_a', 'e_m', 'e_z') order by id`.execute(database.db)
  expect(written.rows.map(({ id }) => id)).toEqual(['e_a', 'e_m', 'e_z'])
  await engine.close()
})
