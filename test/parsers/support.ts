// What the parser tests share: parsing without a child process, goldens, and encodings that Node can read but not write.
import { readFile } from 'node:fs/promises'
import type { ParsedDocument } from '../../src/core/blocks.ts'
import { DEFAULT_LIMITS, type ParseLimits } from '../../src/parsers/format.ts'
import { parserFor } from '../../src/parsers/registry.ts'
import { sniffMediaType } from '../../src/parsers/sniff.ts'
import { DEFAULT_PARSE_OPTIONS, type ParseOptions } from '../../src/ports/parser.ts'

export const fixture = (name: string): Promise<Buffer> => readFile(new URL(`../../fixtures/documents/${name}`, import.meta.url))

type Overrides = { options?: Partial<ParseOptions>; limits?: Partial<ParseLimits> }

/** Parses in this process, as the child would. */
export async function parseHere(bytes: Uint8Array, fileName: string, overrides: Overrides = {}): Promise<ParsedDocument> {
  const { mediaType, warnings } = sniffMediaType(bytes, fileName)
  const parser = await parserFor(mediaType)
  const options = { ...DEFAULT_PARSE_OPTIONS, ...overrides.options }
  const document = await parser(bytes, {
    fileName,
    mediaType,
    options,
    limits: { ...DEFAULT_LIMITS, ...overrides.limits },
    progress: () => undefined,
  })
  return { ...document, warnings: [...warnings, ...document.warnings] }
}

/** A document as lines that a person can review: type, level, page, headings above, text; tables with their grid. */
export function describe(document: ParsedDocument): string {
  const lines = [
    `title: ${document.title}`,
    `type: ${document.mediaType}`,
    `pages: ${document.pages ?? '-'}`,
    ...document.warnings.map((warning) => `warning: ${warning}`),
  ]
  for (const block of document.blocks) {
    const grid = block.table === undefined ? '' : ` ${block.table.rows}×${block.table.columns}, ${block.table.headerRows} header`
    const page = block.page === undefined ? '' : ` p${block.page}`
    const extra = `${block.asset === undefined ? '' : ' asset'}${block.confidence === undefined ? '' : ' read'}`
    lines.push('', `[${block.type}${block.level ?? ''}${page}${grid}${extra}] ${block.headings.join(' › ')}`, block.text)
    const spans = (block.table?.cells ?? []).filter((cell) => cell.rowSpan * cell.columnSpan > 1)
    for (const cell of spans) lines.push(`  span ${cell.row},${cell.column} ${cell.rowSpan}×${cell.columnSpan}: ${cell.text}`)
  }
  return `${lines.join('\n')}\n`
}

/** Share of a block's characters that OCR may read otherwise on another machine: pictures are scaled by whatever the processor has. */
const MISREAD = 0.02

/** Two `describe`d readings with the same blocks, kinds, places and digits, and in each block nearly the same characters. */
export function isReadAlike(read: string, golden: string): boolean {
  const [blocks, wanted] = [read, golden].map((text) => text.split(/\n(?=\n\[)/))
  if (blocks === undefined || wanted?.length !== blocks.length) return false
  return blocks.every((block, at) => {
    const other = wanted[at] ?? ''
    return skeleton(block) === skeleton(other) && editDistance(block, other) <= MISREAD * other.length
  })
}

/** What must be equal: the line that says what a block is, how many lines it has, and every digit in it. */
const skeleton = (block: string): string =>
  JSON.stringify([/^\s*\[[^\]]*\]/.exec(block)?.[0], block.split('\n').length, block.replace(/\D/g, '')])

/** Insertions, deletions and exchanges that make one of the other (Levenshtein). Cost: O(a · b). */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row]
    for (let at = 1; at <= b.length; at += 1) {
      const exchanged = (above[at - 1] ?? 0) + (a[row - 1] === b[at - 1] ? 0 : 1)
      line.push(Math.min(exchanged, (above[at] ?? 0) + 1, (line[at - 1] ?? 0) + 1))
    }
    above = line
  }
  return above[b.length] ?? 0
}

const tables = new Map<string, Map<string, readonly number[]>>()

/** Encodes by inverting Node's decoder; throws for a character the encoding lacks. */
export function encode(text: string, encoding: 'gbk' | 'big5' | 'utf-16le' | 'utf-16be' | 'windows-1252' | 'shift_jis' | 'euc-kr'): Buffer {
  if (encoding === 'utf-16le') return Buffer.from(text, 'utf16le')
  if (encoding === 'utf-16be') return Buffer.from(text, 'utf16le').swap16()
  const table = tables.get(encoding) ?? inverse(encoding)
  tables.set(encoding, table)
  return Buffer.from(
    Array.from(text).flatMap((character) => {
      const bytes = table.get(character)
      if (bytes === undefined) throw new Error(`${encoding} has no ${character}`)
      return bytes
    }),
  )
}

function inverse(encoding: string): Map<string, readonly number[]> {
  const table = new Map<string, readonly number[]>()
  const decoder = new TextDecoder(encoding)
  const add = (bytes: number[]): void => {
    const character = decoder.decode(Uint8Array.from(bytes))
    if (Array.from(character).length === 1 && character !== '\ufffd' && !table.has(character)) table.set(character, bytes)
  }
  for (let byte = 0; byte < 256; byte += 1) add([byte])
  if (encoding !== 'windows-1252')
    for (let lead = 0x81; lead < 0xff; lead += 1) for (let trail = 0x40; trail < 0xff; trail += 1) add([lead, trail])
  return table
}
