// How many requests a model server gets at once: a queue by priority, fair between tenants within one, and a limit that feels
// its way (additive increase, multiplicative decrease). One gate per server, key and model, shared by every role that uses it.

/** A live question goes before summaries, summaries before ingestion. */
export type Priority = 'live' | 'summary' | 'ingest'

const RANK: Record<Priority, number> = { live: 0, summary: 1, ingest: 2 }

/** What one attempt on the wire showed; status 0 is a network fault or a timeout. */
type Signalled = { status: number; ms: number; retryAfterSeconds: number | undefined }

export type Gate = {
  /** Waits for a slot and returns the function that gives it back. @throws the signal's reason. */
  acquire(priority: Priority, signal: AbortSignal): Promise<() => void>
  /** Learns from an attempt. @param label what was asked; latencies are compared within a label, for an extraction is slower than a keyword call. */
  observe(attempt: Signalled, label: string): void
  readonly limit: number
  readonly inFlight: number
}

type Latency = { normalMs: number; recentMs: number }
type Waiting = { rank: number; tenant: string; start(): void }
/** What a tenant has of the gate; the one with the least, then the one served longest ago, is next. */
type Share = { inFlight: number; lastTurn: number }

/** One step back at overload; a third less, so that one burst of 429s does not stop everything. */
const DECREASE = 0.67
/** Latency this many times its normal is overload; below it is only a longer reply. */
const SLOW = 4
/** How long after a step back others' refusals are still the old limit's; a slow model must not delay learning for minutes. */
const LONGEST_ROUND_MS = 2_000
/** A pause a server asks for is kept, up to this. */
const MAX_PAUSE_MS = 20_000

/**
 * @param concurrency where the limit starts, and its ceiling; ≥ 1.
 * @param tenantOf    on whose behalf the caller acts, asked once per `acquire`; a tenant with a long queue does not delay the others.
 */
export function createGate(concurrency: number, tenantOf: () => string = () => ''): Gate {
  const ceiling = Math.max(1, Math.floor(concurrency))
  let limit = ceiling
  let inFlight = 0
  let lastDecrease = -Infinity
  let pausedUntil = -Infinity
  const latencies = new Map<string, Latency>()
  let wake: NodeJS.Timeout | undefined
  const queue: Waiting[] = []
  const shares = new Map<string, Share>()
  let turn = 0

  function dispatch(): void {
    const wait = pausedUntil - performance.now()
    if (wait > 0) {
      wake ??= setTimeout(() => {
        wake = undefined
        dispatch()
      }, wait)
      return
    }
    while (inFlight < Math.floor(limit)) {
      const next = takeNext()
      if (!next) return
      turn += 1
      shares.set(next.tenant, { inFlight: (shares.get(next.tenant)?.inFlight ?? 0) + 1, lastTurn: turn })
      inFlight += 1
      next.start()
    }
  }

  /** The queue is sorted by rank, so only its first rank is looked at. Cost: O(waiting of that rank). */
  function takeNext(): Waiting | undefined {
    let best = 0
    const shareOf = (index: number): Share => shares.get(queue[index]?.tenant ?? '') ?? { inFlight: 0, lastTurn: 0 }
    for (let index = 1; index < queue.length && queue[index]?.rank === queue[0]?.rank; index += 1) {
      const one = shareOf(index)
      const other = shareOf(best)
      if (one.inFlight < other.inFlight || (one.inFlight === other.inFlight && one.lastTurn < other.lastTurn)) best = index
    }
    return queue.splice(best, 1)[0]
  }

  function decrease(recentMs: number): void {
    // Requests that were already out when the limit fell say nothing about the new limit.
    const now = performance.now()
    if (now - lastDecrease < Math.min(recentMs, LONGEST_ROUND_MS)) return
    lastDecrease = now
    limit = Math.max(1, limit * DECREASE)
  }

  function release(tenant: string): void {
    inFlight -= 1
    const share = shares.get(tenant)
    if (share) share.inFlight -= 1
    // Who has nothing here and wants nothing is forgotten, or the map would grow with every tenant ever seen.
    if (share?.inFlight === 0 && !queue.some((waiting) => waiting.tenant === tenant)) shares.delete(tenant)
    dispatch()
  }

  return {
    get limit() {
      return Math.floor(limit)
    },
    get inFlight() {
      return inFlight
    },
    acquire(priority, signal) {
      signal.throwIfAborted()
      const tenant = tenantOf()
      return new Promise((resolve, reject) => {
        const abort = (): void => {
          const position = queue.indexOf(entry)
          if (position !== -1) queue.splice(position, 1)
          reject(signal.reason)
        }
        const entry: Waiting = {
          rank: RANK[priority],
          tenant,
          start() {
            signal.removeEventListener('abort', abort)
            resolve(once(() => release(tenant)))
          },
        }
        signal.addEventListener('abort', abort, { once: true })
        // Behind everything of the same or a higher rank: first come, first served within a priority.
        const position = queue.findIndex(({ rank }) => rank > entry.rank)
        queue.splice(position === -1 ? queue.length : position, 0, entry)
        dispatch()
      })
    },
    observe({ status, ms, retryAfterSeconds }, label) {
      const latency = latencies.get(label) ?? { normalMs: ms, recentMs: ms }
      latencies.set(label, latency)
      if (status === 429 || status === 503 || status === 0) {
        decrease(latency.recentMs)
        if (retryAfterSeconds !== undefined) {
          pausedUntil = Math.max(pausedUntil, performance.now() + Math.min(retryAfterSeconds * 1000, MAX_PAUSE_MS))
        }
        return
      }
      if (status >= 400) return
      latency.recentMs = latency.recentMs * 0.8 + ms * 0.2
      // The normal is the fastest lately seen; it rises slowly, so that a server that became slower for good is accepted.
      latency.normalMs = Math.min(latency.normalMs * 1.02, latency.recentMs)
      if (latency.recentMs > SLOW * latency.normalMs && inFlight > 1) decrease(latency.recentMs)
      else limit = Math.min(ceiling, limit + 1 / limit)
      dispatch()
    },
  }
}

function once(run: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    run()
  }
}
