// Plain text: paragraphs by blank lines, or by lines where a text has none; numbered and underlined headings where they are unmistakable.
import type { FormatParser } from './format.ts'
import { unreadable } from './format.ts'
import { decodeText } from './encoding.ts'
import { createWriter, type Writer } from './writer.ts'

/** 第一章 …, 第二節 …, Chapter 3 …, and 1.2 … on a line of its own. */
const NUMBERED: readonly { level: number; pattern: RegExp }[] = [
  {
    level: 1,
    pattern: /^第[一二三四五六七八九十百零〇\d]{1,4}[章編编部](?:[\s:：、].*|)$|^(?:chapter|part|unit)\s+(?:\d+|[ivx]+)\b[^.!?。]*$/i,
  },
  { level: 2, pattern: /^第[一二三四五六七八九十百零〇\d]{1,4}[節节課课](?:[\s:：、].*|)$/ },
]
const MAX_HEADING_LENGTH = 60

/** The heading level of a single line between paragraphs, or undefined. */
export function numberedHeading(line: string): number | undefined {
  if (line.length > MAX_HEADING_LENGTH || /[。！？；，,;]$/.test(line)) return undefined
  return NUMBERED.find(({ pattern }) => pattern.test(line))?.level
}

const hasBlankLines = (text: string): boolean => /\n[^\S\n]*\n/.test(text)

/** Hard-wrapped lines of one paragraph stay lines; they are joined by chunking's white space rules, never guessed at here. */
function writeParagraph(writer: Writer, paragraph: string): void {
  const [first = '', second = '', ...rest] = paragraph.split('\n').map((line) => line.trim())
  const level = numberedHeading(first)
  const latex = /^\$\$([^$]+)\$\$$/.exec(paragraph.trim())?.[1]
  if (/^(?:={3,}|-{3,})$/.test(second) && first !== '' && first.length <= MAX_HEADING_LENGTH) {
    writer.heading(second.startsWith('=') ? 1 : 2, first)
    writer.text('paragraph', rest.join('\n'))
  } else if (level !== undefined) {
    writer.heading(level, first)
    writer.text('paragraph', [second, ...rest].join('\n'))
  } else if (latex !== undefined) writer.equation(latex)
  else writer.text('paragraph', paragraph)
}

export const parseText: FormatParser = (bytes, context) => {
  const { text, encoding } = decodeText(bytes)
  const writer = createWriter(context)
  const zeros = text.split('\0').length - 1
  if (zeros > 0) writer.warn(`${zeros} NUL characters were removed.`)
  const broken = text.split('\ufffd').length - 1
  if (broken > 0) writer.warn(`${broken} characters of the text are damaged and could not be read.`)
  if (encoding === 'windows-1252') writer.warn('The encoding of the text could not be told for certain; it was read as windows-1252.')
  const lines = text.replace(/\r\n?/g, '\n')
  for (const paragraph of lines.split(hasBlankLines(lines) ? /\n[^\S\n]*\n+/ : /\n/)) {
    if (paragraph.trim() !== '') writeParagraph(writer, paragraph)
  }
  if (writer.isEmpty()) throw unreadable('The document is empty: it holds no text.')
  return Promise.resolve(writer.finish({}))
}
