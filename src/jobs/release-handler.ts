// Builds of knowledge releases in the worker's terms.
import { AppError } from '../core/errors.ts'
import type { EngineDeps } from '../services/deps.ts'
import { Superseded } from '../services/ingest/publication.ts'
import { openBuild } from '../services/releases/build.ts'
import { failBuild } from '../services/releases/finish.ts'
import { runBuild } from '../services/releases/run.ts'
import { onBehalfOf } from '../services/usage.ts'
import type { JobHandler } from './worker.ts'

export function releaseHandler(deps: EngineDeps): JobHandler {
  return {
    run: async (row, signal) => {
      if (row.attempts > row.max_attempts) {
        throw new AppError('internal_error', 'This build stopped the service several times, so it is set aside.')
      }
      try {
        await onBehalfOf({ workspace: row.workspace_id, jobId: row.job_id }, () => runBuild(deps, row, signal))
      } catch (error) {
        // Deleted or taken over while it ran: there is nothing left to do.
        if (!(error instanceof Superseded)) throw error
      }
    },
    giveUp: async (row, error) => failBuild(await openBuild(deps, row, AbortSignal.abort()), error),
  }
}
