// From a recognised table to rows as objects with typed values, and the checks a score sheet has to pass.
import type { Block, TableContent } from './blocks.ts'

export type CellValue = string | number | null
export type SheetTable = { columns: string[]; rows: CellValue[][]; /** Of the reader in this table, 0..1. */ confidence: number | null }
export type FailedCheck = { table: number; row: number; column: string; check: 'sum' | 'range' | 'duplicate'; message: string }

const TOTAL = /^(总分|總分|总计|總計|合计|合計|total|sum)$/i
const IDENTITY = /学号|學號|班号|班號|座号|座號|编号|編號|序号|序號|名次|排名|年级|年級|^(no\.?|id|rank|class|student (no\.?|id)|#)$/i
const UNIQUE = /学号|學號|编号|編號|^(id|student (no\.?|id))$/i
const FULL_MARK = /[(（]\s*(\d{1,4})\s*[)）]\s*$/

/** Tables of the blocks, in reading order; a table without a recognised header gets columns `column 1`, `column 2`, … */
export function sheetTables(blocks: readonly Block[]): SheetTable[] {
  return blocks.flatMap((block) => (block.table ? [toSheet(block.table, block.confidence ?? null)] : []))
}

function toSheet(table: TableContent, confidence: number | null): SheetTable {
  const grid = Array.from({ length: table.rows }, () => Array.from({ length: table.columns }, () => ''))
  for (const cell of table.cells) {
    const row = grid[cell.row]
    if (row) row[cell.column] = cell.text.trim()
  }
  const headers = grid.slice(0, table.headerRows)
  const columns = uniqueNames(
    Array.from({ length: table.columns }, (_, column) => {
      const parts = headers.map((row) => row[column] ?? '').filter((text) => text !== '')
      return parts.join(' ') || `column ${column + 1}`
    }),
  )
  const rows = grid.slice(table.headerRows).map((row) => row.map((text, column) => typed(text, columns[column] ?? '')))
  return { columns, rows, confidence }
}

function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>()
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1
    seen.set(name, count)
    return count === 1 ? name : `${name} ${count}`
  })
}

/** Numbers become numbers except where they identify somebody: a leading zero there is part of the name. */
function typed(text: string, column: string): CellValue {
  if (text === '' || text === '-' || text === '—') return null
  if (UNIQUE.test(column)) return text
  const plain = text.normalize('NFKC').replaceAll(/[\s,]/g, '')
  return /^[-+]?\d+(\.\d+)?$/.test(plain) ? Number(plain) : text
}

/** Every row of every table as an object of its columns. */
export function sheetRows(tables: readonly SheetTable[]): Record<string, CellValue>[] {
  return tables.flatMap((table) =>
    table.rows.map((row) => Object.fromEntries(table.columns.map((column, at) => [column, row[at] ?? null]))),
  )
}

/** What a teacher should look at again: totals that do not add up, marks out of range, numbers given twice. */
export function failedChecks(tables: readonly SheetTable[]): FailedCheck[] {
  return tables.flatMap((sheet, table) => [...sums(sheet, table), ...ranges(sheet, table), ...duplicates(sheet, table)])
}

function sums(sheet: SheetTable, table: number): FailedCheck[] {
  const total = sheet.columns.findIndex((name) => TOTAL.test(name.replace(FULL_MARK, '').trim()))
  if (total < 0) return []
  const parts = sheet.columns.map((_, at) => at).filter((at) => at < total && isMark(sheet, at))
  if (parts.length < 2) return []
  return sheet.rows.flatMap((row, at) => {
    const stated = row[total]
    const marks = parts.map((part) => row[part])
    if (typeof stated !== 'number' || !marks.every((mark) => typeof mark === 'number')) return []
    const sum = Math.round(marks.reduce((before, mark) => before + mark, 0) * 100) / 100
    if (sum === stated) return []
    return [
      { table, row: at, column: sheet.columns[total] ?? '', check: 'sum' as const, message: `The parts add up to ${sum}, not ${stated}.` },
    ]
  })
}

const isMark = (sheet: SheetTable, at: number): boolean =>
  !IDENTITY.test(sheet.columns[at] ?? '') && sheet.rows.some((row) => typeof row[at] === 'number')

/** A full mark stands in brackets after a column's name; without one only negative marks are wrong. */
function ranges(sheet: SheetTable, table: number): FailedCheck[] {
  return sheet.columns.flatMap((column, place) => {
    if (!isMark(sheet, place)) return []
    const full = FULL_MARK.exec(column)?.[1]
    const most = full === undefined ? Infinity : Number(full)
    return sheet.rows.flatMap((row, at) => {
      const mark = row[place]
      if (typeof mark !== 'number' || (mark >= 0 && mark <= most)) return []
      return [{ table, row: at, column, check: 'range' as const, message: `${mark} is outside 0 to ${full ?? 'the full mark'}.` }]
    })
  })
}

function duplicates(sheet: SheetTable, table: number): FailedCheck[] {
  return sheet.columns.flatMap((column, place) => {
    if (!UNIQUE.test(column)) return []
    const seen = new Set<CellValue>()
    return sheet.rows.flatMap((row, at) => {
      const value = row[place] ?? null
      if (value === null || !seen.has(value)) {
        seen.add(value)
        return []
      }
      return [{ table, row: at, column, check: 'duplicate' as const, message: `${value} stands in more than one row.` }]
    })
  })
}
