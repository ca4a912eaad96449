// The lexical index's vocabulary: what a text is findable by, and how that is written as PostgreSQL text search literals.
// Chinese needs no dictionary: character bigrams, script-normalised first, find any word, known or not.
import { stem } from './stem.ts'
import { contentPieces, ENGLISH_STOP_WORDS } from './stopwords.ts'
import { foldForSearch, isCjk } from './text.ts'
import type { WorkspaceId } from './workspace.ts'

const MAX_TERM_LENGTH = 64
/** PostgreSQL keeps at most this many positions of one lexeme. */
const MAX_POSITIONS = 255

const SUPERSCRIPTS = /[⁰¹²³⁴-⁹⁺⁻ⁿ]+/g
const OPERAND = "[\\p{Ll}\\p{N}.\\\\{}()\\[\\]_!|√∞']"
const OPERATOR = '[=<>≤≥≠≈≡±+\\-−*·×÷/^∝∈→]'
// Bounded so that a page of one repeated letter costs linear time.
const FORMULA = new RegExp(
  `(?<![\\p{Ll}\\p{N}])[-−]?${OPERAND}{1,40}(?:(?: ${OPERATOR}{1,2} |${OPERATOR}{1,2})${OPERAND}{1,40}){1,16}`,
  'gu',
)
const LATEX_OPERATORS: Record<string, string> = {
  pm: '±',
  times: '×',
  cdot: '·',
  div: '÷',
  le: '≤',
  leq: '≤',
  ge: '≥',
  geq: '≥',
  ne: '≠',
  neq: '≠',
}
/** At least one of these makes it a formula: a hyphen or slash alone also joins codes, ranges and words. */
const FORMULA_MARK = /[=<>≤≥≠≈≡±+*×÷^√∝∈]/
const QUESTION_NUMBER = /(?<![a-z0-9.])(?:q\.? ?)?(\d{1,3}[a-z]?(?: ?\((?:[a-z]|[ivx]{1,5}|\d{1,2})\)){1,3})/g
const CODE = /(?<![a-z0-9^=+*/\\-])(?=[a-z0-9._/-]{0,63}\d)[a-z0-9]{1,32}(?:[-._/][a-z0-9]{1,32}){1,6}(?![a-z0-9])/g
const NUMBER_OR_WORD = /\d{1,3}(?:,\d{3})+(?!\d)|\d+(?:\.\d+)?(?![\p{L}\d])|[\p{L}\p{M}\p{N}]+(?:'[a-z]+)?/gu

/** A term and where in the text it begins; `content` is false for stop words and what only they made. */
type Found = { term: string; at: number; content: boolean }

/** Kana are bigrammed like Han: neither is written with spaces. */
function isUnspaced(codePoint: number): boolean {
  return isCjk(codePoint) || (codePoint >= 0x3041 && codePoint <= 0x30ff)
}

function foldForTerms(text: string): string {
  const powers = text.replace(SUPERSCRIPTS, (run) => `^${run.normalize('NFKC')}`)
  return foldForSearch(powers)
    .replace(/[\u00c0-\u024f\u1e00-\u1eff]/g, (letter) => letter.normalize('NFD').replace(/\p{M}/gu, ''))
    .replace(/[’‘]/g, "'")
    .replace(/−/g, '-')
    .replace(/\\(pm|times|cdot|div|leq?|geq?|neq?)(?![a-z])/g, (_, name: string) => LATEX_OPERATORS[name] ?? ' ')
}

function formulaToken(match: string): string {
  return match
    .replace(/\s/g, '')
    .replace(/\{([^{}])\}/g, '$1')
    .replace(/[×·]/g, '*')
    .replace(/^[.'!|)\]]+|[.'!|([]+$/g, '')
}

function addIdentifiers(folded: string, found: Found[]): void {
  for (const { 0: match, index } of folded.matchAll(FORMULA)) {
    // Long plain words around a + are prose ("teacher + student"), unless a backslash makes them LaTeX commands.
    if (!FORMULA_MARK.test(match) || /(?<![\\a-z])[a-z]{6,}/.test(match)) continue
    const token = formulaToken(match)
    if (token.length < 3) continue
    found.push({ term: token, at: index, content: true })
    const sides = token.split(/[=<>≤≥≠≈≡]+/).filter((side) => side.length >= 3 && FORMULA_MARK.test(side))
    if (sides.length > 0 && sides[0] !== token) for (const side of sides) found.push({ term: side, at: index, content: true })
  }
  for (const { 1: match = '', index } of folded.matchAll(QUESTION_NUMBER))
    found.push({ term: match.replace(/ /g, ''), at: index, content: true })
  for (const { 0: match, index } of folded.matchAll(CODE)) {
    if (/^\d+(?:\.\d+)?$/.test(match)) continue
    found.push({ term: match, at: index, content: true })
  }
}

function addBigrams(run: string, at: number, found: Found[], side: 'index' | 'query'): void {
  const pieces = side === 'query' ? new Set(contentPieces(run)) : undefined
  const characters = Array.from(run)
  const last = characters.at(-1) ?? ''
  if (characters.length === 1) {
    found.push({ term: last, at, content: pieces === undefined || pieces.size > 0 })
    return
  }
  for (let i = 0; i + 1 < characters.length; i += 1) {
    found.push({ term: `${characters[i]}${characters[i + 1]}`, at: at + i, content: pieces === undefined })
  }
  if (pieces === undefined) {
    // Only the last character of a run begins no bigram; with it every character is reachable by prefix (`圆:*`).
    found.push({ term: last, at: at + characters.length - 1, content: true })
    return
  }
  for (const piece of pieces) {
    const begin = at + run.indexOf(piece)
    const own = Array.from(piece)
    if (own.length === 1) found.push({ term: piece, at: begin, content: true })
    for (let i = 0; i + 1 < own.length; i += 1) found.push({ term: `${own[i]}${own[i + 1]}`, at: begin + i, content: true })
  }
}

function addWord(word: string, at: number, found: Found[]): void {
  const bare = word.endsWith("'s") ? word.slice(0, -2) : word.replace(/'/g, '')
  const term = /^[\d,.]+$/.test(bare) ? bare.replace(/,/g, '') : stem(bare)
  found.push({ term, at, content: !ENGLISH_STOP_WORDS.has(bare) })
}

function addWords(folded: string, found: Found[], side: 'index' | 'query'): void {
  for (const { 0: match, index } of folded.matchAll(NUMBER_OR_WORD)) {
    let start = 0
    let unspaced: boolean | undefined
    const flush = (end: number): void => {
      if (end === start) return
      const part = match.slice(start, end)
      if (unspaced === true) addBigrams(part, index + start, found, side)
      else addWord(part, index + start, found)
      start = end
    }
    for (let i = 0; i < match.length;) {
      const codePoint = match.codePointAt(i) ?? 0
      const now = isUnspaced(codePoint)
      if (unspaced !== undefined && now !== unspaced) flush(i)
      unspaced = now
      i += codePoint > 0xffff ? 2 : 1
    }
    flush(match.length)
  }
}

function cut(term: string): string {
  if (term.length <= MAX_TERM_LENGTH) return term
  // Half a surrogate pair would be no valid lexeme.
  return term.slice(0, MAX_TERM_LENGTH).replace(/[\ud800-\udbff]$/, '')
}

/**
 * Every term a text is found by, with its frequency: bigrams of Chinese (plus the last character of each run), stemmed Latin words,
 * numbers, and identifiers (2(a)(ii), dse-m1-3.2, y=ax^2+bx+c) both whole and in parts. Script, width, case and regional wording are
 * folded. Terms have 1 to 64 UTF-16 units. Cost: O(length).
 */
export function indexTerms(text: string): Map<string, number> {
  const found: Found[] = []
  const folded = foldForTerms(text)
  addIdentifiers(folded, found)
  addWords(folded, found, 'index')
  const frequencies = new Map<string, number>()
  for (const { term } of found) {
    const kept = cut(term)
    if (kept !== '') frequencies.set(kept, (frequencies.get(kept) ?? 0) + 1)
  }
  return frequencies
}

/**
 * The distinct terms of a question in order of appearance, without stop words unless nothing else is left.
 * A single Chinese character among them is meant as a prefix, see `tsqueryAll`.
 */
export function queryTerms(query: string): string[] {
  const found: Found[] = []
  const folded = foldForTerms(query)
  addIdentifiers(folded, found)
  addWords(folded, found, 'query')
  found.sort((a, b) => a.at - b.at)
  const distinct = (list: Found[]): string[] => [...new Set(list.map(({ term }) => cut(term)).filter((term) => term !== ''))]
  const content = distinct(found.filter((one) => one.content))
  return content.length > 0 ? content : distinct(found)
}

function quote(lexeme: string): string {
  return `'${lexeme.replace(/\\/g, '\\\\').replace(/'/g, "''")}'`
}

/** The tenant's own lexeme; no term begins with @. */
function tenantLexeme(workspace: WorkspaceId): string {
  return quote(`@${workspace}`)
}

/**
 * A `tsvector` literal: each term with as many positions as its frequency (at most 255), and the workspace as one more lexeme,
 * so that a search begins with its tenant's own posting list. Pass it as a parameter and cast: `$1::tsvector`.
 */
export function tsvectorLiteral(terms: ReadonlyMap<string, number>, workspace: WorkspaceId): string {
  const lexemes = [`${tenantLexeme(workspace)}:1`]
  for (const [term, frequency] of terms) {
    const positions = Array.from({ length: Math.min(Math.max(frequency, 1), MAX_POSITIONS) }, (_, i) => i + 1)
    lexemes.push(`${quote(term)}:${positions.join(',')}`)
  }
  return lexemes.join(' ')
}

/** One Chinese character finds every bigram it begins and every run it ends. */
function operand(term: string): string {
  const codePoint = term.codePointAt(0) ?? 0
  const single = isUnspaced(codePoint) && term.length === (codePoint > 0xffff ? 2 : 1)
  return single ? `${quote(term)}:*` : quote(term)
}

/** A `tsquery` literal that wants every term within the workspace; '' (which matches nothing) without terms. */
export function tsqueryAll(terms: readonly string[], workspace: WorkspaceId): string {
  return terms.length === 0 ? '' : [tenantLexeme(workspace), ...terms.map(operand)].join(' & ')
}

/** A `tsquery` literal that wants at least one term within the workspace; '' (which matches nothing) without terms. */
export function tsqueryAny(terms: readonly string[], workspace: WorkspaceId): string {
  return terms.length === 0 ? '' : `${tenantLexeme(workspace)} & (${terms.map(operand).join(' | ')})`
}
