// JSON: known shapes of curriculum knowledge as such, anything else as readable lines of key path and value, lists of flat objects as tables.
import type { ParsedDocument } from '../core/blocks.ts'
import { readKnowledgeJson } from '../core/curriculum.ts'
import { readReadyDocument } from '../core/ready-document.ts'
import type { FormatContext, FormatParser } from './format.ts'
import { unreadable } from './format.ts'
import { decodeText } from './encoding.ts'
import { tableFromRows } from './table.ts'
import { createWriter, type Writer } from './writer.ts'

type Flat = Record<string, string | number | boolean | null>

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isScalar = (value: unknown): value is string | number | boolean | null =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value)

/** A list of at least two flat objects with mostly the same keys reads best as a table. */
function asTable(value: unknown): Flat[] | undefined {
  if (!Array.isArray(value) || value.length < 2) return undefined
  const rows = value.filter((row): row is Flat => isObject(row) && Object.values(row).every(isScalar))
  if (rows.length < value.length) return undefined
  const keys = new Set(rows.flatMap((row) => Object.keys(row)))
  return keys.size <= 60 && rows.every((row) => Object.keys(row).length * 2 >= keys.size) ? rows : undefined
}

function writeTable(writer: Writer, rows: readonly Flat[]): void {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const body = rows.map((row) => keys.map((key) => ({ text: row[key] === null || row[key] === undefined ? '' : String(row[key]) })))
  writer.table(tableFromRows([keys.map((text) => ({ text })), ...body], 1))
}

/** Iterative: the nesting is the file's choice. Consecutive scalars of one object become one paragraph of `key path: value` lines. */
function writeValue(writer: Writer, root: unknown, context: FormatContext): void {
  const open: { value: unknown; path: string[] }[] = [{ value: root, path: [] }]
  let lines: string[] = []
  let parent = ''
  const flush = (): void => {
    writer.text('paragraph', lines.join('\n'))
    lines = []
  }
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, path } = next
    if (path.length > context.limits.depth)
      throw unreadable(`The file is refused: its values are nested more than ${context.limits.depth} levels deep.`)
    const rows = asTable(value)
    if (isScalar(value)) {
      const group = path.slice(0, -1).join(' › ')
      if (group !== parent) flush()
      parent = group
      if (value !== null && value !== '') lines.push(path.length === 0 ? String(value) : `${path.join(' › ')}: ${String(value)}`)
    } else if (rows !== undefined) {
      flush()
      if (path.length > 0) writer.text('paragraph', `${path.join(' › ')}:`)
      writeTable(writer, rows)
    } else {
      const entries = Array.isArray(value)
        ? value.map((entry, index): [string, unknown] => [String(index + 1), entry])
        : Object.entries(value ?? {})
      for (const [key, inner] of entries.toReversed()) open.push({ value: inner, path: [...path, key] })
    }
  }
  flush()
}

/** One value, or one value a line. */
function readValues(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    if (lines.length < 2) throw unreadable('The file is damaged: it is not valid JSON.', error)
    try {
      return lines.map((line): unknown => JSON.parse(line))
    } catch {
      throw unreadable('The file is damaged: it is not valid JSON.', error)
    }
  }
}

export const parseReady: FormatParser = async (bytes) => readReadyDocument(readValues(decodeText(bytes).text))

export const parseJson: FormatParser = (bytes, context) => {
  const value = readValues(decodeText(bytes).text.trim() || 'null')
  const known: ParsedDocument | undefined = readKnowledgeJson(value, context.fileName)
  if (known !== undefined) return Promise.resolve(known)
  const writer = createWriter(context)
  writer.warn('The file has no shape of knowledge points or rubrics that is known; it was read as text.')
  writeValue(writer, value, context)
  if (writer.isEmpty()) throw unreadable('The document is empty: it holds no text.')
  return Promise.resolve(writer.finish({ title: isObject(value) && typeof value['title'] === 'string' ? value['title'] : undefined }))
}
