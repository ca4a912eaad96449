// How many calls a caller may make: a token bucket that all processes share.
import { AppError } from '../core/errors.ts'
import type { Database } from '../ports/database.ts'
import * as rateLimits from '../store/rate-limits.ts'
import type { Log } from './deps.ts'

export type RateLimiter = {
  /**
   * Counts one call.
   *
   * @throws AppError `rate_limited` with the seconds to wait.
   */
  admit(caller: string): Promise<void>
}

/** Buckets of callers that went away are dropped at most so often. */
const CLEAN_EVERY_MS = 3_600_000

/**
 * `perMinute` calls at once, refilled evenly over a minute. When the database cannot count, calls pass: what needs the
 * database fails by itself, and what does not should not fail for the want of a counter.
 */
export function createRateLimiter(database: Database, perMinute: number, log: Log): RateLimiter {
  const bucket = { capacity: perMinute, perSecond: perMinute / 60 }
  let cleanedAt = performance.now()

  /** Seconds to wait, or undefined when the call may pass. */
  async function count(caller: string): Promise<number | undefined> {
    try {
      if (performance.now() - cleanedAt > CLEAN_EVERY_MS) {
        cleanedAt = performance.now()
        await rateLimits.forgetFull(database.db, bucket)
      }
      if (await rateLimits.take(database.db, caller, bucket)) return undefined
      return await rateLimits.secondsToNext(database.db, caller, bucket)
    } catch (error) {
      log.warn({ err: error }, 'a call could not be counted and was let through')
      return undefined
    }
  }

  return {
    async admit(caller) {
      const seconds = await count(caller)
      if (seconds === undefined) return
      throw new AppError('rate_limited', `More than ${perMinute} calls in a minute; try again in ${Math.max(1, Math.ceil(seconds))} s.`, {
        retryAfterSeconds: seconds,
      })
    },
  }
}
