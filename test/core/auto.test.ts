import { describe, expect, it } from 'vitest'
import { autoScores, directScores, type Walked } from '../../src/core/auto.ts'
import { autoWeights } from '../../src/core/auto-weights.ts'
import { fullName } from '../../src/core/fusion.ts'
import { aboutness, headingKeys, type Link, rarity, spreadStrength } from '../../src/core/graph-walk.ts'
import type { Scored } from '../../src/core/scoring.ts'

const weights = autoWeights('builtin/hashed-lexical-v1')
const leg = (...hits: [id: string, score: number][]): Scored[] => hits.map(([id, score]) => ({ workspaceId: 'public', id, score }))
const NONE = { vector: [], lexical: [], fact: [], named: [] }
const ids = (found: readonly Scored[]): string[] => found.map((hit) => hit.id)

describe('direct evidence', () => {
  it('puts what two legs agree on before what one leg puts first', () => {
    const found = directScores({ ...NONE, vector: leg(['v', 0.5], ['both', 0.45]), lexical: leg(['l', 0.5], ['both', 0.45]) }, weights)
    expect(ids(found)).toEqual(['both', 'l', 'v'])
    expect(found[0]?.score).toBe(1)
  })

  it('keeps the order of the only leg that found something', () => {
    expect(ids(directScores({ ...NONE, lexical: leg(['a', 0.2], ['b', 0.1]) }, weights))).toEqual(['a', 'b'])
    expect(ids(directScores({ ...NONE, vector: leg(['a', 0.2], ['b', 0.1]) }, weights))).toEqual(['a', 'b'])
  })

  it('finds nothing in nothing, and keeps candidates that nothing speaks for', () => {
    expect(directScores(NONE, weights)).toEqual([])
    expect(directScores({ ...NONE, vector: leg(['a', 0]) }, weights)).toEqual(leg(['a', 0]))
  })

  it('gives a semantic model more say than a lexical one', () => {
    const legs = { ...NONE, vector: leg(['v', 0.5]), lexical: leg(['l', 0.5]) }
    expect(ids(directScores(legs, autoWeights('qwen/text-embedding-v4')))[0]).toBe('v')
    expect(ids(directScores(legs, weights))[0]).toBe('l')
  })
})

const walkedFrom = (from: string, id: string): Walked[] => leg([id, 1]).map((one) => ({ ...one, from: fullName({ ...one, id: from }) }))

describe('the final score', () => {
  it('is as high as the best single evidence and never outside 0..1', () => {
    const legs = { ...NONE, vector: leg(['a', 0.3], ['b', 0.1]), lexical: leg(['a', 0.2]) }
    const found = autoScores(directScores(legs, weights), walkedFrom('a', 'c'), legs, weights)
    expect(found[0]?.score).toBeCloseTo(0.3, 12)
    expect(found.every((hit) => hit.score >= 0 && hit.score <= 1)).toBe(true)
    expect(ids(found)).toContain('c')
  })

  it('never lets a walk alone outrank the chunk that it started from', () => {
    const legs = { ...NONE, lexical: leg(['seed', 0.6], ['other', 0.1]) }
    expect(ids(autoScores(directScores(legs, weights), walkedFrom('seed', 'far'), legs, weights))).toEqual(['seed', 'far', 'other'])
  })

  it('keeps what a question is about before its neighbours, however much they have of their own and however far the walk goes', () => {
    const legs = { ...NONE, lexical: leg(['seed', 0.6], ['near', 0.59]), vector: leg(['near', 0.3], ['seed', 0.29]) }
    const walked = [...walkedFrom('seed', 'near'), ...walkedFrom('near', 'far')]
    const found = autoScores(directScores({ ...legs, named: leg(['seed', 1]) }, weights), walked, legs, weights)
    expect(ids(found)).toEqual(['seed', 'near', 'far'])
  })
})

describe('the walk', () => {
  const link = (more: Partial<Link>): Link => ({
    seed: 's',
    entity: 'Anna Berg',
    spread: 2,
    fact: 0,
    target: 't',
    about: 1,
    chunks: 100,
    ...more,
  })
  const arrives = (more: Partial<Link>): number => spreadStrength(new Map([['s', 1]]), [link(more)], 0.8).get('t')?.strength ?? 0
  const about = (header: string, names = ['anna berg'], spread = 2): number => aboutness(headingKeys(header), names, spread)

  it('carries more over a rare entity than over a common one', () => {
    expect(rarity(1, 100)).toBe(1)
    expect(rarity(50, 100)).toBeLessThan(rarity(2, 100))
    expect(arrives({ spread: 40, about: 0.4 })).toBeLessThan(arrives({ spread: 2, about: 0.4 }))
  })

  it('arrives most where the title is the name, then where it holds it, least where the text mentions it', () => {
    expect(about('Anna Berg › p. 2')).toBe(1)
    expect(about('Letters of Anna Berg')).toBeLessThan(1)
    expect(about('Letters of Anna Berg')).toBeGreaterThan(about('Harbour'))
    expect(about('Harbour', ['anna berg'], 20)).toBeLessThan(about('Harbour'))
    expect(arrives({ about: 1 })).toBeGreaterThan(arrives({ about: 0.7 }))
  })

  it('knows the name in the other Chinese script', () => {
    expect(about('二次函數', ['二次函数'], 5)).toBe(1)
  })

  it('follows what the question asks of the seed: a near fact carries further', () => {
    expect(arrives({ fact: 0.8, about: 0.4 })).toBeGreaterThan(arrives({ fact: 0, about: 0.4 }))
  })

  it('counts the best way to a chunk, not the number of ways, and says which it was', () => {
    const one = spreadStrength(new Map([['s', 1]]), [link({})], 0)
    const many = spreadStrength(new Map([['s', 1]]), [link({}), link({ entity: 'f', about: 0.7 }), link({ entity: 'g' })], 0)
    expect(many).toEqual(one)
    expect(many.get('t')?.link.entity).toBe('Anna Berg')
  })
})
