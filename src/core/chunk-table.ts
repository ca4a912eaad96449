// How a table reads as text: Markdown rows whose header names every column. Parsers use it for a block's linear text, chunking for slices.
import type { TableCell, TableContent } from './blocks.ts'

/** The header of one table as Markdown, empty when no header row was recognised, and the texts of its body rows. */
export type TableLines = { caption: string; header: string; names: string[]; cells: string[][] }

const inCell = (text: string): string =>
  text
    .replace(/\s*\n\s*/g, ' ')
    .replaceAll('|', '\\|')
    .trim()

/** A Markdown row without line breaks. */
export const asRow = (cells: readonly string[]): string => `| ${cells.map(inCell).join(' | ')} |`

/**
 * A full grid `[rows, columns]` of texts. A cell that spans rows is repeated downwards, so that each row can be read on its own;
 * a header cell that spans columns is repeated sideways, because it names every one of them; a body cell that spans columns is not.
 */
function grid(table: TableContent): string[][] {
  const empty = Array.from({ length: table.columns }, () => '')
  const texts = Array.from({ length: table.rows }, () => [...empty])
  for (const cell of table.cells) fillCell(texts, cell, table.headerRows)
  return texts
}

function fillCell(texts: string[][], cell: TableCell, headerRows: number): void {
  const width = cell.row < headerRows ? cell.columnSpan : 1
  for (const row of texts.slice(cell.row, cell.row + cell.rowSpan)) {
    for (let column = cell.column; column < Math.min(cell.column + width, row.length); column += 1) row[column] = cell.text
  }
}

/** One name per column: the distinct header texts above it, outermost first, joined by ` / `. */
function columnNames(header: readonly string[][], columns: number): string[] {
  return Array.from({ length: columns }, (_, column) => {
    const names = header.map((row) => row[column] ?? '').filter((name) => name.trim() !== '')
    return [...new Set(names)].join(' / ')
  })
}

export function tableLines(table: TableContent): TableLines {
  const texts = grid(table)
  const names = columnNames(texts.slice(0, table.headerRows), table.columns)
  return {
    caption: table.caption ?? '',
    header: table.headerRows === 0 ? '' : `${asRow(names)}\n|${' --- |'.repeat(table.columns)}`,
    names,
    cells: texts.slice(table.headerRows),
  }
}

/** The whole table as text: caption, header, rows. */
export function tableMarkdown(table: TableContent): string {
  const lines = tableLines(table)
  return [lines.caption, lines.header, ...lines.cells.map(asRow)].filter((line) => line !== '').join('\n')
}
