// Delimited text of any delimiter and encoding as one table.
import { parse } from 'csv-parse/sync'
import type { FormatParser } from './format.ts'
import { unreadable } from './format.ts'
import { decodeText } from './encoding.ts'
import { firstRowIsHeader, tableFromRows } from './table.ts'
import { createWriter } from './writer.ts'

const DELIMITERS = [',', '\t', ';', '|', '，', '：'] as const

/** The delimiter that splits the first lines most evenly into the most columns; a comma when nothing does. */
export function guessDelimiter(text: string): string {
  const sample = text
    .slice(0, 20_000)
    .replace(/"(?:[^"]|"")*"/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, 50)
  let best: { delimiter: string; score: number } = { delimiter: ',', score: 0 }
  for (const delimiter of DELIMITERS) {
    const counts = sample.map((line) => line.split(delimiter).length - 1)
    const typical = counts.toSorted((a, b) => a - b)[Math.floor(counts.length / 2)] ?? 0
    const even = counts.filter((count) => count === typical).length / Math.max(1, counts.length)
    if (typical > 0 && even * Math.log2(1 + typical) > best.score) best = { delimiter, score: even * Math.log2(1 + typical) }
  }
  return best.delimiter
}

/** Leading rows with one filled cell above rows with more: what the table is called. */
function titleRows(rows: readonly (readonly string[])[]): string[] {
  const filled = (row: readonly string[]): string[] => row.filter((cell) => cell.trim() !== '')
  const start = rows.findIndex((row) => filled(row).length > 1)
  return start < 1 || start > 3 ? [] : rows.slice(0, start).flatMap(filled)
}

export const parseCsv: FormatParser = (bytes, context) => {
  const writer = createWriter(context)
  const text = decodeText(bytes).text.replace(/\r\n?/g, '\n').replaceAll('\0', '')
  const hinted = /^sep=(.)\n/i.exec(text)
  const body = hinted === null ? text : text.slice(hinted[0].length)
  const records = parse(body, {
    delimiter: hinted?.[1] ?? guessDelimiter(body),
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    bom: true,
    to: context.limits.tableRows + 1,
  })
  const rows = records.filter((row) => row.some((cell) => cell.trim() !== ''))
  if (rows.length === 0) throw unreadable('The document is empty: it holds no text.')
  if (records.length > context.limits.tableRows) {
    rows.length = Math.min(rows.length, context.limits.tableRows)
    writer.warn(`Only the first ${context.limits.tableRows} rows were read.`)
  }
  const caption = titleRows(rows)
  const table = rows.slice(caption.length)
  writer.table(
    tableFromRows(
      table.map((row) => row.map((cell) => ({ text: cell }))),
      firstRowIsHeader(table) ? 1 : 0,
      caption.join('\n'),
    ),
  )
  return Promise.resolve(writer.finish({}))
}
