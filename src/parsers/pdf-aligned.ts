// Tables without ruling lines: consecutive rows whose wide-gapped segments stand in the same columns.
import type { TableContent } from '../core/blocks.ts'
import { joinCell } from './grid.ts'
import type { Line, Piece } from './pdf-pieces.ts'
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

/** The longest run of rows from `start` that still reads as one table; 0 when there is none. */
function runLength(lines: readonly Line[], start: number): number {
  let length = 0
  for (let index = start; index < Math.min(lines.length, start + MAX_ROWS); index += 1) {
    const [line, before] = [lines[index], lines[index - 1]]
    if (line === undefined || !isRow(line)) break
    const apart =
      index > start && before !== undefined && (before.region !== line.region || line.baseline - before.baseline > line.size * MAX_DISTANCE)
    if (apart) break
    const candidate = lines.slice(start, index + 1)
    if (candidate.length >= 2 && columnsOf(candidate).length < Math.max(...candidate.map((row) => row.segments.length))) break
    length = index - start + 1
  }
  while (length >= MIN_ROWS && !isTable(lines.slice(start, start + length))) length -= 1
  return length >= MIN_ROWS ? length : 0
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
    const length = runLength(lines, index)
    if (line !== undefined && length > 0) {
      const rows = lines.slice(index, index + length)
      const bottom = Math.max(...rows.map((row) => row.bottom))
      const [left, right] = [Math.min(...rows.map((row) => row.left)), Math.max(...rows.map((row) => row.right))]
      const columns = columnsOf(rows).map((column) => column.left)
      result.push({ ...line, left, right, bottom, text: '', segments: [], object: { kind: 'table', table: tableOf(rows), columns } })
      index += length
    } else {
      if (line !== undefined) result.push(line)
      index += 1
    }
  }
  return result
}
