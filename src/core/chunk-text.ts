// Splits text that is too long for one chunk at the places where a reader would pause, without losing or changing a character.
import { countTokens, truncateTokens } from './tokens.ts'

/** Formulas, inline code and addresses: no split falls inside them. */
const PROTECTED = /\$\$[\s\S]+?\$\$|\$[^$\n]{1,400}\$|`[^`\n]{1,400}`|https?:\/\/[^\s\u3000-\u9fff]+/g

const SENTENCE_END = /[。！？；…]+[”’」』）】)\]]*|[.!?;]+["'”’)\]]*(?=\s)|\n+/g
const CLAUSE_END = /[，、：,:][”’」』）】)\]]*|\s+/g

/** A full stop after one of these, or after a single capital letter or a bare number, does not end a sentence. */
const ABBREVIATION = /(?:^|[\s(])(?:[A-Z]|\d{1,3}|e\.g|i\.e|etc|vs|cf|al|Mr|Mrs|Ms|Dr|Prof|No|Fig|Eq|Ch|Sec|pp?|vol|approx|resp|St)\.$/

/** Text between `at`s of a formula or address must stay together. */
function protectedRanges(text: string): { from: number; to: number }[] {
  return [...text.matchAll(PROTECTED)].map((match) => ({ from: match.index, to: match.index + match[0].length }))
}

function splitAfter(text: string, pattern: RegExp, isEnd: (before: string) => boolean): string[] {
  const ranges = protectedRanges(text)
  const pieces: string[] = []
  let from = 0
  let range = 0
  for (const match of text.matchAll(pattern)) {
    const end = match.index + match[0].length
    while ((ranges[range]?.to ?? Infinity) <= match.index) range += 1
    const inside = (ranges[range]?.from ?? Infinity) < end && match.index < (ranges[range]?.to ?? 0)
    if (inside || end === from || !isEnd(text.slice(Math.max(from, end - 12), end))) continue
    pieces.push(text.slice(from, end))
    from = end
  }
  if (from < text.length) pieces.push(text.slice(from))
  return pieces
}

/** Sentences whose concatenation is exactly `text`. Knows decimals, abbreviations, closing quotes and formulas; Chinese and Latin script. */
export function splitSentences(text: string): string[] {
  return splitAfter(text, SENTENCE_END, (before) => !before.endsWith('.') || !ABBREVIATION.test(before))
}

/** Characters a token spans at most, generously; bounds the window that is measured. */
const WINDOW_CHARACTERS_PER_TOKEN = 8

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** The last resort for a run without any pause: cuts between graphemes, never inside a formula; a formula that is too long alone stays whole. */
function splitHard(text: string, maxTokens: number): string[] {
  const ranges = protectedRanges(text)
  const pieces: string[] = []
  let from = 0
  while (from < text.length) {
    const end = hardEnd(text, from, maxTokens, ranges)
    pieces.push(text.slice(from, end))
    from = end
  }
  return pieces
}

function hardEnd(text: string, from: number, maxTokens: number, ranges: readonly { from: number; to: number }[]): number {
  const window = text.slice(from, from + maxTokens * WINDOW_CHARACTERS_PER_TOKEN)
  const fitting = truncateTokens(window, maxTokens).length
  if (from + fitting >= text.length) return text.length
  const whole = graphemes.segment(window).containing(fitting)?.index ?? fitting
  const end = from + (whole > 0 ? whole : Math.max(1, fitting))
  const across = ranges.find((range) => range.from < end && range.to > end)
  if (across === undefined) return end
  return across.from > from ? across.from : across.to
}

/**
 * Pieces of at most `maxTokens` each, split at sentence ends, else at clause ends, else between graphemes.
 * Their concatenation is exactly `text`. Only a single formula can be longer than `maxTokens`.
 */
export function splitText(text: string, maxTokens: number): string[] {
  const within = (piece: string): boolean => countTokens(piece) <= maxTokens
  return splitSentences(text).flatMap((sentence) => {
    if (within(sentence)) return [sentence]
    return packed(
      splitAfter(sentence, CLAUSE_END, () => true),
      maxTokens,
    ).flatMap((clause) => (within(clause) ? [clause] : splitHard(clause, maxTokens)))
  })
}

/** Joins short neighbours up to half of the limit, so that a split at every space does not leave single words. */
function packed(pieces: readonly string[], maxTokens: number): string[] {
  const result: string[] = []
  let current = ''
  let tokens = 0
  for (const piece of pieces) {
    const more = countTokens(piece)
    if (current !== '' && tokens + more > maxTokens / 2) {
      result.push(current)
      current = ''
      tokens = 0
    }
    current += piece
    tokens += more
  }
  if (current !== '') result.push(current)
  return result
}
