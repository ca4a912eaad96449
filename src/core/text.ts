// Text as the engine compares it: what is stored is cleaned, what is searched is folded; what is displayed is never folded.
import { foldWording, scriptOf, toSimplified } from './script.ts'

export { toSimplified }

export type Language = 'zh-Hant' | 'zh-Hans' | 'en' | 'other'

/** True for Han ideographs in every plane, including compatibility forms and 〇; not for kana, hangul or punctuation. */
export function isCjk(codePoint: number): boolean {
  if (codePoint < 0x3007) return false
  return (
    (codePoint >= 0x4e00 && codePoint <= 0x9fff) ||
    (codePoint >= 0x3400 && codePoint <= 0x4dbf) ||
    (codePoint >= 0x20000 && codePoint <= 0x3fffd) ||
    (codePoint >= 0xf900 && codePoint <= 0xfaff) ||
    codePoint === 0x3007
  )
}

// C0 but \t and \n, DEL, C1, lone surrogates, non-characters, and invisible characters that only break matching
// (zero-width space, soft hyphen, byte order mark, bidirectional overrides). Joiners stay: emoji and some scripts need them.
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex -- control characters are what this removes
  /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff\ufffe\uffff]|\p{Cs}/gu
const NEWLINES = /\r\n?|[\v\f\u0085\u2028\u2029]/g
const RADICALS = /[\u2e80-\u2fdf]+/g

/**
 * Text that every store accepts: newlines are \n, NUL, control characters and surrogate halves are gone, Kangxi and CJK radicals
 * (some PDF fonts emit ⼆ for 二) become the characters they stand for. Nothing else changes, so quotes stay verbatim.
 */
export function cleanText(text: string): string {
  return text
    .replace(NEWLINES, '\n')
    .replace(UNPRINTABLE, '')
    .replace(RADICALS, (radicals) => radicals.normalize('NFKC'))
}

/**
 * NFKC, simplified characters, lower case, one regional wording; punctuation and spacing stay.
 * Equal for a text and its traditional twin. Stable: folding twice changes nothing more.
 */
export function foldForSearch(text: string): string {
  return foldWording(toSimplified(text.normalize('NFKC')).toLowerCase())
}

// A dot between digits (3.2), a hyphen, slash or underscore inside a code (dse-m1, and/or) and an apostrophe inside a word (don't) bind;
// all other punctuation only separates. Symbols such as + = < > ^ are not punctuation and stay.
const BINDS = /(?<=\d)\.(?=\d)|(?<=[a-z0-9])[-_/'](?=[a-z0-9])/y

/** The folded text without separating punctuation, words parted by one space; '' when nothing is left. */
export function normaliseForSearch(text: string): string {
  const folded = foldForSearch(text).replace(/\u2019/g, "'")
  return folded
    .replace(/\p{P}|\p{Cc}/gu, (mark, index: number) => {
      BINDS.lastIndex = index
      return BINDS.test(folded) ? mark : ' '
    })
    .replace(/\s+/g, ' ')
    .trim()
}

/**
 * The main language of a text. One Chinese character weighs as much as one Latin word; script is the majority of the characters
 * that only one script uses, simplified when none decides. Latin text counts as English when nearly all letters are ASCII.
 */
export function detectLanguage(text: string): Language {
  let han = 0
  let script = 0
  let kanaOrHangul = 0
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0
    if (isCjk(codePoint)) {
      han += 1
      script += scriptOf(codePoint)
    } else if ((codePoint >= 0x3041 && codePoint <= 0x30ff) || (codePoint >= 0xac00 && codePoint <= 0xd7a3)) kanaOrHangul += 1
  }
  const words = text.match(/\p{Script=Latin}{2,}/gu)?.length ?? 0
  if (han > 0 && han >= words && kanaOrHangul * 4 < han) return script > 0 ? 'zh-Hant' : 'zh-Hans'
  const letters = text.match(/\p{L}/gu)?.length ?? 0
  const ascii = text.match(/[a-z]/gi)?.length ?? 0
  return ascii > 0 && ascii >= (letters - han) * 0.95 && kanaOrHangul === 0 ? 'en' : 'other'
}
