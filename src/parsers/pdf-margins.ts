// What stands in the margins of a PDF: running titles and page numbers are dropped, footnotes are set apart.
import type { Line } from './pdf-pieces.ts'

/** Margin, as a share of the page's height, in which running titles and page numbers stand. */
const MARGIN = 0.1
const LARGE = 1.12
const PAGE_NUMBER =
  /^[-–—•·\s|[(]*(?:第\s*)?(?:page\s*|p\.\s*)?(?:\d{1,4}|[ivxlc]{1,6})(?:\s*[页頁])?(?:\s*(?:\/|of|,|共|，)\s*(?:共\s*)?\d{1,4}\s*[页頁]?)?[-–—•·\s|\])]*$/i

/** Equal apart from numbers, and at the same height: the key of what repeats. Over two pages, "Question 1" and "Question 2" are no title. */
const repeatKey = (line: Line, isTelling: boolean): string =>
  `${line.object?.kind ?? ''}${(isTelling ? line.text.replace(/\d+/g, '#') : line.text).replace(/\s+/g, ' ').trim()}@${Math.round(line.baseline / 6)}`

/** Bare numbers in large type begin chapters; these do not. */
const TELLING_PAGE_NUMBER = /page|第|[页頁]|\bof\b|\//i

/**
 * Leaves out running titles, footers, logos and page numbers: what returns in the margins on at least three pages and on a third of all
 * (a quarter in long documents, where left and right pages differ), or on both of two, and page numbers at the very edge. Tables always
 * stay, and so do lines larger than the running text of `size` that are not the same to the letter: every chapter may begin with its
 * number at the top of a page.
 */
export function withoutMargins(lines: readonly Line[], heights: readonly number[], size: number): Line[] {
  const pages = new Map<string, Set<number>>()
  const isLarge = (line: Line): boolean => line.object === undefined && line.size >= size * LARGE
  const keyOf = (line: Line): string => repeatKey(line, heights.length > 2 && !isLarge(line))
  const inMargin = (line: Line): boolean => {
    const height = heights[line.page - 1] ?? 842
    return line.object?.kind !== 'table' && (line.turned === true || line.bottom < height * MARGIN || line.top > height * (1 - MARGIN))
  }
  for (const line of lines) {
    if (!inMargin(line)) continue
    const key = keyOf(line)
    pages.set(key, (pages.get(key) ?? new Set<number>()).add(line.page))
  }
  const needed = heights.length === 2 ? 2 : Math.max(3, heights.length / (heights.length >= 12 ? 4 : 3))
  const isPageNumber = (line: Line): boolean =>
    line.object === undefined && PAGE_NUMBER.test(line.text) && (!isLarge(line) || TELLING_PAGE_NUMBER.test(line.text))
  return lines.filter((line) => {
    if (!inMargin(line)) return true
    const repeats = (pages.get(keyOf(line))?.size ?? 0) >= needed
    return !repeats && !(heights.length > 1 && isPageNumber(line))
  })
}

/** A mark and words after it; bare numbers are labels of an axis, not notes. */
const NOTE_MARK = /^(?:\[?\d{1,3}\]?|[*†‡§※①-⑳])[\s.)、]?\s*[\p{L}“‘《(（].{3}/u

/**
 * Parts footnotes from the text: at the foot of a page, lines clearly smaller than the text of which the first carries a mark.
 * @returns the other lines, and by page the lines of its notes.
 */
export function splitNotes(lines: readonly Line[], size: number, heights: readonly number[]): { body: Line[]; notes: Map<number, Line[]> } {
  const byPage = Map.groupBy(lines, (line) => line.page)
  const notes = new Map<number, Line[]>()
  for (const [page, own] of byPage) {
    const height = heights[page - 1] ?? 842
    const isSmall = (line: Line): boolean => line.object === undefined && line.size <= size * 0.93 && line.top > height * 0.55
    const foot = own.toSorted((a, b) => a.baseline - b.baseline)
    const from = foot.findLastIndex((line) => !isSmall(line)) + 1
    const start = foot.findIndex((line, index) => index >= from && NOTE_MARK.test(line.text))
    if (start !== -1) notes.set(page, foot.slice(start))
  }
  const taken = new Set([...notes.values()].flat())
  return { body: lines.filter((line) => !taken.has(line)), notes }
}

/** The lines of one page's footnotes, grouped: a mark begins a new one. */
export function noteGroups(lines: readonly Line[]): Line[][] {
  const groups: Line[][] = []
  for (const line of lines) {
    const last = groups.at(-1)
    if (last === undefined || NOTE_MARK.test(line.text)) groups.push([line])
    else last.push(line)
  }
  return groups
}
