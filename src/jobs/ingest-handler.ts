// Ingest jobs in the worker's terms.
import { AppError } from '../core/errors.ts'
import type { EngineDeps } from '../services/deps.ts'
import { giveUp, openSecret, type IngestJob, type IngestPayload } from '../services/ingest/job.ts'
import { runIngest } from '../services/ingest/pipeline.ts'
import { Superseded } from '../services/ingest/publish.ts'
import { onBehalfOf } from '../services/usage.ts'
import type { JobRow } from '../store/jobs.ts'
import type { JobHandler } from './worker.ts'

export function ingestHandler(deps: EngineDeps): JobHandler {
  const toJob = (row: JobRow, signal: AbortSignal): IngestJob => ({
    row,
    workspace: row.workspace_id,
    fileId: row.subject,
    payload: row.payload as IngestPayload,
    secret: openSecret(deps, row),
    signal,
  })
  return {
    run: async (row, signal) => {
      if (row.attempts > row.max_attempts) {
        throw new AppError('internal_error', 'Processing this document stopped the service several times, so it is set aside.')
      }
      try {
        await onBehalfOf({ workspace: row.workspace_id, fileId: row.subject, jobId: row.job_id }, () => runIngest(deps, toJob(row, signal)))
      } catch (error) {
        // Deleted or taken over while it ran: there is nothing left to do or to tell.
        if (!(error instanceof Superseded)) throw error
      }
    },
    giveUp: (row, error) => giveUp(deps, toJob(row, AbortSignal.abort()), error),
  }
}
