// Circles in an order of learning: pure, so that the answer depends on the relations alone.

/** `before` must be known before `after`; both are numbers of steps. */
export type Before = { before: number; after: number }

/**
 * One shortest circle for every step that is the smallest of some circle and not part of one already told; each begins with
 * its smallest step and follows the order of learning. Cost: O(steps · relations).
 */
export function cyclesOf(steps: number, relations: readonly Before[]): number[][] {
  const next = Array.from({ length: steps }, (): number[] => [])
  for (const { before, after } of relations) if (!next[before]?.includes(after)) next[before]?.push(after)
  const told = new Set<number>()
  const cycles: number[][] = []
  for (let start = 0; start < steps; start += 1) {
    if (told.has(start)) continue
    const cycle = shortestCycle(next, start)
    if (cycle === undefined) continue
    for (const step of cycle) told.add(step)
    cycles.push(cycle)
  }
  return cycles
}

function shortestCycle(next: readonly (readonly number[])[], start: number): number[] | undefined {
  const from = new Map<number, number>()
  const queue = [start]
  for (let at = queue.shift(); at !== undefined; at = queue.shift()) {
    for (const to of next[at] ?? []) {
      if (to === start) return pathTo(from, at, start)
      if (from.has(to)) continue
      from.set(to, at)
      queue.push(to)
    }
  }
  return undefined
}

function pathTo(from: ReadonlyMap<number, number>, end: number, start: number): number[] {
  const path = [end]
  for (let at = end; at !== start; path.unshift(at)) at = from.get(at) ?? start
  return path
}
