// Who is next: by priority, within a priority fairly between tenants, within a tenant first come, first served.

export type Waiting = {
  /** Lower goes first. */
  rank: number
  tenant: string
  start(): void
}

export type FairQueue = {
  add(entry: Waiting): void
  remove(entry: Waiting): void
  /** The next entry, which from now on counts as its tenant's in flight. */
  take(): Waiting | undefined
  /** One of a tenant's in flight has ended. */
  done(tenant: string): void
}

/** What a tenant has; the one with the least, then the one served longest ago, is next. */
type Share = { inFlight: number; lastTurn: number }

export function createFairQueue(): FairQueue {
  // Sorted by rank, in order of arrival within one.
  const queue: Waiting[] = []
  const shares = new Map<string, Share>()
  let turn = 0
  const shareOf = (tenant: string): Share => shares.get(tenant) ?? { inFlight: 0, lastTurn: 0 }

  /** Who has nothing here and wants nothing, or the map would grow with every tenant ever seen. */
  const forget = (tenant: string): void => {
    if (shareOf(tenant).inFlight === 0 && !queue.some((entry) => entry.tenant === tenant)) shares.delete(tenant)
  }

  return {
    add(entry) {
      const position = queue.findIndex(({ rank }) => rank > entry.rank)
      queue.splice(position === -1 ? queue.length : position, 0, entry)
    },
    remove(entry) {
      const position = queue.indexOf(entry)
      if (position !== -1) queue.splice(position, 1)
      forget(entry.tenant)
    },
    take() {
      const [next] = queue
      if (!next) return undefined
      let best = 0
      // Only the first rank is looked at. Cost: O(waiting of that rank).
      for (const [index, entry] of queue.entries()) {
        if (entry.rank !== next.rank) break
        if (isBefore(shareOf(entry.tenant), shareOf(queue[best]?.tenant ?? ''))) best = index
      }
      const [taken = next] = queue.splice(best, 1)
      turn += 1
      shares.set(taken.tenant, { inFlight: shareOf(taken.tenant).inFlight + 1, lastTurn: turn })
      return taken
    },
    done(tenant) {
      const share = shareOf(tenant)
      shares.set(tenant, { ...share, inFlight: Math.max(0, share.inFlight - 1) })
      forget(tenant)
    },
  }
}

const isBefore = (one: Share, other: Share): boolean =>
  one.inFlight < other.inFlight || (one.inFlight === other.inFlight && one.lastTurn < other.lastTurn)
