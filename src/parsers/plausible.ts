// Whether a text layer says anything: fonts with a wrong table of characters give letters that nobody wrote.
import { frequentShare } from './encoding.ts'

/** Fewer characters say nothing about shares. */
const ENOUGH = 60
/** Of Chinese characters, those among the most frequent: above 0.4 in running text, above 0.1 in lists of names, about 0.02 by chance. */
const MIN_FREQUENT = 0.04
/** Letters a to z per thousand in English; the other European languages are close enough. */
const LETTERS = [82, 15, 28, 43, 127, 22, 20, 61, 70, 2, 8, 40, 24, 67, 75, 19, 1, 60, 63, 91, 28, 10, 24, 2, 20, 1]
/** Mean log probability of a letter in longer words: -2.8 in English, -3.5 in Polish, as low where letters are shifted. */
const MIN_LIKELIHOOD = -3.4
/** Vowels among letters: above 0.33 in all these languages; shifted letters fall below in nearly all cases. */
const MIN_VOWELS = 0.3

function likelihood(letters: string): number {
  let sum = 0
  for (const letter of letters.toLowerCase()) sum += Math.log((LETTERS[letter.charCodeAt(0) - 97] ?? 1) / 1000)
  return sum / letters.length
}

/** Marked Latin letters among all letters: at most 0.25 in Vietnamese and Czech, nearly 1 where Chinese bytes were taken for them. */
const MAX_MARKED = 0.6

const count = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0

/** True only where a whole page is implausible; a formula, a code or a table of units is not. */
export function isImplausible(text: string): boolean {
  const han = count(text, /\p{Script=Han}/gu)
  if (han >= ENOUGH) return frequentShare(text) < MIN_FREQUENT
  const marked = count(text, /[\u00a1-\u024f]/g)
  const plain = count(text, /[A-Za-z]/g)
  if (marked + plain >= ENOUGH && marked > (marked + plain) * MAX_MARKED) return true
  const words = (text.match(/[A-Za-z]{4,}/g) ?? []).join('')
  return words.length >= 2 * ENOUGH && likelihood(words) < MIN_LIKELIHOOD && count(words, /[aeiouy]/gi) < words.length * MIN_VOWELS
}
