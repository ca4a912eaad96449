// Which names look like one another: candidates for a decision, never a decision. Names of different writing are not compared by characters
// at all, for no likeness of letters makes a translation.
import { compareCodePoints } from './names.ts'
import { isCjk, normaliseForSearch } from './text.ts'

export type Named = { id: string; /** As `nameKey` makes it. */ key: string }

/** `wording`: the same but for punctuation or what a region calls it; `spelling`: nearly the same letters; `meaning`: near in the embedding space. */
export type Reason = 'wording' | 'spelling' | 'meaning'

export type Resemblance = { a: string; b: string; /** 0..1 */ score: number; reason: Reason }

/** Share of letter pairs two names must have in common; 一次函数 and 二次函数 have .67. */
const ALIKE = 0.75
/** One other character in a Chinese name of six or more, such as a transliteration, leaves two thirds. */
const ALIKE_HAN = 0.65
const LONG_HAN = 6
/** Shorter names share too little to be told apart by shares. */
const MIN_LENGTH = 4
/** A pair of letters that so many names have says nothing; those names are found by their other pairs. */
const MAX_POSTINGS = 2000
/** Candidates of one name whose shares are counted out. */
const MAX_CANDIDATES = 50

/** Characters that make another thing of the same words: numbers, directions, opposites, negations. */
const TELLING = new Set(
  '0123456789〇零一二三四五六七八九十百千万亿两甲乙丙丁戊己庚辛壬癸上下左右前后内外里正负反逆正余大小高低长短多少加减乘除奇偶新旧东西南北春夏秋冬男女阴阳不非无未单双等直曲开闭升降增减入出进退首末初终差比和积商',
)
const TELLING_WORDS = new Set(
  'first second third fourth positive negative odd even upper lower left right inner outer direct inverse reverse max min maximum minimum north south east west open closed increasing decreasing real imaginary'.split(
    ' ',
  ),
)
const NEGATION = /^(?:in|un|im|non|anti|dis|ir|il|a)-?/

/**
 * Pairs of a fresh name and any other that look alike, each once, the most alike first.
 * Cost: O(letters of all names + shared letter pairs), the latter bounded per name.
 *
 * @param fresh names not compared before.
 * @param all   every name, the fresh ones among them.
 */
export function alike(fresh: readonly Named[], all: readonly Named[]): Resemblance[] {
  const prepared = all.map(prepare)
  const postings = new Map<string, number[]>()
  for (const [at, { pairs, wording }] of prepared.entries()) {
    for (const pair of [...pairs, `=${wording}`]) {
      const list = postings.get(pair)
      if (list === undefined) postings.set(pair, [at])
      else list.push(at)
    }
  }
  const found = new Map<string, Resemblance>()
  const counts = new Uint16Array(prepared.length)
  for (const name of fresh.map(prepare)) {
    for (const other of candidates(name, prepared, postings, counts)) {
      const reason = compare(name, other)
      if (reason === undefined) continue
      const [a, b] = compareCodePoints(name.id, other.id) < 0 ? [name.id, other.id] : [other.id, name.id]
      found.set(`${a}\n${b}`, { a, b, ...reason })
    }
  }
  return [...found.values()].toSorted((x, y) => y.score - x.score || compareCodePoints(x.a, y.a) || compareCodePoints(x.b, y.b))
}

type Prepared = Named & { wording: string; pairs: ReadonlySet<string>; letters: string[]; isHan: boolean }

function prepare({ id, key }: Named): Prepared {
  const wording = normaliseForSearch(key).replace(/[^\p{L}\p{N}]+/gu, '')
  const letters = [...wording]
  const pairs = new Set(letters.slice(1).map((letter, at) => `${letters[at]}${letter}`))
  return { id, key, wording, pairs, letters, isHan: letters.some((letter) => isCjk(letter.codePointAt(0) ?? 0)) }
}

/** The names that share most letter pairs with one; only those that may share enough are put in order. */
function candidates(
  name: Prepared,
  all: readonly Prepared[],
  postings: ReadonlyMap<string, readonly number[]>,
  counts: Uint16Array,
): Prepared[] {
  const touched: number[] = []
  let passedOver = 0
  for (const pair of name.pairs) {
    const list = postings.get(pair) ?? []
    if (list.length > MAX_POSTINGS) {
      passedOver += 1
      continue
    }
    for (const at of list) {
      if (counts[at] === 0) touched.push(at)
      counts[at] = (counts[at] ?? 0) + 1
    }
  }
  const countOf = (at: number): number => counts[at] ?? 0
  // What shares fewer cannot reach the smaller threshold, however short it is.
  const least = Math.ceil((name.pairs.size * ALIKE_HAN) / (2 - ALIKE_HAN)) - passedOver
  const best = touched.filter((at) => countOf(at) >= least).toSorted((one, other) => countOf(other) - countOf(one) || one - other)
  for (const at of touched) counts[at] = 0
  const worded = (postings.get(`=${name.wording}`) ?? []).slice(0, MAX_CANDIDATES)
  return [...new Set([...worded, ...best.slice(0, MAX_CANDIDATES)])].flatMap((at) => all[at] ?? []).filter((other) => other.id !== name.id)
}

function compare(one: Prepared, other: Prepared): { score: number; reason: Reason } | undefined {
  if (one.wording === '' || one.isHan !== other.isHan) return undefined
  if (one.wording === other.wording) return { score: 1, reason: 'wording' }
  const length = Math.min(one.letters.length, other.letters.length)
  if (length < MIN_LENGTH || tellApart(one, other)) return undefined
  const shared = [...one.pairs].filter((pair) => other.pairs.has(pair)).length
  const score = (2 * shared) / (one.pairs.size + other.pairs.size)
  return score >= (one.isHan && length >= LONG_HAN ? ALIKE_HAN : ALIKE) ? { score, reason: 'spelling' } : undefined
}

/** The names differ in something that makes another thing of them. */
function tellApart(one: Prepared, other: Prepared): boolean {
  if (one.isHan)
    return [...difference(one.letters, other.letters), ...difference(other.letters, one.letters)].some((letter) => TELLING.has(letter))
  const words = (key: string): string[] => key.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
  const [left, right] = [difference(words(one.key), words(other.key)), difference(words(other.key), words(one.key))]
  if ([...left, ...right].some((word) => TELLING_WORDS.has(word) || /\d/.test(word))) return true
  const negates = (long: string, short: string): boolean => long !== short && long.replace(NEGATION, '') === short
  return left.some((word) => right.some((against) => negates(word, against) || negates(against, word)))
}

/** Elements of one list beyond those of the other, repeats counted. */
function difference(list: readonly string[], without: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const element of without) left.set(element, (left.get(element) ?? 0) + 1)
  return list.filter((element) => {
    const count = left.get(element) ?? 0
    left.set(element, count - 1)
    return count <= 0
  })
}
