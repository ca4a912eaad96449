// Pieces of text on a page → lines in reading order: columns are told apart by the gutters between long lines.
import { type Line, lineOf, type Piece, rowsOf, segmentsOf } from './pdf-pieces.ts'

const width = (piece: Piece): number => piece.right - piece.left

/** Raster in points for looking for gutters. */
const BIN = 2
const MIN_GUTTER = 8
/** Rows that must have text on both sides, and characters a typical line of a column has at least. */
const MIN_COLUMN_ROWS = 4
const MIN_COLUMN_EMS = 8

type Gutter = { left: number; right: number }

/** Vertical stretches that fewer segments cross than their surroundings, widest first. */
function gutterCandidates(segments: readonly Piece[]): Gutter[] {
  const from = Math.min(...segments.map((segment) => segment.left))
  const to = Math.max(...segments.map((segment) => segment.right))
  const counts = new Uint16Array(Math.max(1, Math.ceil((to - from) / BIN)))
  for (const segment of segments) {
    for (
      let bin = Math.floor((segment.left - from) / BIN);
      bin < Math.min(counts.length, Math.ceil((segment.right - from) / BIN));
      bin += 1
    )
      counts[bin] = (counts[bin] ?? 0) + 1
  }
  const allowed = Math.max(3, Math.floor(segments.length * 0.25))
  const gutters: Gutter[] = []
  for (let bin = 0; bin < counts.length;) {
    const level = counts[bin] ?? 0
    let end = bin + 1
    while (end < counts.length && counts[end] === level) end += 1
    const isValley = level <= allowed && (counts[bin - 1] ?? Infinity) > level && (counts[end] ?? Infinity) > level
    if (isValley && (end - bin) * BIN >= MIN_GUTTER) gutters.push({ left: from + bin * BIN, right: from + end * BIN })
    bin = end
  }
  return gutters
    .filter((gutter) => gutter.left > from + 40 && gutter.right < to - 40)
    .toSorted((a, b) => b.right - b.left - (a.right - a.left))
}

const median = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0

/** Columns hold running text on both sides of the gutter; a table has short cells there, and rows whose cells begin at one height. */
function isColumnGutter(segments: readonly Piece[], gutter: Gutter): boolean {
  const middle = (gutter.left + gutter.right) / 2
  const texts = segments.filter((segment) => segment.object === undefined)
  const sides = [texts.filter((segment) => segment.right <= middle), texts.filter((segment) => segment.left >= middle)]
  return sides.every((side) => {
    const extent = Math.max(...side.map((segment) => segment.right)) - Math.min(...side.map((segment) => segment.left))
    const typical = median(side.map(width))
    return (
      side.length >= MIN_COLUMN_ROWS &&
      typical >= extent * 0.28 &&
      median(side.map((segment) => width(segment) / segment.size)) >= MIN_COLUMN_EMS
    )
  })
}

/** Recursive: full-width segments part the page into bands, a gutter parts a band into columns, read left to right. */
function regionsOf(segments: readonly Piece[], depth: number): Piece[][] {
  const gutter =
    depth > 4 || segments.length < MIN_COLUMN_ROWS * 2
      ? undefined
      : gutterCandidates(segments).find((candidate) => isColumnGutter(segments, candidate))
  if (gutter === undefined) return segments.length === 0 ? [] : [[...segments]]
  const middle = (gutter.left + gutter.right) / 2
  const crosses = (segment: Piece): boolean => segment.left < middle - 1 && segment.right > middle + 1
  const regions: Piece[][] = []
  let band: Piece[] = []
  let full: Piece[] = []
  const flushBand = (): void => {
    for (const side of [band.filter((segment) => segment.right <= middle + 1), band.filter((segment) => segment.right > middle + 1)])
      regions.push(...regionsOf(side, depth + 1))
    band = []
  }
  const flushFull = (): void => {
    if (full.length > 0) regions.push(full)
    full = []
  }
  for (const segment of segments.toSorted((a, b) => a.baseline - b.baseline || a.left - b.left)) {
    if (crosses(segment) || (band.length === 0 && isLastLineOf(full.at(-1), segment, segments))) {
      flushBand()
      full.push(segment)
    } else {
      flushFull()
      band.push(segment)
    }
  }
  flushBand()
  flushFull()
  return regions
}

/** The short last line of a full-width paragraph or title: same type, directly below, nothing beside it. */
function isLastLineOf(last: Piece | undefined, segment: Piece, all: readonly Piece[]): boolean {
  if (last === undefined || Math.abs(last.size - segment.size) > 0.5 || segment.baseline - last.baseline > segment.size * 1.7) return false
  return all.every((other) => other === segment || Math.abs(other.baseline - segment.baseline) > segment.size * 0.5)
}

/** Lines of a page in reading order. @param firstRegion number of the page's first region. */
export function linesOf(pieces: readonly Piece[], page: number, firstRegion: number): Line[] {
  const segments = rowsOf(pieces).flatMap(segmentsOf)
  return regionsOf(segments, 0).flatMap((region, index) => rowsOf(region).map((row) => lineOf(row, page, firstRegion + index)))
}
