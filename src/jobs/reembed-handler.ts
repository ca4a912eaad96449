// Re-embeddings in the worker's terms. Each attempt goes on from the last checkpoint, so crashes do not count against it.
import type { EngineDeps } from '../services/deps.ts'
import { Superseded } from '../services/ingest/publication.ts'
import { giveUpReembedding, runReembedding } from '../services/reembed/run.ts'
import { onBehalfOf } from '../services/usage.ts'
import type { JobHandler } from './worker.ts'

export function reembedHandler(deps: EngineDeps): JobHandler {
  return {
    run: async (row, signal) => {
      try {
        await onBehalfOf({ workspace: row.workspace_id, jobId: row.job_id }, () => runReembedding(deps, row, signal))
      } catch (error) {
        // Dropped or taken over while it ran: there is nothing left to do.
        if (!(error instanceof Superseded)) throw error
      }
    },
    giveUp: (row, error) => giveUpReembedding(deps, row, error),
  }
}
