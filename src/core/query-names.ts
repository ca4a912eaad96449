// Which names a question may contain, found without a model: its slices as entity keys, to be looked up in the graph.
import { displayName, nameKey } from './names.ts'
import { singular } from './stem.ts'
import { ENGLISH_STOP_WORDS } from './stopwords.ts'

const WORD = /\p{Script=Han}|[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu
/** Longer questions are about their beginning; bounds the number of slices. */
const MAX_CHARACTERS = 400
const MAX_SLICES = 1500
const LONGEST_NAME_IN_WORDS = 6
const LONGEST_NAME_IN_HAN = 12

type Word = { from: number; to: number; han: boolean }

/**
 * Entity keys of every run of up to 6 words or 12 Chinese characters, each once, in order of appearance; then English ones as one and as many
 * and with or without the first word's possessive. Single stop words and, beside others, single Chinese characters are left out: they name
 * nothing. At most 1,500 keys.
 */
export function nameCandidates(question: string): string[] {
  const text = question.slice(0, MAX_CHARACTERS)
  const words = [...text.matchAll(WORD)].map((match): Word => ({
    from: match.index,
    to: match.index + match[0].length,
    han: /\p{Script=Han}/u.test(match[0]),
  }))
  const keys = new Set<string>()
  for (let first = 0; first < words.length && keys.size < MAX_SLICES; first += 1) {
    for (const slice of slicesFrom(words, first, text)) {
      const key = nameKey(displayName(slice))
      if (key !== '') keys.add(key)
    }
  }
  // Last, or the forms of its first words would leave no room for the end of a long question.
  return [...new Set([...keys, ...[...keys].flatMap(formsOf)])].slice(0, MAX_SLICES)
}

/** The key as it stands, then other forms of its first and last word: a name is `linear functions`, a question has `a linear function`. */
function formsOf(key: string): string[] {
  const words = key.split(' ')
  const [first = '', last = ''] = [words[0], words.at(-1)]
  if (!/^[a-z'’-]{3,}$/.test(last) || ENGLISH_STOP_WORDS.has(first) || ENGLISH_STOP_WORDS.has(last)) return [key]
  const one = singular(last)
  const many = /(?:s|x|ch|sh|z)$/.test(one) ? `${one}es` : /[^aeiou]y$/.test(one) ? `${one.slice(0, -1)}ies` : `${one}s`
  const owner = first.replace(/['’]s?$/, '')
  const owners = words.length === 1 ? [] : [owner, owner.endsWith('s') ? `${owner}'` : `${owner}'s`]
  const starts = [...new Set([first, ...owners])].map((start) => [start, ...words.slice(1, -1)])
  const ends = [...new Set([last, one, many])]
  return words.length === 1 ? ends : [...new Set([key, ...starts.flatMap((start) => ends.map((end) => [...start, end].join(' ')))])]
}

function slicesFrom(words: readonly Word[], first: number, text: string): string[] {
  const slices: string[] = []
  const begin = words[first]
  if (!begin) return slices
  let latin = 0
  let han = 0
  for (let last = first; last < words.length; last += 1) {
    const word = words[last]
    if (!word) break
    if (word.han) han += 1
    else latin += 1
    if (latin > LONGEST_NAME_IN_WORDS || han > LONGEST_NAME_IN_HAN) break
    const slice = text.slice(begin.from, word.to)
    const single = last === first
    const empty = single && (word.han ? words.length > 1 : ENGLISH_STOP_WORDS.has(slice.toLowerCase()))
    if (!empty) slices.push(slice)
  }
  return slices
}

/** Of the keys found, those not part of a longer one: 二次函数 hides 函数. Order is kept. */
export function longestNames(keys: readonly string[]): string[] {
  return keys.filter((key) => !keys.some((other) => other !== key && other.includes(key)))
}
