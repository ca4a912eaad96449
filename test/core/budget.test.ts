import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkBudget, pickByWeight, prefixWithin, similarityCandidates, weightQuotas } from '../../src/core/budget.ts'
import { countTokens } from '../../src/core/tokens.ts'

describe('whole lines within a budget', () => {
  it('counts the text as it is joined, separators included', () => {
    const lines = ['一二三', '四五六', '七八九']
    const two = countTokens('一二三\n四五六')
    expect(prefixWithin(lines, two)).toBe(2)
    expect(prefixWithin(lines, two - 1)).toBe(1)
  })

  it('ends at the first line that does not fit, even where a later one would', () => {
    expect(prefixWithin(['短', '这一行长得放不进去了', '短'], 6)).toBe(1)
  })

  it('takes nothing where not even the first line fits, and everything where all fit', () => {
    expect(prefixWithin(['一二三四五'], 4)).toBe(0)
    expect(prefixWithin(['a', 'b'], 1000)).toBe(2)
    expect(prefixWithin([], 10)).toBe(0)
  })

  it('is the longest prefix that fits, for any lines', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 30 }), { maxLength: 12 }), fc.integer({ min: 0, max: 60 }), (lines, max) => {
        const fit = prefixWithin(lines, max)
        const cost = (count: number): number => countTokens(lines.slice(0, count).join('\n'))
        expect(cost(fit)).toBeLessThanOrEqual(Math.max(max, 0))
        // One line more would cost too much, unless there is none.
        expect(fit === lines.length || cost(fit + 1) > max).toBe(true)
      }),
    )
  })
})

it.each([
  [0, 0],
  [1, 2],
  [2, 5],
  [3, 7],
  [40, 100],
])('%i owners let %i chunks compete', (owners, chunks) => {
  expect(similarityCandidates(owners)).toBe(chunks)
})

it('leaves about half of 30,000 tokens for chunks under the default budgets', () => {
  expect(chunkBudget(30_000, [650, 120, 14_000, 30])).toBe(15_000)
  expect(chunkBudget(100, [90, 90])).toBe(0)
})

it.each([
  [1, [5]],
  [2, [5, 1]],
  [3, [5, 3, 1]],
  [4, [5, 4, 2, 1]],
  [5, [5, 4, 3, 2, 1]],
  [7, [5, 4, 4, 3, 2, 2, 1]],
  [9, [5, 4, 4, 4, 3, 2, 2, 2, 1]],
  [10, [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]],
])('%i owners have the quotas of upstream, halves rounded to even', (owners, quotas) => {
  expect(weightQuotas(owners)).toEqual(quotas)
})

it('hands unused quota to the first owner that still has chunks', () => {
  expect(pickByWeight([['a1'], ['b1', 'b2', 'b3', 'b4'], ['c1', 'c2', 'c3']])).toEqual(['a1', 'b1', 'b2', 'b3', 'c1', 'b4', 'c2', 'c3'])
})
