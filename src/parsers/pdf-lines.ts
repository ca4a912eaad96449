// Pieces of text on a page → lines in reading order: columns are told apart by the gutters between long lines.
import { type Line, lineOf, type Piece, rowsOf, segmentsOf } from './pdf-pieces.ts'

const width = (piece: Piece): number => piece.right - piece.left

/** Raster in points for looking for gutters. */
const BIN = 2
const MIN_GUTTER = 8
/** Rows that must have text on both sides, and characters a typical line of a column has at least. */
const MIN_COLUMN_ROWS = 3
/** Fewer rows than this on a side are columns only where a sentence runs on from line to line there. */
const SURE_COLUMN_ROWS = 4
const MIN_COLUMN_EMS = 8

/** A line that reaches across this share of a column is running text of it. */
const FILLS_COLUMN = 0.7

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

/** Whether a line of a side fills it and goes on in lower case in the next one. */
function runsOn(side: readonly Piece[], extent: number): boolean {
  const lines = side.toSorted((a, b) => a.baseline - b.baseline)
  return lines.some((line, index) => {
    const before = lines[index - 1]
    return (
      before !== undefined &&
      width(before) >= extent * FILLS_COLUMN &&
      /^\p{Ll}/u.test(line.text.trim()) &&
      !/[.!?。！？]$/.test(before.text.trim())
    )
  })
}

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
      (side.length >= SURE_COLUMN_ROWS || runsOn(side, extent)) &&
      typical >= extent * 0.28 &&
      median(side.map((segment) => width(segment) / segment.size)) >= MIN_COLUMN_EMS
    )
  })
}

/** White space between two bands, in ems of the smaller type around it. */
const BAND_GAP = 0.5

/** Segments parted by white space across the whole width, from the top. */
function bandsOf(segments: readonly Piece[]): Piece[][] {
  const bands: Piece[][] = []
  let bottom = -Infinity
  let size = 0
  for (const segment of segments.toSorted((a, b) => a.top - b.top)) {
    const last = bands.at(-1)
    const em = Math.min(size, segment.size)
    if (last === undefined || segment.top - bottom > em * BAND_GAP) {
      bands.push([segment])
      size = segment.size
    } else {
      last.push(segment)
      if (segment.bottom > bottom) size = Math.max(4, segment.size)
    }
    bottom = Math.max(bottom, segment.bottom)
  }
  return bands
}

const isSideBySide = (band: readonly Piece[]): boolean =>
  Math.max(...band.map((segment) => segment.left)) >= Math.min(...band.map((segment) => segment.right))

type Standing = 'in columns' | 'short' | 'off'

/** How a band stands to the columns beside a gutter: running text or pictures there, only short texts on both sides, or something else. */
function standingOf(band: readonly Piece[], gutter: Gutter, all: readonly Piece[]): Standing {
  const middle = (gutter.left + gutter.right) / 2
  const [left, right] = [Math.min(...all.map((one) => one.left)), Math.max(...all.map((one) => one.right))]
  const size = median(all.map((one) => one.size))
  const isRunning = (side: readonly Piece[], column: number): boolean =>
    side.some((one) => one.object !== undefined || (width(one) >= column * FILLS_COLUMN && one.size < size * 1.12))
  const before = band.filter((segment) => segment.right <= middle + 1)
  const after = band.filter((segment) => segment.left >= middle - 1)
  const areBoth = before.length > 0 && after.length > 0
  // What crosses the gutter is full width; columns go on around it only when they stand at its sides.
  if (before.length + after.length < band.length) return areBoth ? 'in columns' : 'off'
  if (before.length === 0 || isRunning(before, gutter.left - left) || isRunning(after, right - gutter.right)) return 'in columns'
  return areBoth ? 'short' : 'off'
}

/** More rows of short texts at one height are a table; fewer are a heading beside a list, or the ends of two paragraphs. */
const MAX_SHORT_ROWS = 2

/** How many bands from the first stand in columns. */
function bandsInColumns(bands: readonly Piece[][], gutter: Gutter): number {
  const all = bands.flat()
  const standings = bands.map((band) => standingOf(band, gutter, all))
  let short = 0
  for (const [at, standing] of standings.entries()) {
    if (standing === 'off') return at
    short = standing === 'short' ? short + rowsOf(bands[at] ?? []).filter((row) => row.length > 1).length : 0
    if (short > MAX_SHORT_ROWS) return standings.slice(0, at).findLastIndex((before) => before !== 'short') + 1
  }
  return bands.length
}

/** The longest run of bands from the first that is set in columns, and the gutter between them. */
function columnsFrom(bands: readonly Piece[][]): { gutter: Gutter; count: number } | undefined {
  if (bands[0] === undefined || !isSideBySide(bands[0])) return undefined
  let count = bands.length
  while (count > 0) {
    const segments = bands.slice(0, count).flat()
    if (segments.length < MIN_COLUMN_ROWS * 2) return undefined
    const gutter = gutterCandidates(segments).find((candidate) => isColumnGutter(segments, candidate))
    if (gutter === undefined) count -= 1
    else {
      const standing = bandsInColumns(bands.slice(0, count), gutter)
      if (standing === count) return { gutter, count }
      count = standing
    }
  }
  return undefined
}

/** Bands of white space part the page; neighbouring bands with a gutter in common are columns, read left to right, each like a page. */
function regionsOf(segments: readonly Piece[], depth: number): Piece[][] {
  if (depth > 4 || segments.length < MIN_COLUMN_ROWS * 2) return segments.length === 0 ? [] : [[...segments]]
  const bands = bandsOf(segments)
  const regions: Piece[][] = []
  let single: Piece[] = []
  const flush = (): void => {
    if (single.length > 0) regions.push(single)
    single = []
  }
  for (let at = 0; at < bands.length;) {
    const columns = columnsFrom(bands.slice(at))
    if (columns === undefined) {
      single.push(...(bands[at] ?? []))
      at += 1
    } else {
      flush()
      regions.push(...inColumns(bands.slice(at, at + columns.count).flat(), columns.gutter, depth))
      at += columns.count
    }
  }
  flush()
  return regions
}

/** Full-width segments part the columns; between them, the left column is read before the right one. */
function inColumns(segments: readonly Piece[], gutter: Gutter, depth: number): Piece[][] {
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

/**
 * Lines of a page in reading order; labels that lie on their side follow at the end, each for itself.
 * @param firstRegion number of the page's first region.
 */
export function linesOf(pieces: readonly Piece[], page: number, firstRegion: number): Line[] {
  const turned = pieces.filter((piece) => piece.turned === true).map((piece) => [[piece]])
  const upright = regionsOf(segmentsOf(pieces.filter((piece) => piece.turned !== true)), 0).map(rowsOf)
  return [...upright, ...turned].flatMap((rows, index) => rows.map((row) => lineOf(row, page, firstRegion + index)))
}
