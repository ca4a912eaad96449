// Where a long run of text units is cut. The cut follows the content, not a running count, so that an edit moves only the cuts next to it.

/** How firmly a unit holds on to the one before it: a firmer hold is let go only where no looser one is left. */
export type Hold = 0 | 1 | 2

/** `anchor` is the text that decides how attractive a cut before this unit is. */
export type CutUnit = { size: number; anchor: string; hold: Hold }

/** `target` ends the cutting; no side of a cut is below `least` while that is possible; `most` is never exceeded by more than one unit. */
export type CutLimits = { target: number; least: number; most: number }

type Segment = { from: number; to: number }

const ANCHOR_LENGTH = 24

/** FNV-1a, 32 bits, over the first characters: an edit further inside a paragraph leaves its rank alone. */
function rank(anchor: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < Math.min(anchor.length, ANCHOR_LENGTH); index += 1) {
    hash = Math.imul(hash ^ anchor.charCodeAt(index), 0x01000193)
  }
  return hash >>> 0
}

/**
 * Cuts a run in two at the boundary of the lowest rank, and each side again, until every segment is at most `target`.
 * Each decision depends on one segment alone, so an edit that does not change a segment leaves its cuts where they were; a greedy fill
 * would move every later one. The idea is that of a treap (Seidel, Aragon 1996) and of content-defined chunking (Muthitacharoen 2001).
 * Ties go to the boundary nearest the middle. Cost: O(n log n) expected.
 *
 * @returns half-open index ranges in order, covering all units.
 */
export function cutByContent(units: readonly CutUnit[], limits: CutLimits): Segment[] {
  const ranks = units.map((unit) => rank(unit.anchor))
  const sums = [0]
  for (const unit of units) sums.push((sums.at(-1) ?? 0) + unit.size)
  const size = (from: number, to: number): number => (sums[to] ?? 0) - (sums[from] ?? 0)
  const done: Segment[] = []
  const open: Segment[] = units.length === 0 ? [] : [{ from: 0, to: units.length }]
  for (let segment = open.pop(); segment !== undefined; segment = open.pop()) {
    const cut = size(segment.from, segment.to) <= limits.target ? undefined : bestCut(units, ranks, size, segment, limits)
    if (cut === undefined) done.push(segment)
    else open.push({ from: cut, to: segment.to }, { from: segment.from, to: cut })
  }
  return done
}

function bestCut(
  units: readonly CutUnit[],
  ranks: readonly number[],
  size: (from: number, to: number) => number,
  { from, to }: Segment,
  limits: CutLimits,
): number | undefined {
  const middle = size(from, to) / 2
  const lowest = (allowed: (at: number) => boolean): number | undefined => {
    let best: number | undefined
    for (let at = from + 1; at < to; at += 1) {
      if (!allowed(at)) continue
      const ahead = best === undefined ? -1 : (ranks[at] ?? 0) - (ranks[best] ?? 0)
      if (ahead < 0 || (ahead === 0 && Math.abs(size(from, at) - middle) < Math.abs(size(from, best ?? from) - middle))) best = at
    }
    return best
  }
  const free = (at: number): boolean => units[at]?.hold === 0
  const balanced = (at: number): boolean => size(from, at) >= limits.least && size(at, to) >= limits.least
  const good = lowest((at) => free(at) && balanced(at))
  if (good !== undefined || size(from, to) <= limits.most) return good
  return lowest(free) ?? lowest((at) => units[at]?.hold === 1) ?? lowest(() => true)
}
