// The judging of names in the worker's terms.
import type { EngineDeps } from '../services/deps.ts'
import { giveUpJudging, runJudging } from '../services/judging.ts'
import { onBehalfOf } from '../services/usage.ts'
import type { JobHandler } from './worker.ts'

export function judgingHandler(deps: EngineDeps): JobHandler {
  return {
    run: (row, signal) => onBehalfOf({ workspace: row.workspace_id, jobId: row.job_id }, () => runJudging(deps, row, signal)),
    giveUp: (row, error) => giveUpJudging(deps, row, error),
  }
}
