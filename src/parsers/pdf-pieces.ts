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

/** What stands between two texts that were parted by a line or a gap: nothing between Chinese characters, else one space. */
export function joint(before: string, after: string): '' | ' ' {
  // Only the ends are looked at: texts grow long while they are joined.
  const last = Array.from(before.slice(-8).trimEnd()).at(-1) ?? ''
  const first = Array.from(after.slice(0, 8).trimStart())[0] ?? ''
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

const gapOf = (a: Piece, b: Piece): number => Math.max(b.left - a.right, a.left - b.right) / Math.max(a.size, b.size, 1)

/** Two neighbours as one piece; a visible gap becomes a space. Confidence is weighed by length. */
export function merged(a: Piece, b: Piece): Piece {
  const bothWide = joint(a.text, b.text) === ''
  const space = gapOf(a, b) > (bothWide ? WIDE_WORD_GAP : WORD_GAP) && !/\s$/.test(a.text) && !/^\s/.test(b.text) ? ' ' : ''
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
