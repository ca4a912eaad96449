import { sql } from 'kysely'
import { beforeAll, expect, test } from 'vitest'
import { workspaceId } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { requireBudget } from '../../src/services/budget.ts'
import { openTestDatabase } from '../support/database.ts'
import { bracketExtractor, startTestEngine, testModels } from '../support/engine.ts'
import { spend } from '../support/ledger.ts'

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
  await spend(database, workspace, 50)
  await sql`update model_calls set called_at = date_trunc('month', now()) - interval '1 second' where workspace_id = ${workspace}`.execute(
    database.db,
  )
  await expect(requireBudget(deps, workspace)).resolves.toBeUndefined()
  await engine.close()
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
