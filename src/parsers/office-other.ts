// OpenDocument and Rich Text without LibreOffice: officeparser reads them, its HTML goes through our own HTML reader. Formulas are lost on the way.
import { OfficeParser } from 'officeparser'
import type { Block } from '../core/blocks.ts'
import { tableMarkdown } from '../core/chunk-table.ts'
import { type FormatParser, unreadable } from './format.ts'
import { parseHtml } from './html.ts'
import { guessHeaderRows } from './table.ts'
import { openArchive } from './zip.ts'

export const parseOtherOffice: FormatParser = async (bytes, context) => {
  const isZip = context.mediaType !== 'application/rtf'
  if (isZip) await openArchive(bytes, context.limits)
  const reading = OfficeParser.parseOffice(Buffer.from(bytes), { extractAttachments: false, ocr: false })
  const ast = await reading.catch((error: unknown) => {
    throw unreadable('The file is damaged and cannot be opened.', error)
  })
  const { value } = await ast.to('html')
  const html = typeof value === 'string' ? value : Buffer.from(value).toString()
  const document = await parseHtml(Buffer.from(html.replaceAll('↩', '')), context)
  const title = ast.metadata.title?.trim()
  const warning = 'Formulas and pictures of this format are not read; save it as .docx, .xlsx or .pptx to keep them.'
  const blocks = context.mediaType.endsWith('spreadsheet') ? document.blocks.map(withoutRuler) : document.blocks
  return {
    ...document,
    blocks,
    title: title === undefined || title === '' ? document.title : title,
    warnings: [...document.warnings, warning],
  }
}

/** Sheets come with column letters and row numbers around them; they are not content. */
function withoutRuler(block: Block): Block {
  const { table } = block
  if (table === undefined) return block
  const cells = table.cells
    .filter((cell) => cell.row > 0 && cell.column > 0)
    .map((cell) => Object.assign({}, cell, { row: cell.row - 1, column: cell.column - 1 }))
  const [rows, columns] = [table.rows - 1, table.columns - 1]
  const content = { rows, columns, headerRows: guessHeaderRows(cells, rows, columns), cells }
  return { ...block, table: content, text: tableMarkdown(content) }
}
