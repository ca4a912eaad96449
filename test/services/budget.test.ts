import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { workspaceId } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { requireBudget } from '../../src/services/budget.ts'
import * as ledger from '../../src/store/ledger.ts'
import { openTestDatabase } from '../support/database.ts'
import { bracketExtractor, startTestEngine, testModels } from '../support/engine.ts'
import { spend } from '../support/ledger.ts'
import { plansDuring } from '../support/plans.ts'

let database: Database
beforeAll(async () => {
  database = await openTestDatabase()
})

test('a workspace is warned of at 80 % once, refused at 100 %, and no other workspace notices', async () => {
  const engine = startTestEngine(database)
  const deps = { ...engine.deps, limits: { ...engine.deps.limits, monthlyBudgetCny: 10 } }
  const [mine, other] = [workspaceId('teacher-b1'), workspaceId('teacher-b2')]
  await spend(database, mine, 8.5)
  await requireBudget(deps, mine)
  await requireBudget(deps, mine)
  expect(engine.log.lines.filter((line) => line.includes('80 %'))).toHaveLength(1)
  await spend(database, mine, 1.5)
  await expect(requireBudget(deps, mine)).rejects.toMatchObject({ code: 'budget_exhausted' })
  await requireBudget(deps, other)
  await engine.close()
})

test('last month’s calls are not this month’s', async () => {
  const engine = startTestEngine(database)
  const deps = { ...engine.deps, limits: { ...engine.deps.limits, monthlyBudgetCny: 1 } }
  const workspace = workspaceId('teacher-b3')
  await sql`
    insert into model_calls (workspace_id, role, model, input_tokens, cached_tokens, output_tokens, ms, ok, cost_cny, called_at)
    values (${workspace}, 'extract', 'm', 1, 0, 1, 1, true, 50, date_trunc('month', now()) - interval '1 second')`.execute(database.db)
  await expect(requireBudget(deps, workspace)).resolves.toBeUndefined()
  await engine.close()
})

test('what a month cost is kept exactly by calls that are written at once, and read as one row of an index', async () => {
  const workspaces = ['teacher-s1', 'teacher-s2', 'teacher-s3']
  const batch = (order: readonly string[]): Promise<void> =>
    Promise.all(order.map((one) => spend(database, one, 0.01))).then(() => undefined)
  await Promise.all(Array.from({ length: 20 }, (_, at) => batch(at % 2 === 0 ? workspaces : workspaces.toReversed())))
  for (const workspace of workspaces) expect(await ledger.spentThisMonth(database.db, workspace)).toBe(0.2)
  await sql`
    insert into model_calls (workspace_id, file_id, role, model, input_tokens, cached_tokens, output_tokens, ms, ok, cost_cny)
    select 'teacher-s' || n % 50, 'f' || n % 500, 'extract', 'm', 1, 0, 1, 1, true, 0.001 from generate_series(1, 20000) n`.execute(
    database.db,
  )
  await sql`analyze model_calls, month_costs`.execute(database.db)
  expect((await ledger.spentAtLeast(database.db, 0.5, 3)).map(({ workspace_id, spent }) => [workspace_id, spent])).toEqual([
    ['teacher-b1', 10],
    ['teacher-s1', 0.6],
    ['teacher-s2', 0.6],
  ])
  const asked = await plansDuring(async () => {
    expect(await ledger.useOf(database.db, 'teacher-s1', 'f1')).toMatchObject([{ calls: 40 }])
    await ledger.spentThisMonth(database.db, 'teacher-s1')
    await ledger.spentAtLeast(database.db, 0.5, 2)
  })
  expect(
    asked.map(({ plan }) => [/model_calls_by_document/.test(plan), /Seq Scan on model_calls/.test(plan), /on month_costs/.test(plan)]),
  ).toEqual([
    [true, false, false],
    [false, false, true],
    [false, false, true],
  ])
})

test('a document that needs a paid model waits without losing an attempt, and goes on when the budget is raised', async () => {
  const workspace = workspaceId('teacher-b4')
  const engine = startTestEngine(database, { models: testModels(bracketExtractor('paid-extractor')) })
  engine.deps.limits.monthlyBudgetCny = 5
  await spend(database, workspace, 5)
  await engine.documents.upload(
    workspace,
    { fileName: 'a.md', bytes: Buffer.from('[A|concept|a]'), fileId: 'f', options: DEFAULT_PARSE_OPTIONS },
    undefined,
  )
  for (;;) {
    const held = await sql<{
      last_error: string
      attempts: number
    }>`select last_error, attempts from jobs where workspace_id = ${workspace} and state = 'queued' and last_error is not null`.execute(
      database.db,
    )
    if (held.rows[0]) {
      expect(held.rows[0]).toMatchObject({ attempts: 0, last_error: expect.stringMatching(/^budget_exhausted: /) as string })
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  engine.deps.limits.monthlyBudgetCny = 50
  await sql`update jobs set run_at = now() where workspace_id = ${workspace}`.execute(database.db)
  engine.worker.wake()
  expect((await engine.settled(workspace, 'f')).parseStatus).toBe('completed')
  await engine.close()
})
