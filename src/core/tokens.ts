// How many model tokens a text costs, without a tokenizer file: budgets and chunk sizes must not depend on what is installed.
// Estimates lean high, so a text that fits here fits a real model; a driver that has its own tokenizer uses that instead.
import { isCjk } from './text.ts'

// Fitted against o200k (GPT-4o) and cl100k on Chinese, English, mixed and LaTeX text. Digits cost one each, as Qwen's tokenizer has it.
const HAN_COST = 1
const RARE_HAN_COST = 2.5
const WORD_COST = 1
/** Letters of a word that its first token covers; the rest cost `LETTER_COST` each. */
const WORD_LETTERS = 7
const LETTER_COST = 0.25
const FOREIGN_LETTER_COST = 0.6
const DIGIT_COST = 1
const MARK_COST = 0.8
const SPACE_RUN_COST = 0.2

type Kind = 'letter' | 'space' | 'other'

/** Cost of one character given the run it continues; `run` counts the characters of the same kind before it. */
function characterCost(codePoint: number, run: number): { kind: Kind; cost: number } {
  if ((codePoint >= 97 && codePoint <= 122) || (codePoint >= 65 && codePoint <= 90)) {
    return { kind: 'letter', cost: run === 0 ? WORD_COST : run < WORD_LETTERS ? 0 : LETTER_COST }
  }
  // One space belongs to the word after it; longer runs and line breaks are tokens of their own.
  if (codePoint === 32) return { kind: 'space', cost: run === 0 ? 0 : SPACE_RUN_COST }
  if (codePoint === 10) return { kind: 'space', cost: run === 0 ? 1 : SPACE_RUN_COST }
  if (codePoint >= 48 && codePoint <= 57) return { kind: 'other', cost: DIGIT_COST }
  if (codePoint < 0x80) return { kind: 'other', cost: MARK_COST }
  if (isCjk(codePoint)) return { kind: 'other', cost: codePoint >= 0x4e00 && codePoint <= 0x9fff ? HAN_COST : RARE_HAN_COST }
  if (codePoint >= 0x10000) return { kind: 'other', cost: RARE_HAN_COST }
  if (codePoint < 0x3000) return { kind: 'other', cost: codePoint < 0x2000 ? FOREIGN_LETTER_COST : 1 }
  return { kind: 'other', cost: 1 }
}

/** Walks until the cost would pass `limit`; `end` is the index before the character that did not fit. */
function walk(text: string, limit: number): { cost: number; end: number } {
  let cost = 0
  let run = 0
  let last: Kind = 'other'
  for (let i = 0; i < text.length;) {
    const codePoint = text.codePointAt(i) ?? 0
    const { kind, cost: add } = characterCost(codePoint, 0)
    const again = kind === last && kind !== 'other'
    run = again ? run + 1 : 0
    const next = cost + (again ? characterCost(codePoint, run).cost : add)
    if (Math.ceil(next - 1e-9) > limit) return { cost, end: i }
    cost = next
    last = kind
    i += codePoint > 0xffff ? 2 : 1
  }
  return { cost, end: text.length }
}

/**
 * Estimated tokens of a text, a whole number ≥ 0; 0 only for ''. Cost: O(length), no allocation.
 * A prefix never costs more than the whole. For the measured error see the table in the tests.
 */
export function countTokens(text: string): number {
  return text === '' ? 0 : Math.max(1, Math.ceil(walk(text, Number.POSITIVE_INFINITY).cost - 1e-9))
}

/** Whether a text costs at most `max` tokens; `max` ≥ 1. Cost: O(max), however long the text is. */
export function fitsTokens(text: string, max: number): boolean {
  return walk(text, max).end === text.length
}

const GRAPHEMES = new Intl.Segmenter('und', { granularity: 'grapheme' })
/** Longer than any grapheme that text really holds (family emoji, stacked marks). */
const GRAPHEME_WINDOW = 64

/** The last grapheme border at or before `end`. */
function graphemeBorder(text: string, end: number): number {
  if (end >= text.length) return text.length
  const from = Math.max(0, end - GRAPHEME_WINDOW)
  const window = text.slice(from, end + GRAPHEME_WINDOW)
  let border = from
  let closed = end + GRAPHEME_WINDOW >= text.length
  for (const { index } of GRAPHEMES.segment(window)) {
    const beyond = from + index > end
    closed ||= beyond
    if (beyond) break
    border = from + index
  }
  // A grapheme that fills the window is hostile text: cut where the budget ends.
  return border > from || (from === 0 && closed) ? border : end
}

/** The longest prefix that costs at most `max` tokens and ends between graphemes; '' when not even the first fits. */
export function truncateTokens(text: string, max: number): string {
  if (max <= 0) return ''
  const { end } = walk(text, max)
  return text.slice(0, graphemeBorder(text, end))
}
