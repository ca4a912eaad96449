import { describe, expect, it } from 'vitest'
import { bootstrap, ndcgAt, quantile, recallAt, reciprocalRank, seededRandom } from '../../src/core/evaluation.ts'

const judged = new Map([
  ['a', 1],
  ['b', 2],
  ['c', 0],
])

describe('one ranking', () => {
  it('recall is the share of the relevant set, never any-hit', () => {
    expect(recallAt(1, ['a', 'b'], judged)).toBe(0.5)
    expect(recallAt(2, ['a', 'b'], judged)).toBe(1)
    expect(recallAt(5, ['c', 'x'], judged)).toBe(0)
  })

  it('the reciprocal rank counts the first relevant entry, not a judged irrelevant one', () => {
    expect(reciprocalRank(['c', 'x', 'a'], judged)).toBeCloseTo(1 / 3, 12)
    expect(reciprocalRank(['c'], judged)).toBe(0)
  })

  it('nDCG is 1 for the best order and less for any other', () => {
    expect(ndcgAt(10, ['b', 'a'], judged)).toBe(1)
    expect(ndcgAt(10, ['a', 'b'], judged)).toBeCloseTo((1 + 2 / Math.log2(3)) / (2 + 1 / Math.log2(3)), 12)
    expect(ndcgAt(1, ['a'], judged)).toBe(0.5)
  })
})

describe('the interval', () => {
  it('is the same for the same values and holds the mean', () => {
    const values = Array.from({ length: 40 }, (_unused, index) => (index % 4 === 0 ? 1 : 0))
    const interval = bootstrap(values)
    expect(bootstrap(values)).toEqual(interval)
    expect(interval.mean).toBe(0.25)
    expect(interval.low).toBeLessThan(0.25)
    expect(interval.high).toBeGreaterThan(0.25)
    // Binomial with p = 0.25 and n = 40: ± 1.96 · 0.0685.
    expect(interval.low).toBeCloseTo(0.116, 1)
    expect(interval.high).toBeCloseTo(0.384, 1)
  })

  it('has no width where all values agree, and is 0 for none', () => {
    expect(bootstrap([0.5, 0.5, 0.5])).toEqual({ mean: 0.5, low: 0.5, high: 0.5 })
    expect(bootstrap([])).toEqual({ mean: 0, low: 0, high: 0 })
  })

  it('reads quantiles by nearest rank', () => {
    expect([0.5, 0.95, 0, 1].map((share) => quantile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], share))).toEqual([5, 10, 1, 10])
  })

  it('draws from the whole unit interval', () => {
    const random = seededRandom(7)
    const drawn = Array.from({ length: 2000 }, random)
    expect(Math.min(...drawn)).toBeLessThan(0.01)
    expect(Math.max(...drawn)).toBeGreaterThan(0.99)
    expect(drawn.reduce((sum, value) => sum + value, 0) / 2000).toBeCloseTo(0.5, 1)
  })
})
