import { describe, expect, it } from 'vitest'
import { fullName, reciprocalRankFusion, roundRobin } from '../../src/core/fusion.ts'

describe('reciprocal rank fusion', () => {
  it('scores 1 what leads every list and adds 1 / (k + rank) otherwise', () => {
    const fused = reciprocalRankFusion([{ ids: ['a', 'b'], weight: 1 }, { ids: ['a', 'c'], weight: 1 }])
    expect(fused[0]).toEqual({ id: 'a', score: 1 })
    expect(fused[1]?.score).toBeCloseTo(1 / 62 / (2 / 61), 12)
  })

  it('puts what two lists name in the middle before what one list names first, when the damping is large', () => {
    const fused = reciprocalRankFusion([{ ids: ['x', 'm'], weight: 1 }, { ids: ['y', 'm'], weight: 1 }])
    expect(fused.map(({ id }) => id)).toEqual(['m', 'x', 'y'])
  })

  it('keeps the order of first appearance on a tie', () => {
    const fused = reciprocalRankFusion([{ ids: ['b'], weight: 1 }, { ids: ['a'], weight: 1 }])
    expect(fused.map(({ id }) => id)).toEqual(['b', 'a'])
  })

  it('counts an empty list as a vote withheld, so a lone list cannot score 1', () => {
    const [lone] = reciprocalRankFusion([{ ids: ['a'], weight: 1 }, { ids: [], weight: 1 }])
    expect(lone?.score).toBeCloseTo(0.5, 12)
  })

  it('ignores a list of weight 0', () => {
    expect(reciprocalRankFusion([{ ids: ['a'], weight: 1 }, { ids: ['b'], weight: 0 }]).map(({ id }) => id)).toEqual(['a'])
  })
})

describe('round robin', () => {
  it('takes the first of every list, then the second, each key once', () => {
    expect(roundRobin([['a', 'b', 'c'], ['b', 'd'], ['e']], (id) => id)).toEqual(['a', 'b', 'e', 'd', 'c'])
  })

  it('gives nothing for nothing', () => {
    expect(roundRobin<string>([], (id) => id)).toEqual([])
  })
})

it('a full name tells equal ids of two workspaces apart', () => {
  expect(fullName({ workspaceId: 'public', id: 'x' })).not.toBe(fullName({ workspaceId: 'teacher-1', id: 'x' }))
})
