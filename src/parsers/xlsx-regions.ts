// Finds the tables on a sheet: blocks of filled cells parted by blank rows or columns, their titles and their header rows.
import type { TableContent } from '../core/blocks.ts'
import { firstRowIsHeader } from './table.ts'

/** Filled cells of a sheet: rows from 0 to columns from 0 to text. */
export type SheetCells = Map<number, Map<number, string>>
/** Inclusive, from 0. */
export type Range = { top: number; left: number; bottom: number; right: number }

export type Region = { kind: 'table'; table: TableContent } | { kind: 'text'; text: string }

/** Runs of consecutive numbers in an ascending list. */
function runs(numbers: readonly number[]): [number, number][] {
  const result: [number, number][] = []
  for (const number of numbers) {
    const last = result.at(-1)
    if (last !== undefined && number <= last[1] + 1) last[1] = number
    else result.push([number, number])
  }
  return result
}

/** Bands of filled rows, each cut into stretches of filled columns; a merge counts as filled everywhere. */
function filledRanges(cells: SheetCells, merges: readonly Range[]): Range[] {
  const rowNumbers = new Set(cells.keys())
  for (const merge of merges)
    if (cells.get(merge.top)?.has(merge.left)) for (let row = merge.top; row <= merge.bottom; row += 1) rowNumbers.add(row)
  return runs([...rowNumbers].toSorted((a, b) => a - b)).flatMap(([top, bottom]) => {
    const columns = new Set<number>()
    for (let row = top; row <= bottom; row += 1) for (const column of cells.get(row)?.keys() ?? []) columns.add(column)
    for (const merge of merges)
      if (merge.top >= top && merge.bottom <= bottom && cells.get(merge.top)?.has(merge.left))
        for (let column = merge.left; column <= merge.right; column += 1) columns.add(column)
    return runs([...columns].toSorted((a, b) => a - b)).flatMap(([left, right]) => trimmed(cells, { top, left, bottom, right }))
  })
}

/** A stretch of columns may leave some rows of its band blank: those part it again. */
function trimmed(cells: SheetCells, range: Range): Range[] {
  const filled: number[] = []
  for (let row = range.top; row <= range.bottom; row += 1) {
    const columns = cells.get(row)
    if (columns !== undefined && [...columns.keys()].some((column) => column >= range.left && column <= range.right)) filled.push(row)
  }
  return runs(filled).map(([top, bottom]) => ({ top, bottom, left: range.left, right: range.right }))
}

const textsOf = (cells: SheetCells, range: Range, row: number): string[] =>
  Array.from({ length: range.right - range.left + 1 }, (_, index) => cells.get(row)?.get(range.left + index) ?? '')

/** Rows of labels above the data: two when the first one spans columns and the second names each of them. */
function headerRowsOf(cells: SheetCells, range: Range, merges: readonly Range[]): number {
  if (range.bottom - range.top < 1) return 0
  const spans = merges.filter((merge) => merge.top === range.top && merge.left >= range.left && merge.right <= range.right)
  const isGrouped = spans.some((merge) => merge.right > merge.left)
  const rows = Array.from({ length: Math.min(8, range.bottom - range.top + 1) }, (_, index) => textsOf(cells, range, range.top + index))
  if (isGrouped && range.bottom - range.top >= 2) {
    const names = (rows[1] ?? []).map((text, column) => (text === '' ? (rows[0]?.[column] ?? '') : text))
    return firstRowIsHeader([names, ...rows.slice(2)]) || names.every((name) => name === '' || !/^[\d.]+$/.test(name)) ? 2 : 1
  }
  return firstRowIsHeader(rows) ? 1 : 0
}

function tableOf(cells: SheetCells, range: Range, merges: readonly Range[], caption: string): TableContent {
  const spans = new Map(merges.map((merge) => [`${merge.top},${merge.left}`, merge]))
  const content: TableContent = {
    rows: range.bottom - range.top + 1,
    columns: range.right - range.left + 1,
    headerRows: headerRowsOf(cells, range, merges),
    cells: [],
  }
  for (let row = range.top; row <= range.bottom; row += 1) {
    for (const [column, text] of cells.get(row) ?? []) {
      if (column < range.left || column > range.right) continue
      const span = spans.get(`${row},${column}`)
      const rowSpan = span === undefined ? 1 : Math.min(span.bottom, range.bottom) - row + 1
      const columnSpan = span === undefined ? 1 : Math.min(span.right, range.right) - column + 1
      content.cells.push({ row: row - range.top, column: column - range.left, rowSpan, columnSpan, text })
    }
  }
  return caption === '' ? content : { ...content, caption }
}

/** How many filled cells a row of the range has. */
const filledIn = (cells: SheetCells, range: Range, row: number): number => textsOf(cells, range, row).filter((text) => text !== '').length

/**
 * Tables and loose texts of a sheet in reading order. A lone text directly above a table, in the same block or one blank row higher,
 * is its caption.
 */
export function regionsOf(cells: SheetCells, merges: readonly Range[]): Region[] {
  const regions: Region[] = []
  let caption = ''
  const flush = (): void => {
    if (caption !== '') regions.push({ kind: 'text', text: caption })
    caption = ''
  }
  for (const found of filledRanges(cells, merges)) {
    const range = { ...found }
    while (
      range.top < range.bottom &&
      range.right > range.left &&
      filledIn(cells, range, range.top) === 1 &&
      filledIn(cells, range, range.top + 1) !== 1
    ) {
      const title = textsOf(cells, range, range.top).find((text) => text !== '') ?? ''
      caption = caption === '' ? title : `${caption}\n${title}`
      range.top += 1
    }
    const isLone = range.top === range.bottom && filledIn(cells, range, range.top) === 1
    if (isLone || range.left === range.right) {
      flush()
      const lines = Array.from({ length: range.bottom - range.top + 1 }, (_, index) =>
        textsOf(cells, range, range.top + index)
          .join(' ')
          .trim(),
      )
      if (isLone) caption = lines.join('\n')
      else regions.push({ kind: 'text', text: lines.join('\n') })
    } else {
      regions.push({ kind: 'table', table: tableOf(cells, range, merges, caption) })
      caption = ''
    }
  }
  flush()
  return regions
}
