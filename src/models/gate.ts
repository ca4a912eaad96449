// The way to a model server: a slot per request, handed out by priority and fairly, as many as the server bears at present.
// One gate per server, key and model, shared by every role that uses it.
import { createAdaptiveLimit } from './adaptive-limit.ts'
import type { AdaptiveLimit } from './adaptive-limit.ts'
import { createFairQueue } from '../core/fair-queue.ts'
import type { Waiting } from '../core/fair-queue.ts'

/** A live question goes before summaries, summaries before ingestion. */
export type Priority = 'live' | 'summary' | 'ingest'

const RANK: Record<Priority, number> = { live: 0, summary: 1, ingest: 2 }

export type Gate = {
  /** Waits for a slot and returns the function that gives it back. @throws the signal's reason. */
  acquire(priority: Priority, signal: AbortSignal): Promise<() => void>
  observe: AdaptiveLimit['observe']
  readonly limit: number
  readonly inFlight: number
}

/**
 * @param concurrency where the limit starts, and its ceiling; ≥ 1.
 * @param tenantOf    on whose behalf the caller acts, asked once per `acquire`; a tenant with a long queue does not delay the others.
 */
export function createGate(concurrency: number, tenantOf: () => string = () => ''): Gate {
  const limit = createAdaptiveLimit(Math.max(1, Math.floor(concurrency)))
  const queue = createFairQueue()
  let inFlight = 0
  let wake: NodeJS.Timeout | undefined

  function dispatch(): void {
    const pauseMs = limit.pauseMs()
    if (pauseMs > 0) {
      wake ??= setTimeout(() => {
        wake = undefined
        dispatch()
      }, pauseMs)
      return
    }
    while (inFlight < limit.value) {
      const next = queue.take()
      if (!next) return
      inFlight += 1
      next.start()
    }
  }

  function releaserOf(tenant: string): () => void {
    let released = false
    return () => {
      if (released) return
      released = true
      inFlight -= 1
      queue.done(tenant)
      dispatch()
    }
  }

  return {
    get limit() {
      return limit.value
    },
    get inFlight() {
      return inFlight
    },
    observe(attempt, label) {
      limit.observe(attempt, label)
      dispatch()
    },
    acquire(priority, signal) {
      signal.throwIfAborted()
      const tenant = tenantOf()
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          queue.remove(entry)
          reject(signal.reason)
        }
        const entry: Waiting = {
          rank: RANK[priority],
          tenant,
          start() {
            signal.removeEventListener('abort', abort)
            resolve(releaserOf(tenant))
          },
        }
        signal.addEventListener('abort', abort, { once: true })
        queue.add(entry)
        dispatch()
      })
    },
  }
}
