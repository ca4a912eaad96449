// How good a ranking is, and how sure one can be of it: recall, reciprocal rank and nDCG with bootstrap intervals, after BEIR and trec_eval.

/** Relevance of entries for one question; entries not named are not relevant. */
export type Judgements = ReadonlyMap<string, number>

/** A mean with its 95 % bootstrap interval. */
export type Interval = { mean: number; low: number; high: number }

const relevantOf = (judgements: Judgements): string[] => [...judgements].filter(([, grade]) => grade > 0).map(([id]) => id)

/** The share of the relevant entries among the first k, 0..1; never any-hit. 0 where nothing is relevant. */
export function recallAt(k: number, ranking: readonly string[], judgements: Judgements): number {
  const relevant = relevantOf(judgements)
  const top = new Set(ranking.slice(0, k))
  return relevant.length === 0 ? 0 : relevant.filter((id) => top.has(id)).length / relevant.length
}

/** 1 / rank of the first relevant entry, 0 when none was found. */
export function reciprocalRank(ranking: readonly string[], judgements: Judgements): number {
  const index = ranking.findIndex((id) => (judgements.get(id) ?? 0) > 0)
  return index === -1 ? 0 : 1 / (index + 1)
}

/** Discounted cumulative gain as a share of the best order's, with linear gain as trec_eval has it; 0..1. */
export function ndcgAt(k: number, ranking: readonly string[], judgements: Judgements): number {
  const gain = (grades: readonly number[]): number =>
    grades.slice(0, k).reduce((sum, grade, index) => sum + Math.max(grade, 0) / Math.log2(index + 2), 0)
  const best = gain([...judgements.values()].toSorted((a, b) => b - a))
  return best === 0 ? 0 : gain(ranking.map((id) => judgements.get(id) ?? 0)) / best
}

const RESAMPLES = 2000

/**
 * The mean of per-question values with a percentile bootstrap interval over questions. The resamples are drawn from a fixed seed,
 * so that the same values give the same interval.
 */
export function bootstrap(values: readonly number[]): Interval {
  const n = values.length
  if (n === 0) return { mean: 0, low: 0, high: 0 }
  const random = seededRandom(0x5eed)
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0
    for (let drawn = 0; drawn < n; drawn += 1) sum += values[Math.floor(random() * n)] ?? 0
    return sum / n
  }).toSorted((a, b) => a - b)
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  return { mean, low: quantile(means, 0.025), high: quantile(means, 0.975) }
}

/** The value below which a share of the sorted values lies (nearest rank). */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? 0
}

/** mulberry32: uniform in 0..1, the same sequence for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
