// Where the settings give the decision to a language model: a later job of the workspace compares new names and has the model judge the
// pairs that look alike. Each pair is asked about once; what the model decides is a row like a person's, and a merge can be undone.
import type { AppError } from '../core/errors.ts'
import { asAppError } from '../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import type { NameJudge } from '../ports/models.ts'
import * as jobs from '../store/jobs.ts'
import * as resolutions from '../store/resolutions.ts'
import { withScope } from '../store/scope.ts'
import * as workspaces from '../store/workspaces.ts'
import { requireBudget } from './budget.ts'
import type { EngineDeps } from './deps.ts'
import { acceptResolution, compareNames, rejectResolution } from './graph/resolutions.ts'

const PAIRS_PER_CALL = 10

/** @throws AppError `budget_exhausted`, upon which the job waits. */
export async function runJudging(deps: EngineDeps, row: jobs.JobRow, signal: AbortSignal): Promise<void> {
  const workspace = row.workspace_id
  const { judge } = deps.models
  for (;;) {
    signal.throwIfAborted()
    if (judge !== undefined && (await compareNames(deps, workspace)) > 0) continue
    if (judge !== undefined && (await judgeSome(deps, judge, workspace, signal))) continue
    const ended = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
      await workspaces.lockForPublish(tx, workspace)
      if (judge !== undefined && (await resolutions.uncompared(tx, workspace, 1)).length > 0) return false
      await jobs.finish(tx, row)
      return true
    })
    if (ended) return
  }
}

export async function giveUpJudging(deps: EngineDeps, row: jobs.JobRow, error: AppError): Promise<void> {
  await jobs.failForGood(deps.database.db, row, `${error.code}: ${error.message}`)
}

/** @returns false when no pair is left to ask about. */
async function judgeSome(deps: EngineDeps, judge: NameJudge, workspace: WorkspaceId, signal: AbortSignal): Promise<boolean> {
  const scope = workspaceScope(workspace)
  const pairs = await withScope(deps.database, scope, (tx) => resolutions.open(tx, workspace, { limit: PAIRS_PER_CALL, asked: false }))
  if (pairs.length === 0) return false
  await requireBudget(deps, workspace)
  const { verdicts } = await judge.judge(
    pairs.map(({ a, b }) => [a, b]),
    signal,
  )
  for (const [at, { a, b }] of pairs.entries()) {
    const resolutionId = `${a.id}.${b.id}`
    try {
      if (verdicts[at] === 'same') await acceptResolution(deps, workspace, { resolutionId, madeBy: 'model' })
      else if (verdicts[at] === 'different') await rejectResolution(deps, workspace, resolutionId, 'model')
      else await withScope(deps.database, scope, (tx) => resolutions.markUnsure(tx, workspace, a.id, b.id))
    } catch (error) {
      // One of the two went, or became another thing, while the model thought. What is still there is left to a person, or the model would be
      // asked about it for ever.
      if (!['not_found', 'invalid_request'].includes(asAppError(error).code)) throw error
      await withScope(deps.database, scope, (tx) => resolutions.markUnsure(tx, workspace, a.id, b.id))
    }
  }
  return true
}
