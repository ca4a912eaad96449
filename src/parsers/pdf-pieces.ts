// Pieces of text with a place on a page, and how pieces side by side become rows and segments. Used for PDF text and for OCR words.
import type { Asset, TableContent } from '../core/blocks.ts'
import { isCjk } from '../core/text.ts'

/** Something that takes part in the reading order as a whole. `columns` are left edges, by which a table goes on over a page. */
export type PageObject =
  | { kind: 'table'; table: TableContent; columns: number[] }
  | { kind: 'image'; asset: Asset | undefined; text: string; confidence?: number }

/** In points from the page's top left corner. */
export type Piece = {
  text: string
  left: number
  right: number
  top: number
  bottom: number
  baseline: number
  size: number
  bold: boolean
  /** Of a reader, 0..1; absent for text that was simply there. */
  confidence?: number
  object?: PageObject
}

export type Line = Piece & {
  /** Runs parted by wide gaps: cells, when lines around it have the same gaps. */
  segments: Piece[]
  /** Lines of one column between two full-width lines share a region. */
  region: number
  page: number
}

const isWide = (character: string): boolean => {
  const code = character.codePointAt(0) ?? 0
  return isCjk(code) || (code >= 0x3000 && code <= 0x30ff) || (code >= 0xff00 && code <= 0xffef)
}

/** Only the ends are looked at: texts grow long while they are joined. */
const lastCharacter = (text: string): string => Array.from(text.slice(-8).trimEnd()).at(-1) ?? ''
const firstCharacter = (text: string): string => Array.from(text.slice(0, 8).trimStart())[0] ?? ''

/** What stands between two texts that were parted by a line or a gap: nothing between Chinese characters, else one space. */
export function joint(before: string, after: string): '' | ' ' {
  const [last, first] = [lastCharacter(before), firstCharacter(after)]
  return last === '' || first === '' || (isWide(last) && isWide(first)) ? '' : ' '
}

const overlap = (a: Piece, b: Piece): number => Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)
const isRightToLeft = (row: readonly Piece[]): boolean => row.filter((piece) => /[\u0590-\u08ff]/.test(piece.text)).length * 2 > row.length

/**
 * Pieces side by side, rows from top to bottom: their heights overlap by more than half of the smaller one, which keeps sub- and
 * superscripts in. Objects are rows of their own.
 */
export function rowsOf(pieces: readonly Piece[]): Piece[][] {
  const rows: { pieces: Piece[]; main: Piece }[] = []
  const fits = (main: Piece, piece: Piece): boolean =>
    main.object === undefined &&
    piece.object === undefined &&
    overlap(main, piece) > 0.5 * Math.min(main.bottom - main.top, piece.bottom - piece.top)
  for (const piece of pieces.toSorted((a, b) => a.baseline - b.baseline || a.left - b.left)) {
    const row = rows.slice(-4).findLast(({ main }) => fits(main, piece))
    if (row === undefined) rows.push({ pieces: [piece], main: piece })
    else {
      row.pieces.push(piece)
      if (piece.size > row.main.size) row.main = piece
    }
  }
  return rows.map(({ pieces: row }) =>
    isRightToLeft(row) ? row.toSorted((a, b) => b.left - a.left) : row.toSorted((a, b) => a.left - b.left),
  )
}

/** Gap, in ems, from which two pieces of a row belong to different columns or cells. */
const SEGMENT_GAP = 1.4
const WORD_GAP = 0.15
const WIDE_WORD_GAP = 0.6

/** Set automatically between Chinese and Latin script; not a blank that anyone typed. */
const MIXED_WORD_GAP = 0.35

/** The gap, in ems, from which there is a space between two pieces of a row. */
function spaceGap(a: Piece, b: Piece): number {
  const [last, first] = [lastCharacter(a.text), firstCharacter(b.text)]
  if (isWide(last) && isWide(first)) return WIDE_WORD_GAP
  return isWide(last) || isWide(first) ? MIXED_WORD_GAP : WORD_GAP
}

const gapOf = (a: Piece, b: Piece): number => Math.max(b.left - a.right, a.left - b.right) / Math.max(a.size, b.size, 1)

/** Two neighbours as one piece; a visible gap becomes a space. Confidence is weighed by length. */
export function merged(a: Piece, b: Piece): Piece {
  const space = gapOf(a, b) > spaceGap(a, b) && !/\s$/.test(a.text) && !/^\s/.test(b.text) ? ' ' : ''
  const main = a.size >= b.size ? a : b
  const confidence = meanConfidence([a, b])
  return {
    text: a.text + space + b.text,
    left: Math.min(a.left, b.left),
    right: Math.max(a.right, b.right),
    top: Math.min(a.top, b.top),
    bottom: Math.max(a.bottom, b.bottom),
    baseline: main.baseline,
    size: main.size,
    bold: a.text.length >= b.text.length ? a.bold : b.bold,
    ...(confidence === undefined ? {} : { confidence }),
  }
}

/**
 * Parts a piece at places it runs across, such as the lines between cells: a PDF may paint a whole row of a table as one text with
 * blanks. Where its words stand is estimated from the usual widths of their characters.
 */
export function splitAcross(piece: Piece, places: readonly number[]): Piece[] {
  const crossed = places.filter((place) => place > piece.left + 2 && place < piece.right - 2)
  if (crossed.length === 0 || piece.object !== undefined) return [piece]
  const weightOf = (text: string): number => Array.from(text).reduce((sum, character) => sum + (isWide(character) ? 2 : 1), 0)
  const unit = (piece.right - piece.left) / Math.max(1, weightOf(piece.text))
  const parts: Piece[] = []
  let left = piece.left
  for (const word of piece.text.split(/(\s+)/)) {
    const right = left + weightOf(word) * unit
    const cell = crossed.findIndex((place) => (left + right) / 2 < place)
    const last = parts.at(-1)
    if (word.trim() !== '' && last !== undefined && crossed.findIndex((place) => (last.left + last.right) / 2 < place) === cell)
      parts[parts.length - 1] = merged(last, { ...piece, text: word, left, right })
    else if (word.trim() !== '') parts.push({ ...piece, text: word, left, right })
    left = right
  }
  return parts
}

/** Weighed by length; undefined when nothing was read by a machine. */
export function meanConfidence(pieces: readonly Piece[]): number | undefined {
  const read = pieces.filter((piece) => piece.confidence !== undefined)
  const weight = read.reduce((sum, piece) => sum + Math.max(1, piece.text.length), 0)
  if (weight === 0) return undefined
  return read.reduce((sum, piece) => sum + (piece.confidence ?? 0) * Math.max(1, piece.text.length), 0) / weight
}

/** A row in runs parted by wide gaps. */
export function segmentsOf(row: readonly Piece[]): Piece[] {
  const segments: Piece[] = []
  for (const piece of row) {
    const last = segments.at(-1)
    if (last !== undefined && gapOf(last, piece) < SEGMENT_GAP) segments[segments.length - 1] = merged(last, piece)
    else segments.push(piece)
  }
  return segments
}

const FULL_WIDTH: Readonly<Record<string, string>> = { ',': '，', ';': '；', ':': '：', '!': '！', '?': '？' }

/** What OCR does to Chinese is undone: blanks between characters, and Western marks after them. */
export function tidyRead(text: string): string {
  return text
    .replace(/(?<=[\p{Script=Han}\u3000-\u303f\uff00-\uffef])[^\S\n]+(?=[\p{Script=Han}\u3000-\u303f\uff00-\uffef,;:!?])/gu, '')
    .replace(/(?<=\p{Script=Han})([,;:!?])[^\S\n]*/gu, (_, mark: string) => FULL_WIDTH[mark] ?? mark)
}

/** The texts of the rows of some pieces, e.g. of one cell. */
export function rowTexts(pieces: readonly Piece[]): string[] {
  return rowsOf(pieces).map((row) =>
    segmentsOf(row)
      .map((segment) => segment.text.trim())
      .join(' '),
  )
}

export function lineOf(row: Piece[], page: number, region: number): Line {
  const [only] = row
  if (row.length === 1 && only?.object !== undefined) return { ...only, segments: row, region, page }
  return { ...row.reduce(merged), text: row.map((segment) => segment.text.trim()).join(' '), segments: row, region, page }
}
