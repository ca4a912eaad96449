// Lines of a whole PDF → headings, paragraphs and lists: what repeats on every page is dropped, typography makes headings, broken lines are joined.
import { numberedHeading } from './text.ts'
import { joint, type Line } from './pdf-lines.ts'

export type FlowBlock =
  | { kind: 'heading'; level: number; text: string; lines: Line[] }
  | { kind: 'paragraph' | 'list' | 'note'; text: string; lines: Line[] }

export type Typography = { size: number; leading: number; bold: boolean; headingSizes: number[] }

const round = (size: number): number => Math.round(size * 2) / 2

function mostFrequent(weights: ReadonlyMap<number, number>): number {
  return [...weights].reduce((best, entry) => (entry[1] > best[1] ? entry : best), [0, 0])[0]
}

/** The size, line distance and weight of most characters, and the larger sizes that headings use, largest first. */
export function typographyOf(lines: readonly Line[]): Typography {
  const sizes = new Map<number, number>()
  const leadings = new Map<number, number>()
  let boldCharacters = 0
  let characters = 0
  lines.forEach((line, index) => {
    sizes.set(round(line.size), (sizes.get(round(line.size)) ?? 0) + line.text.length)
    characters += line.text.length
    if (line.bold) boldCharacters += line.text.length
    const before = lines[index - 1]
    if (before === undefined || before.region !== line.region || round(before.size) !== round(line.size)) return
    const distance = round(line.baseline - before.baseline)
    if (distance > 0 && distance < line.size * 3) leadings.set(distance, (leadings.get(distance) ?? 0) + 1)
  })
  const size = mostFrequent(sizes)
  const larger = [...sizes.keys()].filter((candidate) => candidate >= size * 1.12).toSorted((a, b) => b - a)
  return { size, leading: mostFrequent(leadings) || size * 1.3, bold: boldCharacters > characters / 2, headingSizes: larger.slice(0, 6) }
}

/** Margin, as a share of the page's height, in which running titles and page numbers stand. */
const MARGIN = 0.1
const PAGE_NUMBER =
  /^[-–—•·\s|[(]*(?:第\s*)?(?:page\s*|p\.\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*[页頁])?(?:\s*(?:\/|of|,|共|，)\s*(?:共\s*)?\d{1,4}\s*[页頁]?)?[-–—•·\s|\])]*$/i

/** Equal apart from numbers, and at the same height: the key of what repeats. */
const repeatKey = (line: Line): string => `${line.text.replace(/\d+/g, '#').replace(/\s+/g, ' ').trim()}@${Math.round(line.baseline / 6)}`

/**
 * Leaves out running titles, footers and page numbers: lines in the margins that return on at least three pages and on a third of all,
 * and bare page numbers at the very edge.
 */
export function withoutMargins(lines: readonly Line[], heights: readonly number[]): Line[] {
  const pages = new Map<string, Set<number>>()
  const inMargin = (line: Line): boolean => {
    const height = heights[line.page - 1] ?? 842
    return line.bottom < height * MARGIN || line.top > height * (1 - MARGIN)
  }
  for (const line of lines) {
    if (!inMargin(line)) continue
    const key = repeatKey(line)
    pages.set(key, (pages.get(key) ?? new Set<number>()).add(line.page))
  }
  const needed = Math.max(3, heights.length / 3)
  const alternating = Math.max(3, heights.length / 4)
  return lines.filter((line) => {
    if (!inMargin(line)) return true
    const count = pages.get(repeatKey(line))?.size ?? 0
    return !(count >= needed || (count >= alternating && heights.length >= 6) || (heights.length > 1 && PAGE_NUMBER.test(line.text)))
  })
}

const BULLET = /^(?:[•·▪●○■□◆◇►▶–—*-]|[\u{f0b7}\u{f0a7}])\s+/u
const NUMBER =
  /^(?:\d{1,3}[.)、．]|[（(](?:\d{1,2}|[a-z]|[ivx]{1,4}|[一二三四五六七八九十]{1,3})[)）]|[a-zA-Z][.)]|[①-⑳]|[一二三四五六七八九十]{1,3}、)\s*(?=\S)/

const isListStart = (text: string): boolean => BULLET.test(text) || NUMBER.test(text)

/** Section numbers of Chinese and Western teaching material; used together with bold or large type. */
const SECTION_NUMBER =
  /^(?:\d{1,2}(?:\.\d{1,2}){0,3}[.、\s]\s*\S|[一二三四五六七八九十]{1,3}[、.．]|第[一二三四五六七八九十百\d]+[章节節课課]|附录|附錄|Chapter\b|Section\b|Appendix\b)/

export type HeadingOf = (line: Line) => number | undefined

/** @param outline level by normalised text, from the PDF's own outline. */
export function headingRule(typography: Typography, outline: ReadonlyMap<string, number>): HeadingOf {
  return (line) => {
    const text = line.text.trim()
    const fromOutline = outline.get(outlineKey(text))
    if (fromOutline !== undefined && line.size >= typography.size * 0.95) return fromOutline
    if (text.length > 120 || !/[\p{L}\p{N}]/u.test(text) || /[。；;,，、]$/.test(text)) return undefined
    const bySize = typography.headingSizes.findIndex((size) => round(line.size) >= size)
    if (bySize !== -1) return bySize + 1
    const depth = typography.headingSizes.length
    if (
      line.bold &&
      !typography.bold &&
      text.length <= 60 &&
      line.segments.length === 1 &&
      (SECTION_NUMBER.test(text) || !/[.。!?！？:：]$/.test(text))
    )
      return Math.min(6, depth + 1)
    return line.segments.length === 1 && line.size >= typography.size ? numberedHeading(text) : undefined
  }
}

export const outlineKey = (text: string): string => text.replace(/[\s\u3000.·…]+/g, '').toLowerCase()

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

/** Whether `line` goes on with the paragraph that ends with `before`. */
function continues(before: Line, line: Line, edges: ReadonlyMap<number, Edges>, typography: Typography): boolean {
  if (Math.abs(before.size - line.size) > 0.1 * before.size || isListStart(line.text)) return false
  const own = edges.get(line.region) ?? line
  const ownBefore = edges.get(before.region) ?? before
  const indented = line.left > own.left + line.size * 1.2
  const columnWidth = ownBefore.right - ownBefore.left
  const room = ownBefore.right - before.right
  const endsShort = room > before.size * 2.5 && (ENDS_SENTENCE.test(before.text) || room > columnWidth * 0.35)
  if (before.region !== line.region)
    return !ENDS_SENTENCE.test(before.text) && !indented && room < before.size * 2.5 && line.page - before.page <= 1
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
    if (/\p{L}[-\u2010]$/u.test(text) && /^\p{Ll}/u.test(next)) text = text.slice(0, -1) + next
    else text += (text === '' ? '' : joint(text, next)) + next
  }
  return text
}

const samePlace = (before: Line | undefined, line: Line): boolean =>
  before !== undefined && before.region === line.region && line.baseline - before.baseline < line.size * 2

/** Blocks in reading order. */
export function flowBlocks(lines: readonly Line[], typography: Typography, headingOf: HeadingOf): FlowBlock[] {
  const edges = edgesOf(lines)
  const blocks: FlowBlock[] = []
  for (const line of lines) {
    const last = blocks.at(-1)
    const before = last?.lines.at(-1)
    const level = headingOf(line)
    if (level !== undefined && (!isListStart(line.text) || SECTION_NUMBER.test(line.text))) {
      if (
        last?.kind === 'heading' &&
        last.level === level &&
        samePlace(before, line) &&
        round(before?.size ?? 0) === round(line.size) &&
        !SECTION_NUMBER.test(line.text)
      )
        append(last, line)
      else blocks.push({ kind: 'heading', level, text: line.text.trim(), lines: [line] })
    } else if (isListStart(line.text)) {
      if (last?.kind === 'list' && before !== undefined && line.page - before.page <= 1) {
        last.text += `\n${listLine(line.text)}`
        last.lines.push(line)
      } else blocks.push({ kind: 'list', text: listLine(line.text), lines: [line] })
    } else if (last !== undefined && last.kind !== 'heading' && before !== undefined && goesOn(last, before, line, edges, typography))
      append(last, line)
    else blocks.push({ kind: 'paragraph', text: line.text.trim(), lines: [line] })
  }
  return blocks
}

/** The lines of a list item hang under its text, not under its mark. */
function goesOn(block: FlowBlock, before: Line, line: Line, edges: ReadonlyMap<number, Edges>, typography: Typography): boolean {
  if (block.kind !== 'list') return continues(before, line, edges, typography)
  const start = block.lines.findLast((candidate) => isListStart(candidate.text)) ?? before
  const hangs =
    before.region === line.region && line.left > start.left + line.size * 0.5 && line.baseline - before.baseline < typography.leading * 1.45
  return hangs || (continues(before, line, edges, typography) && Math.abs(line.left - start.left) < line.size * 3)
}

function append(block: FlowBlock, line: Line): void {
  const lines = block.text.split('\n')
  const last = lines.pop() ?? ''
  block.text = [...lines, joinLines([last, line.text])].join('\n')
  block.lines.push(line)
}

const listLine = (text: string): string => text.trim().replace(BULLET, '- ')
