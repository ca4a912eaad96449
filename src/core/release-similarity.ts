// How alike two short texts are, for duplicates and contradictions: sets of neighbouring words, with negations and numbers set aside.
import { isCjk, normaliseForSearch } from './text.ts'

/** What forbids. Both Chinese scripts are one after folding. */
const FORBIDS =
  /不得|不可|不要|不应|不准|不能|不宜|禁止|严禁|切勿|请勿|never|must not|mustn't|do not|don't|should not|shouldn't|shall not|may not|cannot|forbidden|prohibited|not allowed/
/** What a rule says besides its matter: demands and prohibitions alike. */
const MODAL = new RegExp(`${FORBIDS.source}|必须|务必|应该|应当|须|应|宜|always|must|should|shall|please|may`, 'g')
const NUMBER = /\d+(?:\.\d+)?/g

export type TextProfile = {
  /** Neighbouring words, without what demands or forbids. */
  pairs: ReadonlySet<string>
  /** The same without numbers. */
  template: ReadonlySet<string>
  forbids: boolean
  numbers: readonly string[]
}

export function profileOf(text: string): TextProfile {
  const folded = normaliseForSearch(text)
  const matter = folded.replace(MODAL, ' ')
  return {
    pairs: pairsOf(matter),
    template: pairsOf(matter.replace(NUMBER, ' ')),
    forbids: FORBIDS.test(folded),
    numbers: (folded.match(NUMBER) ?? []).toSorted(),
  }
}

/** Words in Latin script, single characters in Han. */
function wordsOf(text: string): string[] {
  const words: string[] = []
  let word = ''
  for (const character of text) {
    const han = isCjk(character.codePointAt(0) ?? 0)
    if (han || character === ' ') {
      if (word !== '') words.push(word)
      word = ''
      if (han) words.push(character)
    } else word += character
  }
  if (word !== '') words.push(word)
  return words
}

function pairsOf(text: string): Set<string> {
  const words = wordsOf(text)
  if (words.length === 1) return new Set(words)
  return new Set(words.slice(1).map((word, index) => `${words[index]} ${word}`))
}

function shared(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a]
  let count = 0
  for (const pair of small) if (large.has(pair)) count += 1
  return count
}

/** Jaccard: shared pairs as a share of all, 0..1. */
export function likeness(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const both = shared(a, b)
  return both === 0 ? 0 : both / (a.size + b.size - both)
}

/** Shared pairs as a share of the smaller text's, 0..1: how much of it the other one says too. */
export function containment(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  return a.size === 0 || b.size === 0 ? 0 : shared(a, b) / Math.min(a.size, b.size)
}

/** The same matter, the same demand, the same numbers. */
export function isNearDuplicate(a: TextProfile, b: TextProfile, least = 0.8): boolean {
  return a.forbids === b.forbids && a.numbers.join() === b.numbers.join() && likeness(a.pairs, b.pairs) >= least
}

/** Pairs in more texts than this say nothing about which texts are alike. */
const COMMON = 60

/**
 * Index pairs (i < j) of texts that share an uncommon pair of words: the only ones that can be alike. Keeps a comparison of
 * thousands of items from growing with their square.
 */
export function comparablePairs(profiles: readonly TextProfile[]): [number, number][] {
  const holders = new Map<string, number[]>()
  profiles.forEach((profile, index) => {
    for (const pair of new Set([...profile.pairs, ...profile.template])) holders.set(pair, [...(holders.get(pair) ?? []), index])
  })
  const found = new Map<string, [number, number]>()
  for (const indexes of holders.values()) {
    if (indexes.length > COMMON) continue
    for (const i of indexes) for (const j of indexes) if (i < j) found.set(`${i} ${j}`, [i, j])
  }
  return [...found.values()].toSorted((a, b) => a[0] - b[0] || a[1] - b[1])
}
