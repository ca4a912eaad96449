// Lines of a whole PDF → headings, paragraphs, lists, tables, pictures and notes, in reading order and with broken lines joined.
import type { TableContent } from '../core/blocks.ts'
import { guessHeaderRows } from './table.ts'
import { noteGroups } from './pdf-margins.ts'
import { joint, type Line, type PageObject, partsOf } from './pdf-pieces.ts'
import { type HeadingOf, roundSize, SECTION_NUMBER, type Typography } from './pdf-typography.ts'

export type FlowBlock =
  | { kind: 'heading'; level: number; text: string; lines: Line[] }
  | { kind: 'paragraph' | 'list' | 'note'; text: string; lines: Line[] }
  | { kind: 'object'; object: PageObject; text: string; lines: Line[] }

/** A block being built: the lines of each item stay apart until all are there, since joining as they come is quadratic. */
type Draft = { kind: FlowBlock['kind']; level: number; object: PageObject | undefined; items: string[][]; lines: Line[] }

const BULLET = /^(?:[•·▪●○■□◆◇►▶–—*-]|[\u{f0b7}\u{f0a7}])\s+/u
const NUMBER =
  /^(?:\d{1,3}[.)、．]|[（(](?:\d{1,2}|[a-z]|[ivx]{1,4}|[一二三四五六七八九十]{1,3})[)）]|[a-zA-Z][.)]|[①-⑳]|[一二三四五六七八九十]{1,3}、)\s*(?=\S)/

/** A bare number, set apart from its text by this gap in ems, numbers an item or question. */
const NUMBER_GAP = 0.9

function isListStart(line: Line): boolean {
  if (BULLET.test(line.text) || NUMBER.test(line.text)) return true
  const [mark, text] = line.segments.slice(0, 2).flatMap(partsOf)
  return (
    mark !== undefined &&
    text !== undefined &&
    /^\d{1,2}$/.test(mark.text.trim()) &&
    /^[\p{L}“‘《（(]/u.test(text.text.trim()) &&
    text.left - mark.right >= line.size * NUMBER_GAP
  )
}

type Edges = { left: number; right: number }

function edgesOf(lines: readonly Line[]): Map<number, Edges> {
  const edges = new Map<number, Edges>()
  for (const line of lines) {
    const known = edges.get(line.region)
    edges.set(line.region, { left: Math.min(known?.left ?? line.left, line.left), right: Math.max(known?.right ?? line.right, line.right) })
  }
  return edges
}

const ENDS_SENTENCE = /[。！？.!?：:；;…][”’」』"')）】]*$/

const isRightToLeft = (text: string): boolean => (text.match(/[\u0590-\u08ff]/g)?.length ?? 0) * 2 > text.length
const mirrored = (line: Line): Line => ({ ...line, text: line.text.replace(/[\u0590-\u08ff]/g, 'x'), left: -line.right, right: -line.left })
const mirroredEdges = (edges: ReadonlyMap<number, Edges>): Map<number, Edges> =>
  new Map([...edges].map(([region, { left, right }]) => [region, { left: -right, right: -left }]))

/** Whether `line` goes on with the paragraph that ends with `before`. */
function continues(before: Line, line: Line, edges: ReadonlyMap<number, Edges>, typography: Typography): boolean {
  // OCR only guesses at sizes.
  const tolerance = before.confidence === undefined ? 0.1 : 0.35
  if (Math.abs(before.size - line.size) > tolerance * before.size || isListStart(line)) return false
  if (isRightToLeft(before.text) && isRightToLeft(line.text))
    return continues(mirrored(before), mirrored(line), mirroredEdges(edges), typography)
  const own = edges.get(line.region) ?? line
  const ownBefore = edges.get(before.region) ?? before
  const indented = line.left > own.left + line.size * 1.2
  const columnWidth = ownBefore.right - ownBefore.left
  const room = ownBefore.right - before.right
  const endsShort = room > before.size * 2.5 && (ENDS_SENTENCE.test(before.text) || room > columnWidth * 0.35)
  if (before.region !== line.region) {
    const isFull = room < before.size * 2.5 || (room < columnWidth * 0.3 && /^\p{Ll}/u.test(line.text.trim()))
    return !ENDS_SENTENCE.test(before.text) && !indented && isFull && line.page - before.page <= 1
  }
  const distance = line.baseline - before.baseline
  const normal = Math.max(typography.leading * (line.size / typography.size), line.size * 1.15)
  if (distance > normal * 1.45 || distance < 0) return false
  const beforeIndented = before.left > own.left + before.size * 1.2
  return !endsShort && !(indented && !beforeIndented)
}

/** Joins the lines of one paragraph: a hyphen at the end of a line goes when the word goes on in lower case. */
export function joinLines(lines: readonly string[]): string {
  let text = ''
  for (const line of lines) {
    const next = line.trim()
    if (/\p{L}[-\u2010]$/u.test(text.slice(-3)) && /^\p{Ll}/u.test(next)) text = text.slice(0, -1) + next
    else text += (text === '' ? '' : joint(text, next)) + next
  }
  return text
}

const samePlace = (before: Line | undefined, line: Line): boolean =>
  before !== undefined && before.region === line.region && line.baseline - before.baseline < line.size * 2

const CAPTION = /^(?:图|圖|表|Figure|Fig\.|Table)\s*[\d一二三四五六七八九十]/i

/** Blocks in reading order; footnotes stand after the other blocks of their page. */
export function flowBlocks(
  lines: readonly Line[],
  notes: ReadonlyMap<number, Line[]>,
  typography: Typography,
  headingOf: HeadingOf,
): FlowBlock[] {
  const edges = edgesOf(lines)
  const drafts: Draft[] = []
  for (const line of lines) {
    const last = drafts.at(-1)
    const before = last?.lines.at(-1)
    const level = headingOf(line)
    if (line.object !== undefined) addObject(drafts, line, withCaption(drafts, line, line.object))
    else if (last?.object?.kind === 'image' && CAPTION.test(line.text) && line.page === before?.page) append(last, line)
    else if (level !== undefined && (!isListStart(line) || SECTION_NUMBER.test(line.text))) {
      const goesOnHeading =
        last?.kind === 'heading' && last.level === level && samePlace(before, line) && roundSize(before?.size ?? 0) === roundSize(line.size)
      if (goesOnHeading && !SECTION_NUMBER.test(line.text)) append(last, line)
      else drafts.push(begin('heading', line, level))
    } else if (isListStart(line)) {
      if (last?.kind === 'list' && before !== undefined && line.page - before.page <= 1) {
        last.items.push([listLine(line.text)])
        last.lines.push(line)
      } else drafts.push(begin('list', line))
    } else if (last !== undefined && before !== undefined && goesOn(last, before, line, edges, typography)) append(last, line)
    else drafts.push(begin('paragraph', line))
  }
  return withNotes(drafts.map(finished), notes)
}

function begin(kind: 'heading' | 'paragraph' | 'list', line: Line, level = 0): Draft {
  return { kind, level, object: undefined, items: [[kind === 'list' ? listLine(line.text) : line.text]], lines: [line] }
}

function append(draft: Draft, line: Line): void {
  const item = draft.items.at(-1)
  if (item === undefined) draft.items.push([line.text])
  else item.push(line.text)
  draft.lines.push(line)
}

function finished({ kind, level, object, items, lines }: Draft): FlowBlock {
  const text = items.map(joinLines).join('\n')
  if (kind === 'heading') return { kind, level, text, lines }
  if (object !== undefined)
    return {
      kind: 'object',
      object,
      text: [text, object.kind === 'image' ? object.text : ''].filter((part) => part !== '').join('\n'),
      lines,
    }
  return { kind: kind === 'object' ? 'paragraph' : kind, text, lines }
}

/** The lines of a list item hang under its text, not under its mark. */
function goesOn(block: Draft, before: Line, line: Line, edges: ReadonlyMap<number, Edges>, typography: Typography): boolean {
  if (block.kind === 'heading' || block.kind === 'object') return false
  if (block.kind !== 'list') return continues(before, line, edges, typography)
  const start = block.lines.findLast((candidate) => isListStart(candidate)) ?? before
  const hangs =
    before.region === line.region && line.left > start.left + line.size * 0.5 && line.baseline - before.baseline < typography.leading * 1.45
  return hangs || (continues(before, line, edges, typography) && Math.abs(line.left - start.left) < line.size * 3)
}

const TABLE_CAPTION = /^(?:表|Table)\s*[\d一二三四五六七八九十]/i
const MAX_CAPTION_LENGTH = 160

/** The line above a table that names it goes into the table. */
function withCaption(drafts: Draft[], line: Line, object: PageObject): PageObject {
  const last = drafts.at(-1)
  const above = last?.lines.at(-1)
  if (object.kind !== 'table' || last === undefined || above === undefined || object.table.caption !== undefined) return object
  const text = joinLines(last.items.flat())
  const isCaption = (last.kind === 'paragraph' || last.kind === 'heading') && TABLE_CAPTION.test(text) && text.length <= MAX_CAPTION_LENGTH
  if (!isCaption || above.page !== line.page || line.top - above.bottom > above.size * 2) return object
  drafts.pop()
  return { ...object, table: { ...object.table, caption: text } }
}

/** A table at the top of a page with the columns of the one that ended the page before goes on with it and gets its header. */
function addObject(drafts: Draft[], line: Line, object: PageObject): void {
  const last = drafts.at(-1)
  const before = last?.object?.kind === 'table' ? last.object : undefined
  const goesOnTable =
    object.kind === 'table' &&
    before !== undefined &&
    line.page - (last?.lines[0]?.page ?? 0) === 1 &&
    before.columns.length === object.columns.length &&
    before.columns.every((left, index) => Math.abs(left - (object.columns[index] ?? 0)) < 6)
  if (goesOnTable && before.table.headerRows === 0) before.table = withLateHeader(before.table, object.table)
  const shown: PageObject = goesOnTable ? { ...object, table: withHeaderOf(before.table, object.table) } : object
  // Where nothing but the header stood before the end of the page, it is told once.
  if (goesOnTable && before.table.headerRows === before.table.rows) drafts.pop()
  drafts.push({ kind: 'object', level: 0, object: shown, items: [], lines: [line] })
}

const rowText = (table: TableContent, row: number): string =>
  table.cells
    .filter((cell) => cell.row === row)
    .map((cell) => `${cell.column}:${cell.text}`)
    .join('|')

/** So few rows stand before the page ends that only those of the next page tell what the first ones are. */
function withLateHeader(first: TableContent, next: TableContent): TableContent {
  const cells = [...first.cells, ...next.cells.map((cell) => Object.assign({}, cell, { row: cell.row + first.rows }))]
  const headerRows = Math.min(first.rows, guessHeaderRows(cells, first.rows + next.rows, first.columns))
  return { ...first, headerRows }
}

function withHeaderOf(first: TableContent, next: TableContent): TableContent {
  const rows = first.headerRows
  if (rows === 0 || first.columns !== next.columns) return next
  const repeats = Array.from({ length: rows }, (_, row) => rowText(first, row) === rowText(next, row)).every(Boolean)
  if (repeats) return { ...next, headerRows: rows }
  const header = first.cells.filter((cell) => cell.row < rows)
  const body = next.cells.map((cell) => Object.assign({}, cell, { row: cell.row + rows }))
  return { rows: next.rows + rows, columns: next.columns, headerRows: rows, cells: [...header, ...body] }
}

function withNotes(blocks: readonly FlowBlock[], notes: ReadonlyMap<number, Line[]>): FlowBlock[] {
  const result: FlowBlock[] = []
  const open = [...notes].toSorted(([a], [b]) => a - b)
  const flush = (beforePage: number): void => {
    while ((open[0]?.[0] ?? Infinity) < beforePage) {
      for (const group of noteGroups(open.shift()?.[1] ?? []))
        result.push({ kind: 'note', text: joinLines(group.map((line) => line.text)), lines: group })
    }
  }
  for (const block of blocks) {
    flush(block.lines[0]?.page ?? 0)
    result.push(block)
  }
  flush(Infinity)
  return result
}

const listLine = (text: string): string => text.trim().replace(BULLET, '- ')
