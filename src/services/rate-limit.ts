// How many calls a caller may make: a token bucket that all processes share.
import type { CallKind } from '../core/call-kinds.ts'
import { AppError } from '../core/errors.ts'
import type { Database } from '../ports/database.ts'
import * as rateLimits from '../store/rate-limits.ts'
import type { Log } from './deps.ts'

/** Calls a minute; what is not there has no limit. */
export type RateLimits = { all?: number | undefined; kinds: Partial<Record<CallKind, number>> }

export type RateLimiter = {
  /**
   * Counts one call.
   *
   * @throws AppError `rate_limited` with the seconds to wait.
   */
  admit(caller: string, kind?: CallKind): Promise<void>
}

/** Buckets of callers that went away are dropped at most so often. */
const CLEAN_EVERY_MS = 3_600_000

/**
 * So many calls at once, refilled evenly over a minute, for every caller and for every kind of call that has a limit. When the database
 * cannot count, calls pass: what needs the database fails by itself, and what does not should not fail for the want of a counter.
 */
export function createRateLimiter(database: Database, limits: RateLimits, log: Log): RateLimiter {
  let cleanedAt = performance.now()

  /** Seconds to wait, or undefined when the call may pass. */
  async function count(name: string, perMinute: number): Promise<number | undefined> {
    const bucket = { capacity: perMinute, perSecond: perMinute / 60 }
    try {
      if (performance.now() - cleanedAt > CLEAN_EVERY_MS) {
        cleanedAt = performance.now()
        await rateLimits.forgetFull(database.db, bucket)
      }
      if (await rateLimits.take(database.db, name, bucket)) return undefined
      return await rateLimits.secondsToNext(database.db, name, bucket)
    } catch (error) {
      log.warn({ err: error }, 'a call could not be counted and was let through')
      return undefined
    }
  }

  async function admitOne(name: string, perMinute: number | undefined, what: string): Promise<void> {
    if (perMinute === undefined) return
    const seconds = await count(name, perMinute)
    if (seconds === undefined) return
    throw new AppError('rate_limited', `More than ${perMinute} ${what} in a minute; try again in ${Math.max(1, Math.ceil(seconds))} s.`, {
      retryAfterSeconds: seconds,
    })
  }

  return {
    async admit(caller, kind) {
      // The narrower limit first: what it refuses takes nothing from the caller's other calls.
      if (kind !== undefined) await admitOne(`${caller} ${kind}`, limits.kinds[kind], `calls of the kind ${kind}`)
      await admitOne(caller, limits.all, 'calls')
    },
  }
}
