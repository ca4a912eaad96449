// Summaries in the worker's terms.
import type { EngineDeps } from '../services/deps.ts'
import { giveUpSummaries, runSummaries } from '../services/summaries.ts'
import { onBehalfOf } from '../services/usage.ts'
import type { JobHandler } from './worker.ts'

export function summaryHandler(deps: EngineDeps): JobHandler {
  return {
    run: (row, signal) => onBehalfOf({ workspace: row.workspace_id, jobId: row.job_id }, () => runSummaries(deps, row, signal)),
    giveUp: (row, error) => giveUpSummaries(deps, row, error),
  }
}
