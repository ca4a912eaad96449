// Builds a table's full grid from rows of cells as they come: spans are placed around what is already taken, as in HTML and Word.
import type { TableCell, TableContent } from '../core/blocks.ts'

export type RowCell = { text: string; rowSpan?: number; columnSpan?: number; header?: boolean }

const MAX_SPAN = 1000

/**
 * Places cells into the first free columns of their rows. `headerRows` is how many leading rows consist of header cells only,
 * unless the caller knows better.
 */
export function tableFromRows(rows: readonly (readonly RowCell[])[], headerRows?: number, caption?: string): TableContent {
  const taken: Set<number>[] = rows.map(() => new Set<number>())
  const cells: TableCell[] = []
  let columns = 0
  rows.forEach((row, index) => {
    let column = 0
    for (const cell of row) {
      while (taken[index]?.has(column)) column += 1
      const columnSpan = Math.min(MAX_SPAN, Math.max(1, cell.columnSpan ?? 1))
      const rowSpan = Math.min(rows.length - index, MAX_SPAN, Math.max(1, cell.rowSpan ?? 1))
      for (let below = index; below < index + rowSpan; below += 1) {
        for (let across = column; across < column + columnSpan; across += 1) taken[below]?.add(across)
      }
      cells.push({ row: index, column, rowSpan, columnSpan, text: cell.text })
      column += columnSpan
      columns = Math.max(columns, column)
    }
  })
  const leading = rows.findIndex((row) => row.length === 0 || row.some((cell) => cell.header !== true))
  const headers = headerRows ?? (leading === -1 ? Math.min(1, rows.length) : leading)
  return { rows: rows.length, columns, headerRows: headers, cells, ...(caption === undefined || caption === '' ? {} : { caption }) }
}

const isNumeric = (text: string): boolean => /^[-+−¥$€£(]?\s?\d[\d,.\s]*[%)]?$/.test(text.trim())

/**
 * Whether the first of these rows names the columns: full, without numbers, without repeats, and not longer than a label.
 * Used where a format does not mark header rows.
 */
export function firstRowIsHeader(rows: readonly (readonly string[])[]): boolean {
  const [first = [], ...rest] = rows
  if (rest.length === 0 || first.length < 2) return false
  const names = first.map((text) => text.trim())
  const filled = names.filter((name) => name !== '')
  const labels = filled.every((name) => name.length <= 40 && !isNumeric(name)) && new Set(filled).size === filled.length
  return labels && filled.length >= Math.max(2, names.length - 1)
}

/** Each column's name under the group above it, e.g. `Term 1 Test`: the same name may stand under several groups. */
function joinedNames(cells: readonly TableCell[], texts: readonly (readonly string[])[]): string[] {
  return (texts[1] ?? []).map((text, column) => {
    const group = cells.find((cell) => cell.row === 0 && cell.column <= column && cell.column + cell.columnSpan > column)
    return text === '' ? (group?.text ?? '') : isNumeric(text) ? text : `${group?.text ?? ''} ${text}`.trim()
  })
}

/** Header rows of a full grid: two when the first one groups columns, else one when it names them. */
export function guessHeaderRows(cells: readonly TableCell[], rows: number, columns: number): number {
  const texts = Array.from({ length: Math.min(rows, 8) }, (_, row) =>
    Array.from({ length: columns }, (__, column) => cells.find((cell) => cell.row === row && cell.column === column)?.text ?? ''),
  )
  const groups = cells.some((cell) => cell.row === 0 && cell.columnSpan > 1 && cell.columnSpan < columns)
  if (groups && rows >= 3) return firstRowIsHeader([joinedNames(cells, texts), ...texts.slice(2)]) ? 2 : 1
  return firstRowIsHeader(texts) ? 1 : 0
}
