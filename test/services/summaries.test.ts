import { sql } from 'kysely'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { needsSummary } from '../../src/core/fold.ts'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { type Models, NO_USAGE, type Summariser } from '../../src/ports/models.ts'
import { createGraph } from '../../src/services/graph/graph.ts'
import { entityCards, relationCards } from '../../src/store/search-cards.ts'
import { withScope } from '../../src/store/scope.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, type TestEngine, testModels } from '../support/engine.ts'
import { spend } from '../support/ledger.ts'

let database: Database
const open: TestEngine[] = []
beforeAll(async () => {
  database = await openTestDatabase()
})
afterEach(async () => {
  for (const engine of open.splice(0)) await engine.close()
})

type Writer = Summariser & { asked: string[][]; held: (() => void)[]; hold: boolean }

/** Says how many passages it read; can be made to wait. */
function writer(): Writer {
  const made: Writer = {
    id: 'writer-v1/m',
    asked: [],
    held: [],
    hold: false,
    async summarise(name, descriptions) {
      made.asked.push([name, ...descriptions])
      if (made.hold) await new Promise<void>((resolve) => made.held.push(resolve))
      return { text: `${name} in ${descriptions.length}: ${descriptions.join(' ')}`, usage: NO_USAGE }
    },
  }
  return made
}

function start(summariser: Summariser | undefined, more: Partial<Models> = {}): TestEngine {
  const engine = startTestEngine(database, { models: { ...testModels(), summariserFor: () => summariser, ...more } })
  open.push(engine)
  return engine
}

const say = (n: number): string => `[X|concept|x${n}] [X -causes-> Y${n % 2}]`
const jobsOf = async (
  workspace: WorkspaceId,
  states: string[],
): Promise<{ state: string; attempts: number; last_error: string | null }[]> =>
  (
    await sql<{ state: string; attempts: number; last_error: string | null }>`
      select state, attempts, last_error from jobs where workspace_id = ${workspace} and kind = 'summarise' and state = any(${states}::text[])`.execute(
      database.db,
    )
  ).rows

async function quiet(workspace: WorkspaceId): Promise<void> {
  await expect.poll(() => jobsOf(workspace, ['queued', 'running']), { timeout: 20_000 }).toEqual([])
}

const description = async (engine: TestEngine, workspace: WorkspaceId, name = 'X'): Promise<string> =>
  (await createGraph(engine.deps).entity(workspaceScope(workspace), name)).description

async function ingest(engine: TestEngine, workspace: WorkspaceId, from: number, to: number): Promise<void> {
  for (let n = from; n <= to; n += 1) await engine.ingest(workspace, `d${n}`, say(n))
  await quiet(workspace)
}

test.each<[string, string[], boolean]>([
  ['one of any length', ['長'.repeat(5000)], false],
  ['seven short ones', Array.from({ length: 7 }, (_unused, n) => `d${n}`), false],
  ['eight short ones', Array.from({ length: 8 }, (_unused, n) => `d${n}`), true],
  ['two that are 1,200 tokens together', ['長'.repeat(600), '短'.repeat(600)], true],
  ['two that are fewer', ['長'.repeat(600), '短'.repeat(599)], false],
])('%s: %#', (_name, descriptions, expected) => {
  expect(needsSummary(descriptions)).toBe(expected)
})

test('at eight mentions one call makes the summary that readers see; half as many again must come before the next', async () => {
  const workspace = workspaceId('teacher-s1')
  const summariser = writer()
  const engine = start(summariser)
  await ingest(engine, workspace, 1, 7)
  expect(summariser.asked).toEqual([])
  expect(await description(engine, workspace)).toContain('x7')
  await ingest(engine, workspace, 8, 8)
  expect(summariser.asked.map(([name, ...read]) => [name, read.length])).toEqual([['X', 8]])
  expect(await description(engine, workspace)).toMatch(/^X in 8: /)
  const [card] = await withScope(database, workspaceScope(workspace), async (tx) => {
    const [row] = (
      await sql<{ entity_id: string }>`select entity_id from entities where workspace_id = ${workspace} and key = 'x'`.execute(tx)
    ).rows
    return entityCards(tx, [{ workspaceId: workspace, id: row?.entity_id ?? '' }], undefined)
  })
  expect(card?.description).toMatch(/^X in 8: /)
  await ingest(engine, workspace, 9, 11)
  expect(summariser.asked).toHaveLength(1)
  await ingest(engine, workspace, 12, 12)
  expect(summariser.asked.map(([name, ...read]) => [name, read.length])).toEqual([
    ['X', 8],
    ['X', 12],
  ])
})

test('relations are summarised likewise', async () => {
  const workspace = workspaceId('teacher-s2')
  const summariser = writer()
  const engine = start(summariser)
  for (let n = 1; n <= 8; n += 1) await engine.ingest(workspace, `d${n}`, `number ${n} [A -causes-> B]`)
  await quiet(workspace)
  expect(summariser.asked.filter(([name]) => name === 'A – B' || name === 'B – A')).toHaveLength(1)
  const [relation] = (await createGraph(engine.deps).entity(workspaceScope(workspace), 'A')).relations
  expect(relation?.description).toMatch(/ in 8: number/)
  const [row] = await withScope(database, workspaceScope(workspace), async (tx) => {
    const [found] = (await sql<{ relation_id: string }>`select relation_id from relations where workspace_id = ${workspace}`.execute(tx))
      .rows
    return relationCards(tx, [{ workspaceId: workspace, id: found?.relation_id ?? '' }], undefined)
  })
  expect(row?.description).toBe(relation?.description)
  await engine.documents.remove(workspace, 'd8')
  expect((await createGraph(engine.deps).entity(workspaceScope(workspace), 'A')).relations[0]?.description).not.toContain('number 8')
})

test.each(['deleted', 'replaced'] as const)('when a document is %s, the summary that read it is gone in the same instant', async (how) => {
  const workspace = workspaceId(`teacher-s3-${how}`)
  const summariser = writer()
  const engine = start(summariser)
  await ingest(engine, workspace, 1, 10)
  expect(await description(engine, workspace)).toContain('x3')
  summariser.hold = true
  if (how === 'deleted') await engine.documents.remove(workspace, 'd3')
  else await engine.ingest(workspace, 'd3', '[X|concept|other]')
  expect(await description(engine, workspace)).not.toMatch(/x3\b| in 8/)
  const rows = await withScope(database, workspaceScope(workspace), (tx) =>
    sql`select summary from entity_summaries where workspace_id = ${workspace} and summary like '%x3%'`.execute(tx),
  )
  expect(rows.rows).toEqual([])
  await expect.poll(() => summariser.held.length).toBe(1)
  summariser.hold = false
  for (const go of summariser.held.splice(0)) go()
  await quiet(workspace)
  expect(await description(engine, workspace)).toMatch(/^X in /)
  expect(await description(engine, workspace)).not.toMatch(/x3\b/)
})

test('what is deleted while the model writes is in no summary', async () => {
  const workspace = workspaceId('teacher-s4')
  const summariser = writer()
  summariser.hold = true
  const engine = start(summariser)
  for (let n = 1; n <= 8; n += 1) await engine.ingest(workspace, `d${n}`, say(n))
  await expect.poll(() => summariser.held.length).toBe(1)
  await engine.documents.remove(workspace, 'd2')
  summariser.hold = false
  for (const go of summariser.held.splice(0)) go()
  await quiet(workspace)
  expect(await description(engine, workspace)).not.toMatch(/x2\b| in 8/)
})

test('summaries are no part of the digest', async () => {
  const workspace = workspaceId('teacher-s5')
  const engine = start(writer())
  await ingest(engine, workspace, 1, 8)
  const before = await engine.digest(workspace)
  await withScope(database, workspaceScope(workspace), async (tx) => {
    expect((await sql`delete from entity_summaries where workspace_id = ${workspace}`.execute(tx)).numAffectedRows).toBeGreaterThan(0n)
  })
  expect(await engine.digest(workspace)).toEqual(before)
})

test('without a language model nothing is queued', async () => {
  const workspace = workspaceId('teacher-s7')
  await ingest(start(undefined), workspace, 1, 9)
  expect(await jobsOf(workspace, ['queued', 'running', 'done', 'failed'])).toEqual([])
})

test('what a person wrote counts, before and after a summary', async () => {
  const workspace = workspaceId('teacher-s8')
  const summariser = writer()
  const engine = start(summariser)
  await ingest(engine, workspace, 1, 8)
  expect(await description(engine, workspace)).toMatch(/^X in 8/)
  await createGraph(engine.deps).updateEntity(workspace, 'X', { description: 'said by a person' }, AbortSignal.timeout(60_000))
  expect(await description(engine, workspace)).toBe('said by a person')
  await ingest(engine, workspace, 9, 14)
  expect(await description(engine, workspace)).toBe('said by a person')
  expect(summariser.asked).toHaveLength(1)
})

test('descriptions that only repeat are looked at once and never paid for', async () => {
  const workspace = workspaceId('teacher-s9')
  const summariser = writer()
  const engine = start(summariser)
  for (let n = 1; n <= 9; n += 1) await engine.ingest(workspace, `d${n}`, `[Z|concept|the same] ${n}`)
  await quiet(workspace)
  expect(summariser.asked).toEqual([])
  expect(await description(engine, workspace, 'Z')).toBe('the same')
  expect(await jobsOf(workspace, ['done'])).toHaveLength(1)
})

test('a used-up budget holds the job without an attempt, and documents go on', async () => {
  const workspace = workspaceId('teacher-s10')
  const summariser = writer()
  const engine = start(summariser)
  engine.deps.limits.monthlyBudgetCny = 1
  engine.deps.limits.summaryDelayMs = 3_600_000
  for (let n = 1; n <= 8; n += 1) await engine.ingest(workspace, `d${n}`, `[X|concept|x${n}]`)
  await spend(database, workspace, 2)
  await sql`update jobs set run_at = now() where workspace_id = ${workspace} and kind = 'summarise'`.execute(database.db)
  engine.worker.wake()
  await expect
    .poll(() => jobsOf(workspace, ['queued']), { timeout: 20_000 })
    .toEqual([{ state: 'queued', attempts: 0, last_error: expect.stringMatching(/^budget_exhausted/) as string }])
  expect(summariser.asked).toEqual([])
  engine.deps.limits.monthlyBudgetCny = 100
  await sql`update jobs set run_at = now() where workspace_id = ${workspace} and kind = 'summarise'`.execute(database.db)
  engine.worker.wake()
  await quiet(workspace)
  expect(summariser.asked).toHaveLength(1)
})

test('a hub with more mentions than a summary reads keeps the summary that was paid for while more came', async () => {
  const workspace = workspaceId('teacher-s-hub')
  const summariser = writer()
  summariser.hold = true
  const engine = start(summariser)
  engine.deps.limits.chunkMaxTokens = 64
  const part = (name: string) => (_unused: unknown, n: number) => `# ${name} ${n}\n\n[X|concept|${name}${n}] ${'長'.repeat(40)}`
  const first = await engine.ingest(workspace, 'hub', Array.from({ length: 205 }, part('a')).join('\n\n'), 'hub.md')
  expect(first.chunkCount).toBeGreaterThan(200)
  await expect.poll(() => summariser.held.length, { timeout: 60_000 }).toBe(1)
  // Of these some come before the last of the two hundred that were read.
  await engine.ingest(workspace, 'more', Array.from({ length: 10 }, part('b')).join('\n\n'), 'more.md')
  summariser.hold = false
  for (const letGo of summariser.held.splice(0)) letGo()
  await quiet(workspace)
  expect(await description(engine, workspace)).toMatch(/^X in 200: /)
  expect(summariser.asked).toHaveLength(1)
})
