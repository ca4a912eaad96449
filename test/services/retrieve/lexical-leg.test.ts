import { describe, expect, it } from 'vitest'
import { leads } from '../../../src/services/retrieve/lexical-leg.ts'
import { Memory } from '../../../src/services/retrieve/memory.ts'

const leading = (terms: string[], frequencies: number[]): string[][][] =>
  leads(terms, terms, frequencies).map((drive) => drive.queries.map((query) => [...query.terms]))

describe('in a large index', () => {
  it('the rarest terms lead, as many as bring few postings', () => {
    expect(leading(['common', 'rare', 'middle'], [50_000, 10, 5000])).toEqual([[['rare'], ['middle']]])
  })

  it('a term that nothing holds leads nowhere, and without any other there is nothing to ask', () => {
    expect(leading(['absent', 'rare'], [0, 10])).toEqual([[['rare']]])
    expect(leading(['absent'], [0])).toEqual([])
  })

  it('two common terms lead together, and the rarer one alone only if they never meet', () => {
    expect(leading(['b', 'a'], [60_000, 40_000])).toEqual([[['a', 'b']], [['a']]])
  })

  it('one common term leads alone', () => {
    expect(leading(['a'], [40_000])).toEqual([[['a']]])
  })

  it('every term counts for the score, whether it leads or not', () => {
    expect(leads(['common', 'rare'], ['common', 'rare'], [50_000, 10])[0]?.frequencies).toEqual([50_000, 10])
  })
})

describe('other names', () => {
  const renamed = [{ key: 'thing', terms: ['asked'], others: [{ name: 'a b', workspaceId: 'public', terms: ['a', 'b'] }] }]
  const queries = (asked: number, a: number, b: number): unknown =>
    leads(['asked'], ['asked', 'a', 'b'], [asked, a, b], { renamed, maxPostings: 10_000 })[0]?.queries

  it('lead whole beside the asked one, never in its place, and weigh no more', () => {
    for (const asked of [9000, 40_000])
      expect(queries(asked, 20, 5000)).toEqual([
        { terms: ['asked'], frequency: asked },
        { terms: ['a', 'b'], frequency: asked },
      ])
  })

  it('lead alone where nothing has the asked one, and nowhere unless there is all of them', () => {
    expect(queries(0, 20, 5000)).toEqual([{ terms: ['a', 'b'], frequency: 20 }])
    expect(queries(10, 20, 0)).toEqual([{ terms: ['asked'], frequency: 10 }])
  })
})

describe('what is remembered', () => {
  it('goes when it was not used for longest', () => {
    const memory = new Memory<number>(2)
    memory.set('a', 1)
    memory.set('b', 2)
    expect(memory.get('a')).toBe(1)
    memory.set('c', 3)
    expect([memory.get('a'), memory.get('b'), memory.get('c')]).toEqual([1, undefined, 3])
  })

  it('is replaced under its key without crowding out others', () => {
    const memory = new Memory<number>(2)
    memory.set('a', 1)
    memory.set('b', 2)
    memory.set('b', 3)
    expect([memory.get('a'), memory.get('b')]).toEqual([1, 3])
  })
})
