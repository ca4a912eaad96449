// Embedding jobs of courses in the worker's terms.
import { AppError } from '../core/errors.ts'
import { giveUpCourse, runCourseEmbedding } from '../services/courses/embed.ts'
import type { EngineDeps } from '../services/deps.ts'
import { Superseded } from '../services/ingest/publication.ts'
import { onBehalfOf } from '../services/usage.ts'
import type { JobHandler } from './worker.ts'

export function courseHandler(deps: EngineDeps): JobHandler {
  return {
    run: async (row, signal) => {
      if (row.attempts > row.max_attempts) {
        throw new AppError('internal_error', 'Embedding this course stopped the service several times, so it is set aside.')
      }
      try {
        await onBehalfOf({ workspace: row.workspace_id, jobId: row.job_id }, () => runCourseEmbedding(deps, row, signal))
      } catch (error) {
        // Deleted or taken over while it ran: there is nothing left to do.
        if (!(error instanceof Superseded)) throw error
      }
    },
    giveUp: (row, error) => giveUpCourse(deps, row, error),
  }
}
