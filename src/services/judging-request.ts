// Queueing the job that has a model judge names; apart from its work, which merges, for publishing comes before merging.
import type { WorkspaceId } from '../core/workspace.ts'
import * as jobs from '../store/jobs.ts'
import * as resolutions from '../store/resolutions.ts'
import type { ScopedTx } from '../store/scope.ts'
import type { EngineDeps } from './deps.ts'

export const RESOLVE = 'resolve'

/** Queues the job in the caller's transaction when there are names that were not compared yet. */
export async function requestJudging(deps: EngineDeps, tx: ScopedTx, workspace: WorkspaceId): Promise<void> {
  if (deps.models.judge === undefined || (await resolutions.uncompared(tx, workspace, 1)).length === 0) return
  const delayMs = deps.limits.summaryDelayMs ?? 0
  await jobs.enqueue(tx, workspace, { kind: RESOLVE, subject: 'graph', payload: {}, secret: undefined, delayMs })
}
