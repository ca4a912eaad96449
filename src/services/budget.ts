// The monthly model budget of a workspace: at 80 % somebody is told, at 100 % new model work waits. Search goes on.
import { AppError } from '../core/errors.ts'
import type { WorkspaceId } from '../core/workspace.ts'
import * as ledger from '../store/ledger.ts'
import type { EngineDeps } from './deps.ts'

const WARN_AT = 0.8
/** Held work looks again after this time; the month may have ended or the budget been raised. */
const LOOK_AGAIN_SECONDS = 3600

/** Workspaces that were warned of, by month, so that one is not warned of at every document. */
const warned = new Set<string>()

export type NearBudget = { workspace: string; spentCny: number; /** At 1 new model work waits. */ share: number }

/** Workspaces that have used 80 % of what they may spend this month, or more; the dearest first. None without a budget. */
export async function nearBudget(deps: Pick<EngineDeps, 'database' | 'limits'>, limit: number): Promise<NearBudget[]> {
  const budget = deps.limits.monthlyBudgetCny
  if (budget === undefined) return []
  const rows = await ledger.spentAtLeast(deps.database.side, budget * WARN_AT, limit)
  return rows.map(({ workspace_id, spent }) => ({ workspace: workspace_id, spentCny: spent, share: budget === 0 ? 1 : spent / budget }))
}

/** @throws AppError `budget_exhausted` when this month's calls have cost what the workspace may spend. */
export async function requireBudget(deps: EngineDeps, workspace: WorkspaceId): Promise<void> {
  const budget = deps.limits.monthlyBudgetCny
  if (budget === undefined) return
  const spent = await ledger.spentThisMonth(deps.database.side, workspace)
  if (spent >= budget) {
    throw new AppError(
      'budget_exhausted',
      `The model budget of this month (${budget} CNY) is used up; work goes on when it is raised or the month ends.`,
      {
        details: { spentCny: spent, budgetCny: budget },
        retryAfterSeconds: LOOK_AGAIN_SECONDS,
      },
    )
  }
  const month = `${workspace} ${new Date().toISOString().slice(0, 7)}`
  if (spent >= budget * WARN_AT && !warned.has(month)) {
    warned.add(month)
    deps.log.warn({ workspace, spentCny: spent, budgetCny: budget }, 'a workspace has used 80 % of its monthly model budget')
  }
}
