// A text of a chunk or an answer in blocks, by the part of Markdown that parsers and models really write.

export type TextBlock =
  | { kind: 'heading'; level: number; text: string }
  | { kind: 'paragraph'; text: string }
  | { kind: 'list'; ordered: boolean; entries: string[] }
  | { kind: 'table'; header: string[]; rows: string[][] }
  | { kind: 'code'; text: string }
  | { kind: 'formula'; tex: string }

const FENCE = /^\s*(?:```|~~~)/
const HEADING = /^(#{1,6})\s+(.+?)\s*#*$/
const ENTRY = /^\s*(?:[-*•]|(\d{1,3})[.)、])\s+(.*)$/
const ROW = /^\s*\|(.*)\|\s*$/
const RULE = /^\s*\|?[\s:|-]*-{2,}[\s:|-]*$/

type Reader = { lines: string[]; at: number }

export function blocks(text: string): TextBlock[] {
  const reader: Reader = { lines: text.split(/\r?\n/), at: 0 }
  const found: TextBlock[] = []
  while (reader.at < reader.lines.length) {
    const block = code(reader) ?? formula(reader) ?? heading(reader) ?? table(reader) ?? list(reader) ?? paragraph(reader)
    if (block !== undefined) found.push(block)
  }
  return found
}

const line = (reader: Reader): string => reader.lines[reader.at] ?? ''

function code(reader: Reader): TextBlock | undefined {
  if (!FENCE.test(line(reader))) return undefined
  const from = ++reader.at
  while (reader.at < reader.lines.length && !FENCE.test(line(reader))) reader.at += 1
  return { kind: 'code', text: reader.lines.slice(from, reader.at++).join('\n') }
}

/** `$$` on a line of its own, up to the next one; an unclosed one is ordinary text. */
function formula(reader: Reader): TextBlock | undefined {
  if (line(reader).trim() !== '$$') return undefined
  const end = reader.lines.findIndex((other, at) => at > reader.at && other.trim() === '$$')
  if (end === -1) return undefined
  const tex = reader.lines.slice(reader.at + 1, end).join('\n')
  reader.at = end + 1
  return { kind: 'formula', tex }
}

function heading(reader: Reader): TextBlock | undefined {
  const match = HEADING.exec(line(reader))
  if (match === null) return undefined
  reader.at += 1
  return { kind: 'heading', level: match[1]?.length ?? 1, text: match[2] ?? '' }
}

/** Rows between bars with a rule under the first; cells keep escaped bars. */
function table(reader: Reader): TextBlock | undefined {
  if (!ROW.test(line(reader)) || !RULE.test(reader.lines[reader.at + 1] ?? '')) return undefined
  const header = cells(line(reader))
  const rows: string[][] = []
  for (reader.at += 2; ROW.test(line(reader)); reader.at += 1) rows.push(cells(line(reader)))
  return { kind: 'table', header, rows }
}

const cells = (row: string): string[] =>
  (ROW.exec(row)?.[1] ?? '').split(/(?<!\\)\|/).map((cell) =>
    cell
      .replaceAll('\\|', '|')
      .replaceAll(/<br\s*\/?>/gi, '\n')
      .trim(),
  )

function list(reader: Reader): TextBlock | undefined {
  const first = ENTRY.exec(line(reader))
  if (first === null) return undefined
  const ordered = first[1] !== undefined
  const entries: string[] = []
  for (
    let match = first as RegExpExecArray | null;
    match !== null && (match[1] !== undefined) === ordered;
    match = ENTRY.exec(line(reader))
  ) {
    entries.push(match[2] ?? '')
    reader.at += 1
  }
  return { kind: 'list', ordered, entries }
}

function paragraph(reader: Reader): TextBlock | undefined {
  const from = reader.at
  reader.at += 1
  if ((reader.lines[from] ?? '').trim() === '') return undefined
  while (reader.at < reader.lines.length && !endsParagraph(reader)) reader.at += 1
  return { kind: 'paragraph', text: reader.lines.slice(from, reader.at).join('\n') }
}

function endsParagraph(reader: Reader): boolean {
  const text = line(reader)
  return (
    text.trim() === '' ||
    FENCE.test(text) ||
    HEADING.test(text) ||
    ENTRY.test(text) ||
    text.trim() === '$$' ||
    (ROW.test(text) && RULE.test(reader.lines[reader.at + 1] ?? ''))
  )
}
