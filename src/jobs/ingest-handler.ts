// Ingest jobs in the worker's terms.
import { AppError } from '../core/errors.ts'
import type { EngineDeps, JobSecret } from '../services/deps.ts'
import { giveUp, openSecret, type IngestJob, type IngestPayload } from '../services/ingest/job.ts'
import { runIngest } from '../services/ingest/pipeline.ts'
import { Superseded } from '../services/ingest/publication.ts'
import { onBehalfOf } from '../services/usage.ts'
import * as jobs from '../store/jobs.ts'
import type { JobRow } from '../store/jobs.ts'
import type { JobHandler } from './worker.ts'

export function ingestHandler(deps: EngineDeps): JobHandler {
  const toJob = (row: JobRow, signal: AbortSignal, secret: JobSecret): IngestJob => ({
    row,
    workspace: row.workspace_id,
    fileId: row.subject,
    payload: row.payload as IngestPayload,
    secret,
    signal,
  })
  return {
    run: async (row, signal) => {
      if (row.attempts > row.max_attempts) {
        throw new AppError('internal_error', 'Processing this document stopped the service several times, so it is set aside.')
      }
      try {
        await onBehalfOf({ workspace: row.workspace_id, fileId: row.subject, jobId: row.job_id }, () =>
          runIngest(deps, toJob(row, signal, openSecret(deps, row))),
        )
      } catch (error) {
        if (!(error instanceof Superseded)) throw error
        // Deleted or taken over while it ran: nothing is left to do or to tell. Where the lease is still ours the row must not wait for its end.
        await jobs.abandon(deps.database.db, row)
      }
    },
    giveUp: (row, error) => giveUp(deps, toJob(row, AbortSignal.abort(), knownSecret(deps, row)), error),
  }
}

/** The failure itself is told without the caller's token when that cannot be read any more; the service token may do. */
function knownSecret(deps: EngineDeps, row: JobRow): JobSecret {
  try {
    return openSecret(deps, row)
  } catch (error) {
    if (error instanceof AppError) return {}
    throw error
  }
}
