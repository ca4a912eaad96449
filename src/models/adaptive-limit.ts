// How many requests at once a server bears, learned from what it answers: additive increase, multiplicative decrease.

/** What one attempt on the wire showed; status 0 is a network fault or a timeout. */
export type Signalled = { status: number; ms: number; retryAfterSeconds: number | undefined }

export type AdaptiveLimit = {
  /** Requests allowed at present, ≥ 1. */
  readonly value: number
  /** Milliseconds to wait before anything is sent, because the server asked for it; 0 for none. */
  pauseMs(): number
  /** Learns from an attempt. @param label what was asked; latencies are compared within a label, for an extraction is slower than a keyword call. */
  observe(attempt: Signalled, label: string): void
}

type Latency = { normalMs: number; recentMs: number }

/**
 * One step back at overload: a third less, so that one burst of 429s does not stop everything. Refusals that come whatever the limit is (30 %
 * at random) therefore end at three at once. Steps in proportion to their share would keep ten, but where a server has a limit of so many at
 * once or a second, simulated, they met two to nine times the refusals and several times the calls refused to the end.
 */
const DECREASE = 0.67
/** Latency this many times its normal is overload; below it is only a longer reply. */
const SLOW = 4
/** Of what is faster than this a busy machine of our own makes a multiple; a server that overloads shows in longer times. */
const NOISE_MS = 250
/** How long after a step back others' refusals are still the old limit's; a slow model must not delay learning for minutes. */
const LONGEST_ROUND_MS = 2_000
/** A pause a server asks for is kept, up to this. */
const MAX_PAUSE_MS = 20_000

/** @param ceiling where it starts and what it never exceeds. */
export function createAdaptiveLimit(ceiling: number): AdaptiveLimit {
  let limit = ceiling
  let lastDecrease = -Infinity
  let pausedUntil = -Infinity
  const latencies = new Map<string, Latency>()

  function decrease(recentMs: number): void {
    // Requests that were already out when the limit fell say nothing about the new limit.
    const now = performance.now()
    if (now - lastDecrease < Math.min(recentMs, LONGEST_ROUND_MS)) return
    lastDecrease = now
    limit = Math.max(1, limit * DECREASE)
  }

  return {
    get value() {
      return Math.floor(limit)
    },
    pauseMs: () => Math.max(0, pausedUntil - performance.now()),
    observe({ status, ms, retryAfterSeconds }, label) {
      const latency = latencies.get(label) ?? { normalMs: ms, recentMs: ms }
      latencies.set(label, latency)
      if (status === 429 || status === 503 || status === 0) {
        decrease(latency.recentMs)
        const wanted = Math.min((retryAfterSeconds ?? 0) * 1000, MAX_PAUSE_MS)
        if (wanted > 0) pausedUntil = Math.max(pausedUntil, performance.now() + wanted)
        return
      }
      if (status >= 400) return
      latency.recentMs = latency.recentMs * 0.8 + ms * 0.2
      // The normal is the fastest lately seen; it rises slowly, so that a server that became slower for good is accepted.
      latency.normalMs = Math.min(latency.normalMs * 1.02, latency.recentMs)
      if (latency.recentMs > SLOW * Math.max(latency.normalMs, NOISE_MS) && limit >= 2) decrease(latency.recentMs)
      else limit = Math.min(ceiling, limit + 1 / limit)
    },
  }
}
