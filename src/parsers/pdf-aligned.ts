// Tables without ruling lines: consecutive rows whose wide-gapped segments stand in the same columns.
import type { TableContent } from '../core/blocks.ts'
import { joinCell } from './grid.ts'
import { type Line, merged, partsOf, type Piece } from './pdf-pieces.ts'
import { guessHeaderRows } from './table.ts'

const MIN_ROWS = 3
const MAX_ROWS = 400
/** Rows further apart than this many line heights belong to different tables. */
const MAX_DISTANCE = 2.6
/** A cell longer than this is running text beside something else, not a cell. */
const MAX_CELL_CHARACTERS = 80

type Column = { left: number; right: number }

/** Overlapping extents of segments, joined; they stay apart exactly when the rows share white stretches. */
function columnsOf(rows: readonly Line[]): Column[] {
  const byIndex = columnsByIndex(rows)
  if (byIndex !== undefined) return byIndex
  const columns: Column[] = []
  for (const segment of rows.flatMap((row) => row.segments).toSorted((a, b) => a.left - b.left)) {
    const last = columns.at(-1)
    if (last !== undefined && segment.left < last.right + segment.size * 0.3) last.right = Math.max(last.right, segment.right)
    else columns.push({ left: segment.left, right: segment.right })
  }
  return columns
}

/** Rows of equal length pair up by position as long as neighbours stay apart: names stand left in a column, numbers right. */
function columnsByIndex(rows: readonly Line[]): Column[] | undefined {
  const count = rows[0]?.segments.length ?? 0
  if (count < 3 || rows.some((row) => row.segments.length !== count)) return undefined
  const columns = Array.from({ length: count }, (_, index): Column => {
    const cells = rows.flatMap((row) => row.segments.slice(index, index + 1))
    return { left: Math.min(...cells.map((cell) => cell.left)), right: Math.max(...cells.map((cell) => cell.right)) }
  })
  return columns.every((column, index) => index === 0 || column.left > (columns[index - 1]?.right ?? 0)) ? columns : undefined
}

const columnIndex = (columns: readonly Column[], segment: Piece): number =>
  columns.findIndex((column) => segment.left >= column.left - 0.1 && segment.right <= column.right + 0.1)

/** Whether these rows read as one table: every segment in a column of its own, and columns well filled. */
function isTable(rows: readonly Line[]): boolean {
  const columns = columnsOf(rows)
  if (columns.length < 2) return false
  const distinct = rows.every((row) => new Set(row.segments.map((segment) => columnIndex(columns, segment))).size === row.segments.length)
  const filled = rows.reduce((sum, row) => sum + row.segments.length, 0)
  return distinct && filled >= rows.length * columns.length * 0.6
}

/** A list mark set apart from its text by a wide gap; two such "cells" are an item of a list. */
const LIST_MARK = /^(?:[(（]?(?:\d{1,3}|[a-zA-Z]|[ivx]{1,4}|[一二三四五六七八九十]{1,3})[.)）、．]|[•·▪●○■□◆*–—-]|[①-⑳])$/
const LEADERS = /\.{4,}|…{2,}|·{4,}/

function isRow(line: Line): boolean {
  const [first] = line.segments
  if (first === undefined || line.segments.length < 2 || LEADERS.test(line.text)) return false
  if (line.segments.length === 2 && LIST_MARK.test(first.text.trim())) return false
  return line.segments.every((segment) => segment.object === undefined && segment.text.length <= MAX_CELL_CHARACTERS)
}

/** Lines of a wrapped cell follow each other at most so many sizes apart. */
const MAX_LEADING = 1.45

/** The row with a line that goes on with one of its cells: below it, flush with its left edge, and nothing beside it. */
function wrapped(row: Line, line: Line): Line | undefined {
  const [only] = line.segments
  if (only === undefined || line.segments.length > 1 || only.object !== undefined || only.text.length > MAX_CELL_CHARACTERS)
    return undefined
  if (line.region !== row.region || line.baseline - row.bottom > line.size * (MAX_LEADING - 0.2)) return undefined
  const at = row.segments.findIndex((segment) => Math.abs(segment.left - only.left) < 2 && Math.abs(segment.size - only.size) < 1)
  const cell = row.segments[at]
  if (at < 1 || cell === undefined) return undefined
  const longer = {
    ...cell,
    text: joinCell([cell.text.trim(), only.text.trim()]),
    right: Math.max(cell.right, only.right),
    bottom: only.bottom,
  }
  return { ...row, bottom: line.bottom, segments: row.segments.with(at, longer) }
}

type Run = { rows: Line[]; /** Lines up to and with each row. */ ends: number[] }

/** The longest run of rows from `start` that reads as one table; undefined when there is none. */
function runFrom(lines: readonly Line[], start: number): Run | undefined {
  const run: Run = { rows: [], ends: [] }
  for (let index = start; index < Math.min(lines.length, start + MAX_ROWS); index += 1) {
    const line = lines[index]
    const before = run.rows.at(-1)
    if (line === undefined) break
    const longer = before === undefined ? undefined : wrapped(before, line)
    if (longer !== undefined) {
      run.rows[run.rows.length - 1] = longer
      run.ends[run.ends.length - 1] = index + 1
      continue
    }
    if (!isRow(line) || (before !== undefined && isApart(before, line))) break
    const candidate = [...run.rows, line]
    if (candidate.length >= 2 && columnsOf(candidate).length < Math.max(...candidate.map((row) => row.segments.length))) break
    run.rows.push(line)
    run.ends.push(index + 1)
  }
  while (run.rows.length >= MIN_ROWS && !isTable(run.rows)) {
    run.rows.pop()
    run.ends.pop()
  }
  return run.rows.length >= MIN_ROWS ? run : undefined
}

const isApart = (before: Line, line: Line): boolean =>
  before.region !== line.region || line.baseline - before.bottom > line.size * (MAX_DISTANCE - 0.2) || line.baseline <= before.baseline

/** A line whose cells stand too close for segments of their own, cut at the columns of the rows beside it; undefined when it does not fit. */
function fitted(line: Line, columns: readonly Column[]): Line | undefined {
  if (line.segments.some((segment) => segment.object !== undefined)) return undefined
  const cells: Piece[][] = columns.map(() => [])
  for (const piece of line.segments.flatMap(partsOf)) {
    const at = columns.findLastIndex((column) => piece.left >= column.left - 2)
    const next = columns[at + 1]
    if (at === -1 || (next !== undefined && piece.right > next.left + 1)) return undefined
    cells[at]?.push(piece)
  }
  const segments = cells.filter((cell) => cell.length > 0).map((cell) => cell.reduce(merged))
  const isFull = segments.length >= Math.max(2, columns.length * 0.6)
  return isFull && segments.every((segment) => segment.text.length <= MAX_CELL_CHARACTERS) ? { ...line, segments } : undefined
}

function tableOf(rows: readonly Line[]): TableContent {
  const columns = columnsOf(rows)
  const cells = rows.flatMap((row, index) =>
    columns.flatMap((_, column) => {
      const texts = row.segments.filter((segment) => columnIndex(columns, segment) === column).map((segment) => segment.text.trim())
      return texts.length === 0 ? [] : [{ row: index, column, rowSpan: 1, columnSpan: 1, text: joinCell(texts) }]
    }),
  )
  return { rows: rows.length, columns: columns.length, headerRows: guessHeaderRows(cells, rows.length, columns.length), cells }
}

/** Replaces runs of aligned rows by one line that carries their table. */
export function withAlignedTables(lines: readonly Line[]): Line[] {
  const result: Line[] = []
  for (let index = 0; index < lines.length;) {
    const line = lines[index]
    const run = runFrom(lines, index)
    if (line !== undefined && run !== undefined) {
      let end = run.ends.at(-1) ?? index + 1
      const { rows } = run
      const columns = columnsOf(rows)
      const [first, before] = [rows[0], result.at(-1)]
      const header = first !== undefined && before !== undefined && !isApart(before, first) ? fitted(before, columns) : undefined
      if (header !== undefined) {
        rows.unshift(header)
        result.pop()
      }
      for (let next = lines[end], last = rows.at(-1); next !== undefined && last !== undefined; next = lines[end], last = rows.at(-1)) {
        const row = isApart(last, next) ? undefined : fitted(next, columns)
        if (row === undefined) break
        rows.push(row)
        end += 1
      }
      result.push(tableLine(rows[0] ?? line, rows))
      index = end
    } else {
      if (line !== undefined) result.push(line)
      index += 1
    }
  }
  return result
}

function tableLine(first: Line, rows: readonly Line[]): Line {
  const bottom = Math.max(...rows.map((row) => row.bottom))
  const [left, right] = [Math.min(...rows.map((row) => row.left)), Math.max(...rows.map((row) => row.right))]
  const columns = columnsOf(rows).map((column) => column.left)
  return { ...first, left, right, bottom, text: '', segments: [], object: { kind: 'table', table: tableOf(rows), columns } }
}
