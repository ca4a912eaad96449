import { describe, expect, it } from 'vitest'
import { fullName, roundRobin, stretched } from '../../src/core/fusion.ts'

describe('scores on one scale', () => {
  it('makes the best 1 and the last of a full list 0', () => {
    expect(stretched([0.9, 0.6, 0.5], 3)).toEqual([1, expect.closeTo(0.25, 12), 0])
  })

  it('takes nothing for noise in a list that is not full', () => {
    expect(stretched([0.8, 0.4], 60)).toEqual([1, 0.5])
  })

  it('keeps a full list of equals', () => {
    expect(stretched([0.5, 0.5], 2)).toEqual([1, 1])
  })

  it('gives 0 where nothing is similar at all', () => {
    expect(stretched([0, 0], 60)).toEqual([0, 0])
    expect(stretched([], 60)).toEqual([])
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
