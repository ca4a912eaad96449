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
  /** What a segment was joined from, left to right. */
  parts?: Piece[]
  /** Set at a right angle to the page's text, like the labels of an axis; its box is upright all the same. */
  turned?: true
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

const RIGHT_TO_LEFT = /[\u0590-\u08ff]/
const isRightToLeft = (row: readonly Piece[]): boolean => row.filter((piece) => RIGHT_TO_LEFT.test(piece.text)).length * 2 > row.length

/** The order of reading of pieces that stand from left to right: Arabic and Hebrew from the right, numbers and Latin words within them not. */
function inReadingOrder(row: readonly Piece[]): Piece[] {
  if (!isRightToLeft(row)) return [...row]
  const result: Piece[] = []
  let run: Piece[] = []
  for (const piece of row.toReversed()) {
    if (/[\p{L}\p{N}]/u.test(piece.text) && !RIGHT_TO_LEFT.test(piece.text)) run.unshift(piece)
    else {
      result.push(...run, piece)
      run = []
    }
  }
  return [...result, ...run]
}

/**
 * Segments side by side, rows from top to bottom: what shares a baseline, within half of the smaller type. Objects are rows of their own.
 */
export function rowsOf(segments: readonly Piece[]): Piece[][] {
  const rows: { pieces: Piece[]; main: Piece }[] = []
  const fits = (main: Piece, piece: Piece): boolean =>
    main.object === undefined &&
    piece.object === undefined &&
    Math.abs(main.baseline - piece.baseline) < 0.55 * Math.min(main.size, piece.size) &&
    overlap(main, piece) > 0.5 * Math.min(main.bottom - main.top, piece.bottom - piece.top)
  for (const piece of segments.toSorted((a, b) => a.baseline - b.baseline || a.left - b.left)) {
    const row = rows.slice(-4).findLast(({ main }) => fits(main, piece))
    if (row === undefined) rows.push({ pieces: [piece], main: piece })
    else {
      row.pieces.push(piece)
      if (piece.size > row.main.size) row.main = piece
    }
  }
  return rows.map(({ pieces: row }) => inReadingOrder(row.toSorted((a, b) => a.left - b.left)))
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
  const main = a.text.length >= b.text.length ? a : b
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

type Segment = { parts: Piece[]; last: Piece; main: Piece }

/** Baselines are looked up in steps of so many points. */
const STEP = 6
/** Raised or lowered type is at most this large beside what it belongs to. */
const SCRIPT_SIZE = 0.9

/** How far `piece` stands off the line of `segment`, in points; undefined when it cannot belong to it. */
function offLine({ last, main }: Segment, piece: Piece): number | undefined {
  const gap = (piece.left - last.right) / Math.max(last.size, piece.size, 1)
  const [small, large] = [Math.min(main.size, piece.size), Math.max(main.size, piece.size)]
  const off = Math.abs(main.baseline - piece.baseline)
  // The boxes of words that OCR read may overlap.
  if (gap >= SEGMENT_GAP || (gap < -0.6 && off > small * 0.1)) return undefined
  const isScript = small <= large * SCRIPT_SIZE && gap < 0.4
  return off <= (isScript ? large * 0.55 : small * 0.4) ? off : undefined
}

/**
 * Runs of text parted by wide gaps, whatever else stands at their height: every piece joins the run that ends where it begins, sub- and
 * superscripts included. Cost: linear in the pieces, times the runs near their baseline.
 */
export function segmentsOf(pieces: readonly Piece[]): Piece[] {
  const near = new Map<number, Segment[]>()
  const segments: Segment[] = []
  const objects = pieces.filter((piece) => piece.object !== undefined)
  for (const piece of pieces.filter((one) => one.object === undefined).toSorted((a, b) => a.left - b.left || a.right - b.right)) {
    const step = Math.round(piece.baseline / STEP)
    let best: { segment: Segment; off: number } | undefined
    for (let at = step - 2; at <= step + 2; at += 1)
      for (const segment of near.get(at) ?? []) {
        const off = offLine(segment, piece)
        if (off !== undefined && (best === undefined || off < best.off)) best = { segment, off }
      }
    if (best === undefined) {
      const segment = { parts: [piece], last: piece, main: piece }
      segments.push(segment)
      near.set(step, [...(near.get(step) ?? []), segment])
    } else join(best.segment, piece, near)
  }
  return [...objects, ...segments.map(({ parts }) => joined(parts))]
}

function join(segment: Segment, piece: Piece, near: Map<number, Segment[]>): void {
  segment.parts.push(piece)
  if (piece.right > segment.last.right) segment.last = piece
  if (piece.size <= segment.main.size * 1.05) return
  segment.main = piece
  const step = Math.round(piece.baseline / STEP)
  const there = near.get(step) ?? []
  if (!there.includes(segment)) near.set(step, [...there, segment])
}

function joined(parts: readonly Piece[]): Piece {
  const [first] = parts
  if (first !== undefined && parts.length === 1) return first
  return { ...inReadingOrder(parts).reduce(merged), parts: [...parts] }
}

/** The smallest pieces of a segment, left to right. */
export const partsOf = (segment: Piece): readonly Piece[] => segment.parts ?? [segment]

const FULL_WIDTH: Readonly<Record<string, string>> = { ',': '，', ';': '；', ':': '：', '!': '！', '?': '？' }

/** What OCR does to Chinese is undone: blanks between characters, and Western marks after them. */
export function tidyRead(text: string): string {
  return text
    .replace(/(?<=[\p{Script=Han}\u3000-\u303f\uff00-\uffef])[^\S\n]+(?=[\p{Script=Han}\u3000-\u303f\uff00-\uffef,;:!?])/gu, '')
    .replace(/(?<=\p{Script=Han})([,;:!?])[^\S\n]*/gu, (_, mark: string) => FULL_WIDTH[mark] ?? mark)
}

/** The texts of the rows of some pieces, e.g. of one cell. */
export function rowTexts(pieces: readonly Piece[]): string[] {
  return rowsOf(segmentsOf(pieces)).map((row) => row.map((segment) => segment.text.trim()).join(' '))
}

export function lineOf(row: Piece[], page: number, region: number): Line {
  const [only] = row
  if (row.length === 1 && only?.object !== undefined) return { ...only, segments: row, region, page }
  return { ...row.reduce(merged), text: row.map((segment) => segment.text.trim()).join(' '), segments: row, region, page }
}
