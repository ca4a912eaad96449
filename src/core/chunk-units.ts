// Turns one block into units: the pieces that chunking may separate. Most blocks are one unit; only what is too long becomes several.
import type { Block, TableContent } from './blocks.ts'
import { cutByContent, type Hold } from './chunk-cut.ts'
import { asRow, tableLines } from './chunk-table.ts'
import { splitText } from './chunk-text.ts'
import { hold } from './exam.ts'
import { countTokens, fitsTokens } from './tokens.ts'

export type Unit = {
  text: string
  tokens: number
  /** Ordinal of the block it comes from. */
  block: number
  page: number | undefined
  /** What stands between this unit and the one before it, when both land in one chunk. */
  joint: '' | '\n' | '\n\n'
  hold: Hold
  /** Of a slice of a table: its rows alone, for where the slice before it stands above it in the same chunk and has named the columns. */
  rows?: string
}

/** Tokens of the blank line between two blocks. */
const JOINT_TOKENS = 1

const lines = (text: string): string[] => text.split(/(?<=\n)/)

function wholeUnit(block: Block, ordinal: number, text: string): Unit {
  return { text, tokens: countTokens(text) + JOINT_TOKENS, block: ordinal, page: block.page, joint: '\n\n', hold: hold(text) }
}

/** Units of one block, each at most `maxTokens` except a single equation, which is never split. A long table takes a step for each of its rows. */
export function* blockUnits(block: Block, ordinal: number, maxTokens: number, targetTokens: number): Generator<[], Unit[]> {
  const text = block.text.trim()
  if (text === '') return []
  const limit = maxTokens - JOINT_TOKENS
  const isLong = !fitsTokens(text, limit)
  if (isLong && block.type === 'table' && block.table !== undefined) return yield* tableUnits(block, block.table, ordinal, targetTokens)
  const whole = wholeUnit(block, ordinal, text)
  if (!isLong || block.type === 'equation') return [whole]
  const byLine = block.type === 'list' || block.type === 'code' || block.type === 'table'
  const pieces = (byLine ? lines(text) : [text]).flatMap((piece) => (countTokens(piece) <= limit ? [piece] : splitText(piece, limit)))
  const isList = block.type === 'list'
  return pieces.map((piece, index): Unit => Object.assign(partOf(whole, piece, index), isList ? { hold: hold(piece) } : {}))
}

/**
 * A long table in slices of whole rows; each slice repeats caption and header. Where the header leaves no room, rows are written as
 * `name: value` sentences and split like text, since their cells would lose their names otherwise.
 */
function* tableUnits(block: Block, table: TableContent, ordinal: number, targetTokens: number): Generator<[], Unit[]> {
  const { caption, header, names, cells } = tableLines(table)
  const head = [caption, header].filter((line) => line !== '').join('\n')
  const headTokens = countTokens(head) + JOINT_TOKENS
  const room = targetTokens - headTokens
  const base = wholeUnit(block, ordinal, '')
  const spell = (row: readonly string[]): Unit[] => textUnits(base, spelledRow(names, row), targetTokens)
  if (room < targetTokens / 2)
    return [...textUnits(base, `${caption}\n${names.join('; ')}\n`.trimStart(), targetTokens), ...cells.flatMap(spell)]
  const rows: string[] = []
  const sizes: number[] = []
  for (const texts of cells) {
    const row = asRow(texts)
    rows.push(row)
    sizes.push(countTokens(row) + JOINT_TOKENS)
    yield []
  }
  const units = rows.map((row, index) => ({ size: Math.min(sizes[index] ?? 0, room), anchor: row, hold: 0 as const }))
  const cut: Unit[] = []
  for (const { from, to } of cutByContent(units, { target: room, least: room / 3, most: room })) {
    yield []
    if (to - from === 1 && (sizes[from] ?? 0) > room) {
      cut.push(...spell(cells[from] ?? []))
      continue
    }
    const slice = rows.slice(from, to).join('\n')
    const text = [head, slice].filter((line) => line !== '').join('\n')
    cut.push({ ...base, text, tokens: countTokens(text) + JOINT_TOKENS, rows: slice })
  }
  return cut
}

function spelledRow(names: readonly string[], row: readonly string[]): string {
  const named = row.map((text, column) => (names[column] === undefined || names[column] === '' ? text : `${names[column]}: ${text}`))
  return `${named.filter((_, column) => (row[column] ?? '').trim() !== '').join('; ')}\n`
}

function textUnits(base: Unit, text: string, maxTokens: number): Unit[] {
  return splitText(text, maxTokens).map((piece, index) => partOf(base, piece, index))
}

function partOf(whole: Unit, text: string, index: number): Unit {
  return { ...whole, text, tokens: countTokens(text), joint: index === 0 ? '\n\n' : '', hold: index === 0 ? whole.hold : 0 }
}
