// Which spans of a chunk may be terms: pattern cues first, repetition second. Precision before recall: a graph of junk helps nobody.
import { ENGLISH_STOP_WORDS } from '../../core/stopwords.ts'
import { toSimplified } from '../../core/text.ts'
import {
  CHINESE_ENDING_PATTERN,
  ENGLISH_HEAD_PATTERN,
  ENGLISH_STANDS_ALONE,
  FUNCTION_CHARACTERS,
  FUNCTION_EXCEPTIONS,
  GENERIC,
  LEADING_WORDS,
  STANDS_ALONE,
  typeByEnding,
  WEAK_MODIFIERS,
} from './lexicon.ts'
import type { Span } from './sentences.ts'

/** `score` adds up over cues; 2 is enough to be kept. */
export type Candidate = Span & { score: number; type?: string; alias?: string; defines?: boolean }

const MAX_TERM = 12
const HAN = '\\p{Script=Han}'

/**
 * The text in simplified characters with every position kept, so that a match here is a span of the original.
 * Where a phrase rule would change the length, the text is converted character by character.
 */
export function alignedSimplified(text: string): string {
  const whole = toSimplified(text)
  if (whole.length === text.length) return whole
  return Array.from(text, (character) => {
    const simple = toSimplified(character)
    return simple.length === character.length ? simple : character
  }).join('')
}

/** Function characters as `□`, except where they belong to a word of the subject (二次, 不等式, 有机物). */
function masked(text: string): string {
  const kept = new Set<number>()
  for (const { 0: word, index } of text.matchAll(FUNCTION_EXCEPTIONS)) for (let i = 0; i < word.length; i += 1) kept.add(index + i)
  let out = ''
  for (let i = 0; i < text.length; i += 1) out += FUNCTION_CHARACTERS.has(text.charAt(i)) && !kept.has(i) ? '□' : text.charAt(i)
  return out
}

/** Where a term that ends at `end` begins: back to punctuation, a function character or a leading word; at most 12 characters. */
function leftBorder(mask: string, end: number): number {
  let start = end
  while (start > 0 && end - start < MAX_TERM && /[\p{Script=Han}A-Za-z0-9]/u.test(mask.charAt(start - 1)) && mask.charAt(start - 1) !== '□')
    start -= 1
  const run = mask.slice(start, end)
  let cutAt = 0
  for (const { 0: word, index } of run.matchAll(LEADING_WORDS)) if (index + word.length < run.length) cutAt = index + word.length
  return start + cutAt
}

/** Long enough, not generic, not bordered by function characters, and Chinese or a word. */
function acceptable(aligned: string, mask: string, { start, end }: Span): boolean {
  const name = aligned.slice(start, end).trim()
  if (name.length < 2 || GENERIC.has(name.toLowerCase()) || mask.slice(start, end).includes('□')) return false
  return /\p{Script=Han}/u.test(name) ? name.length <= MAX_TERM : /\p{L}{2}/u.test(name)
}

function addMatches(aligned: string, pattern: RegExp, cue: Omit<Candidate, 'start' | 'end'>, out: Candidate[]): void {
  for (const match of aligned.matchAll(pattern)) {
    const [start, end] = match.indices?.[1] ?? [0, 0]
    if (end > start) out.push({ start, end, ...cue })
  }
}

const QUOTED = new RegExp(`[「『“]((?:${HAN}|[A-Za-z0-9 -]){2,12})[」』”]`, 'dgu')
const WORKS = /《([^《》\n]{2,24})》/dgu
const BOLD = /\*\*([^*\n]{2,40}?)[:：]?\*\*/dgu
const HEADING =
  /^#{1,6}[ \t]+(?:第[一二三四五六七八九十\d]+[章节單单元課课][ \t:：]*|[\d.]+[、.)]?[ \t]*|[一二三四五六七八九十]+、)?([^\n#]{2,40}?)[ \t]*$/dgmu
const DEFINED_BEFORE = new RegExp(
  `(?:^|[。！？；，,：:\\n])\\s*(?:所谓)?((?:${HAN}|[A-Za-z0-9-]){2,12})(?:[（(][^（）()]{1,40}[)）])?(?:是指|指的是|定义为|被定义为|是一种|是一类|是描述|是研究)`,
  'dgmu',
)
const DEFINED_AFTER = new RegExp(`(?:称为|称作|叫做|叫作|称之为)\\s*[“「]?((?:${HAN}|[A-Za-z0-9-]){2,12})(?=[”」。，；,;（(\\n]|$)`, 'dgmu')
const SUBJECT = new RegExp(`(?:^|[。！？；\\n])\\s*((?:${HAN}|[A-Za-z0-9-]){2,10})(?:[（(][^（）()]{1,40}[)）])?是`, 'dgmu')
const TRANSLATED = /[（(]([\p{Script=Latin}][\p{Script=Latin}\p{N} '’.&-]{1,60})[)）]/dgu

function chineseCues(aligned: string, mask: string, out: Candidate[]): void {
  addMatches(aligned, DEFINED_BEFORE, { score: 3, defines: true }, out)
  addMatches(aligned, DEFINED_AFTER, { score: 3, defines: true }, out)
  addMatches(aligned, SUBJECT, { score: 1.5, defines: true }, out)
  for (const { 0: ending, index } of aligned.matchAll(new RegExp(CHINESE_ENDING_PATTERN, 'g'))) {
    const end = index + ending.length
    const start = leftBorder(mask, end)
    // A longer term goes on (函数|值, 定理|证明); its own ending or repetition will find it.
    if (start <= index && (start < index || STANDS_ALONE.has(ending))) out.push({ start, end, score: 2 })
  }
  for (const match of aligned.matchAll(TRANSLATED)) {
    const [, inside = ''] = match
    const end = aligned.slice(0, match.index).trimEnd().length
    const start = leftBorder(mask, end)
    const prose = inside.split(/\s+/).length > 5 || / (?:vs|or|and|is|are|in|for)\b/i.test(inside)
    if (end - start >= 2 && !prose && /\p{Script=Han}/u.test(aligned.slice(start, end)) && /\p{L}{2}/u.test(inside))
      out.push({ start, end, score: 3, alias: inside.trim() })
  }
}

const CAPITALISED =
  /(?<![\p{L}])(\p{Lu}[\p{L}'’-]+(?: (?:of|the|and|for|de) (?=\p{Lu})| (?=\p{Lu}))(?:\p{Lu}[\p{L}'’-]*(?: (?:of|the|and|for|de)(?= \p{Lu}))? ?){1,5})/dgu
const ENGLISH_HEAD = new RegExp(
  `(?<![\\p{L}-])((?:[\\p{L}][\\p{L}'’-]* ){1,3}(?:${ENGLISH_HEAD_PATTERN})s?(?: (?:${ENGLISH_HEAD_PATTERN})s?)*)(?![\\p{L}-])`,
  'dgiu',
)
const ENGLISH_SINGLE = new RegExp(`(?<![\\p{L}-])(${ENGLISH_STANDS_ALONE.replaceAll(' ', '|')})(?![\\p{L}-])`, 'dgiu')
const ENGLISH_SUBJECT =
  /(?:^|[.!?]\s+|\n)(?:An? |The )?([\p{L}][\p{L}'’-]+(?: [\p{L}][\p{L}'’-]+){0,3})(?: \([^()]{1,40}\))? (?:is|are) (?:an?|the|called|defined as|known as|used to|any) /dgmu
const ENGLISH_CALLED =
  /(?:is|are|was) (?:also )?(?:called|known as|referred to as) (?:an? |the )?([\p{L}][\p{L}'’-]+(?: [\p{L}][\p{L}'’-]+){0,3})(?=[.,;)]|$)/dgmu
const ENGLISH_TRANSLATED =
  /((?:[\p{Script=Latin}][\p{Script=Latin}'’-]* ){0,2}[\p{Script=Latin}][\p{Script=Latin}'’-]+) ?[（(](\p{Script=Han}{2,12})[)）]/dgu

/** A lower-case adverb, participle, verb in the third person or plural: a term's modifiers are none of these (Newton's is kept). */
const VERB_OR_PLURAL = /^\p{Ll}.*(?:ly|ing|[^su'’i]s)$/u

/** Moves the start of an English phrase past determiners, stop words, weak modifiers and sentence verbs. */
function englishStart(text: string, { start, end }: Span): number {
  let from = start
  const words = [...text.slice(start, end).matchAll(/\S+/g)]
  for (const { 0: word, index } of words.slice(0, -1)) {
    const plain = word.toLowerCase()
    if (ENGLISH_STOP_WORDS.has(plain) || WEAK_MODIFIERS.has(plain) || VERB_OR_PLURAL.test(word)) from = start + index + word.length + 1
  }
  return from
}

function englishCues(aligned: string, mask: string, out: Candidate[]): void {
  addMatches(aligned, CAPITALISED, { score: 2 }, out)
  addMatches(aligned, ENGLISH_SINGLE, { score: 2 }, out)
  for (const match of aligned.matchAll(ENGLISH_SUBJECT)) {
    const [start, end] = match.indices?.[1] ?? [0, 0]
    // "Its graph is a …" speaks of something named before, so it names nothing itself.
    if (englishStart(aligned, { start, end }) === start) out.push({ start, end, score: 2, defines: true })
  }
  addMatches(aligned, ENGLISH_CALLED, { score: 3, defines: true }, out)
  for (const match of aligned.matchAll(ENGLISH_HEAD)) {
    const [from, end] = match.indices?.[1] ?? [0, 0]
    const start = englishStart(aligned, { start: from, end })
    if (aligned.slice(start, end).includes(' ')) out.push({ start, end, score: 2 })
  }
  for (const match of aligned.matchAll(ENGLISH_TRANSLATED)) {
    const [from, end] = match.indices?.[1] ?? [0, 0]
    const [aliasStart, aliasEnd] = match.indices?.[2] ?? [0, 0]
    if (mask.slice(aliasStart, aliasEnd).includes('□')) continue
    out.push({ start: englishStart(aligned, { start: from, end }), end, score: 3, alias: match[2] ?? '' })
  }
}

/** Chinese n-grams (3 to 6 characters) that repeat with different neighbours on both sides: cohesion inside, freedom outside. */
function repetitions(mask: string, out: Candidate[]): void {
  type Seen = { at: number; times: number; left: Set<string>; right: Set<string> }
  const seen = new Map<string, Seen>()
  for (const { 0: run, index } of mask.matchAll(/\p{Script=Han}{3,}/gu)) {
    for (let size = 3; size <= 6; size += 1) {
      for (let i = 0; i + size <= run.length; i += 1) {
        const gram = run.slice(i, i + size)
        const known = seen.get(gram) ?? { at: index + i, times: 0, left: new Set(), right: new Set() }
        known.times += 1
        // A border of the run is a neighbour of its own each time.
        known.left.add(run.charAt(i - 1) || `^${index}`)
        known.right.add(run.charAt(i + size) || `$${index}`)
        seen.set(gram, known)
      }
    }
  }
  for (const [gram, { at, times, left, right }] of seen) {
    const free = Math.min(left.size, right.size)
    if (times < 2 || free < 2 || gram.search(LEADING_WORDS) >= 0) continue
    out.push({ start: at, end: at + gram.length, score: times >= 3 && free >= 3 ? 2 : 1 })
  }
}

/** Every acceptable candidate with its cues, in no order, repeats included; positions are those of the original text. */
export function candidates(text: string): { aligned: string; found: Candidate[] } {
  const aligned = alignedSimplified(text)
  const mask = masked(aligned)
  const out: Candidate[] = []
  addMatches(aligned, HEADING, { score: 2.5 }, out)
  addMatches(aligned, BOLD, { score: 2.5 }, out)
  addMatches(aligned, QUOTED, { score: 2 }, out)
  chineseCues(aligned, mask, out)
  englishCues(aligned, mask, out)
  repetitions(mask, out)
  const found = out.map((one) => trimmed(aligned, one)).filter((one) => acceptable(aligned, mask, one))
  const works: Candidate[] = []
  addMatches(aligned, WORKS, { score: 3, type: 'work' }, works)
  return { aligned, found: [...found.map((one) => typed(aligned, one)), ...works] }
}

function trimmed(aligned: string, one: Candidate): Candidate {
  const raw = aligned.slice(one.start, one.end)
  let start = one.start + (raw.length - raw.trimStart().length)
  const end = start + raw.trim().length
  if (!/\p{Script=Han}/u.test(raw)) start = englishStart(aligned, { start, end })
  return { ...one, start, end }
}

function typed(aligned: string, one: Candidate): Candidate {
  const type = typeByEnding(aligned.slice(one.start, one.end))
  // A subject before a bare 是 or "is a" counts only when the lexicon knows its kind or another cue agrees.
  return type === undefined ? one : { ...one, type, score: one.score + 0.5 }
}
