// How many searches a process lets into its database at once. The rest wait a little, fairly between tenants; what would wait longer
// is refused at once with a word on when to come back, so that overload costs answers and not the service.
import { AppError } from '../core/errors.ts'
import { createFairQueue, type Waiting } from '../core/fair-queue.ts'
import type { Admission } from '../ports/database.ts'

export type AdmissionSettings = {
  atOnce: number
  /** A caller who has waited so long is better told than kept. */
  longestWaitMs: number
  /** Waiting callers; each costs memory and, at the end of its wait, a refusal. */
  mostWaiting: number
}

export function createAdmission({ atOnce, longestWaitMs, mostWaiting }: AdmissionSettings): Admission {
  const queue = createFairQueue()
  let running = 0
  let waiting = 0
  const refused = (): AppError => new AppError('overloaded', undefined, { retryAfterSeconds: longestWaitMs / 1000 })

  function dispatch(): void {
    while (running < atOnce) {
      const next = queue.take()
      if (next === undefined) return
      running += 1
      next.start()
    }
  }

  function enter(tenant: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (waiting >= mostWaiting) throw refused()
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting -= 1
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
      }
      const giveUp = (reason: unknown): void => {
        queue.remove(entry)
        leave()
        reject(reason)
      }
      const abort = (): void => giveUp(signal.reason)
      const timer = setTimeout(() => giveUp(refused()), longestWaitMs)
      const entry: Waiting = {
        rank: 0,
        tenant,
        start: () => {
          leave()
          resolve()
        },
      }
      signal.addEventListener('abort', abort, { once: true })
      waiting += 1
      queue.add(entry)
      dispatch()
    })
  }

  return {
    run: async (tenant, signal, work) => {
      await enter(tenant, signal)
      try {
        return await work()
      } finally {
        running -= 1
        queue.done(tenant)
        dispatch()
      }
    },
  }
}
