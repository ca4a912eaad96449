// Cleans the text of an item: markup that is not structure, tables of contents, repetition, stray whitespace. The wording stays.
import { cleanText } from './text.ts'

export type Normalised = { text: string; /** What was taken out, as counts by kind. */ removed: Record<string, number> }

const ENTITIES: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  middot: '·',
}
const TAG = /<\/?[a-z][a-z0-9-]*(?:\s[^<>]*)?\/?>/gi
const BLOCK_TAG = /<\/?(?:p|div|br|li|ul|ol|tr|table|section|article|blockquote|pre|hr|h[1-6])(?:\s[^<>]*)?\/?>/gi
/** `1.2 Title ........ 7`, and the entries of a linked list of contents. */
const CONTENTS_LINE = /^\s*(?:\[toc\]|.{1,120}?(?:\.{4,}|…{2,}|·{4,})\s*\d{1,4}|[-*+]\s*\[[^\]]+\]\(#[^)]*\))\s*$/i
const CONTENTS_HEADING = /^\s*#{0,6}\s*(?:目录|目錄|table of contents|contents)\s*$/i

export function normaliseItem(raw: string): Normalised {
  const removed: Record<string, number> = {}
  const count = (kind: string, by = 1): void => void (removed[kind] = (removed[kind] ?? 0) + by)
  let text = cleanText(raw)
  text = text.replace(/<!--[\s\S]*?-->|<(script|style)\b[\s\S]*?<\/\1\s*>/gi, () => (count('hidden'), ' '))
  if (TAG.test(text)) text = withoutTags(text, count)
  text = text.replace(/([=\-_*~#!！。.·])\1{9,}/g, (_run, mark: string) => (count('run'), mark.repeat(3)))
  const lines = text.split('\n').map((line) => line.replace(/[^\S\n]+/g, ' ').trimEnd())
  const kept = withoutRepeats(withoutContents(lines, count), count)
  return {
    text: kept
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim(),
    removed,
  }
}

function withoutTags(text: string, count: (kind: string, by?: number) => void): string {
  TAG.lastIndex = 0
  count('tag', text.match(TAG)?.length ?? 0)
  return text
    .replace(/<h([1-6])(?:\s[^<>]*)?>/gi, (_tag, level: string) => `\n${'#'.repeat(Number(level))} `)
    .replace(/<li(?:\s[^<>]*)?>/gi, '\n- ')
    .replace(BLOCK_TAG, '\n')
    .replace(TAG, '')
    .replace(/&(?:#(\d{1,6})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal?: string, hex?: string, name?: string) => {
      if (name !== undefined) return (Object.hasOwn(ENTITIES, name.toLowerCase()) ? ENTITIES[name.toLowerCase()] : undefined) ?? whole
      const code = Number.parseInt(decimal ?? hex ?? '', decimal === undefined ? 16 : 10)
      return code > 31 && code < 0x110000 ? cleanText(String.fromCodePoint(code)) : ' '
    })
}

function withoutContents(lines: readonly string[], count: (kind: string, by?: number) => void): string[] {
  const isEntry = lines.map((line) => CONTENTS_LINE.test(line))
  return lines.filter((line, index) => {
    const next = isEntry.slice(index + 1, index + 3).some(Boolean)
    const drop = isEntry[index] === true || (CONTENTS_HEADING.test(line) && next)
    if (drop) count('contents')
    return !drop
  })
}

/** Shorter lines may repeat for good reasons: a separator, an empty list mark. */
const LEAST_REPEATED = 12

/** A line that stands there again, word for word, is boilerplate of a copied page or a slip. Table rows stay. */
function withoutRepeats(lines: readonly string[], count: (kind: string, by?: number) => void): string[] {
  const seen = new Set<string>()
  return lines.filter((line) => {
    const key = line.trim()
    if (key.length < LEAST_REPEATED || key.startsWith('|')) return true
    if (seen.has(key)) {
      count('repeat')
      return false
    }
    seen.add(key)
    return true
  })
}
