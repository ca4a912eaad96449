import { describe, expect, it } from 'vitest'
import { bm25, byScore, inverseDocumentFrequency, lexicalShare, shareOfNames, termFrequencyOfRank, unit } from '../../src/core/scoring.ts'

describe('BM25', () => {
  it('weighs a rarer term higher and never below zero', () => {
    expect(inverseDocumentFrequency(1000, 1)).toBeGreaterThan(inverseDocumentFrequency(1000, 500))
    expect(inverseDocumentFrequency(10, 10)).toBeGreaterThanOrEqual(0)
    expect(inverseDocumentFrequency(1000, 10)).toBeCloseTo(Math.log(1 + 990.5 / 10.5), 12)
  })

  it('computes the textbook value', () => {
    // tf 2, idf 1.5, length 50 of 100 on average: 1.5 · 2 · 2.2 / (2 + 1.2 · (0.25 + 0.75 · 0.5))
    expect(bm25([{ frequency: 2, idf: 1.5 }], 50, 100)).toBeCloseTo((1.5 * 2 * 2.2) / (2 + 1.2 * 0.625), 12)
  })

  it('is a share of the best attainable: below 1 however often the terms stand there, 0 without them', () => {
    const many = lexicalShare([{ frequency: 10_000, idf: 2 }], 100, 100)
    expect(many).toBeGreaterThan(0.99)
    expect(many).toBeLessThanOrEqual(1)
    expect(lexicalShare([{ frequency: 0, idf: 2 }], 100, 100)).toBe(0)
    expect(lexicalShare([], 100, 100)).toBe(0)
  })

  it('does not compare across different sets of terms: a missing rare term costs most of the share', () => {
    const both = lexicalShare(
      [
        { frequency: 1, idf: 5 },
        { frequency: 1, idf: 1 },
      ],
      100,
      100,
    )
    const common = lexicalShare(
      [
        { frequency: 0, idf: 5 },
        { frequency: 1, idf: 1 },
      ],
      100,
      100,
    )
    expect(common).toBeLessThan(both / 4)
  })
})

describe('a thing with several names', () => {
  const held = { frequency: 1, idf: 4 }
  const missing = { frequency: 0, idf: 4 }
  const share = (...names: (typeof held)[][]): { share: number; chosen: number[] } => shareOfNames([], [names], 100, 100)

  it('counts by its best name, and once where a chunk has them all', () => {
    expect(share([held], [held])).toEqual(share([held], [missing]))
    expect(share([held], [held]).chosen).toEqual([0])
    expect(share([missing], [missing], [held]).chosen).toEqual([2])
  })

  it('scores a chunk with the asked name as if there were no other, however long that is', () => {
    const alone = share([held])
    expect(share([held], [missing, missing, missing])).toEqual(alone)
    expect(share([held], [held, held, held])).toEqual(alone)
  })

  it('counts by another name only where a chunk has all of it', () => {
    expect(share([missing], [held, missing])).toEqual({ share: 0, chosen: [0] })
  })

  it('counts less by another name than by the one asked for, and not at all without any', () => {
    expect(share([missing], [held]).share).toBeGreaterThan(0)
    expect(share([missing], [held]).share).toBeLessThan(share([held], [missing]).share)
    expect(share([missing], [missing])).toEqual({ share: 0, chosen: [0] })
  })
})

describe('the frequency behind ts_rank', () => {
  it('is exact for one lexeme up to the 255 positions PostgreSQL keeps, in single precision', () => {
    let sum = 0
    for (let frequency = 1; frequency <= 255; frequency += 1) {
      sum += 1 / frequency ** 2
      expect(termFrequencyOfRank(Math.fround(sum / 1.64493406685))).toBe(frequency)
    }
  })

  it('is 0 for a chunk without the term', () => {
    expect(termFrequencyOfRank(0)).toBe(0)
  })
})

it('clips to 0..1 and takes no angle for no similarity', () => {
  expect([-0.3, 0.4, 1.2, Number.NaN].map(unit)).toEqual([0, 0.4, 1, 0])
})

it('orders equal scores by id in code point order, then by workspace', () => {
  const hits = [
    { score: 0.5, workspaceId: 'teacher-1', id: 'b' },
    { score: 0.5, workspaceId: 'teacher-1', id: 'a' },
    { score: 0.5, workspaceId: 'public', id: 'b' },
    { score: 0.9, workspaceId: 'teacher-1', id: 'z' },
  ]
  expect(hits.toSorted(byScore).map((hit) => `${hit.id} ${hit.workspaceId}`)).toEqual([
    'z teacher-1',
    'a teacher-1',
    'b public',
    'b teacher-1',
  ])
})
