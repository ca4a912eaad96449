// What the type of a PDF says: the size of its running text, and which lines are headings of which level.
import type { Line } from './pdf-pieces.ts'
import { numberedHeading } from './text.ts'

export type Typography = { size: number; leading: number; bold: boolean; headingSizes: number[] }

/** Half points: sizes closer than that are one size. */
export const roundSize = (size: number): number => Math.round(size * 2) / 2

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
    if (line.object !== undefined) return
    sizes.set(roundSize(line.size), (sizes.get(roundSize(line.size)) ?? 0) + line.text.length)
    characters += line.text.length
    if (line.bold) boldCharacters += line.text.length
    const before = lines[index - 1]
    if (before === undefined || before.region !== line.region || roundSize(before.size) !== roundSize(line.size)) return
    const distance = roundSize(line.baseline - before.baseline)
    if (distance > 0 && distance < line.size * 3) leadings.set(distance, (leadings.get(distance) ?? 0) + 1)
  })
  const size = mostFrequent(sizes)
  const larger = [...sizes.keys()].filter((candidate) => candidate >= size * 1.12).toSorted((a, b) => b - a)
  return { size, leading: mostFrequent(leadings) || size * 1.3, bold: boldCharacters > characters / 2, headingSizes: larger.slice(0, 6) }
}

/** Section numbers of Chinese and Western teaching material; used together with bold or large type. */
export const SECTION_NUMBER =
  /^(?:\d{1,2}(?:\.\d{1,2}){0,3}[.、\s]\s*\S|[一二三四五六七八九十]{1,3}[、.．]|第[一二三四五六七八九十百\d]+[章節节課课]|附录|附錄|Chapter\b|Section\b|Appendix\b)/

export type HeadingOf = (line: Line) => number | undefined

const MAX_HEADING_LENGTH = 120
const MAX_BOLD_HEADING_LENGTH = 60

/** @param outline level by normalised text, from the PDF's own outline. */
export function headingRule(typography: Typography, outline: ReadonlyMap<string, number>): HeadingOf {
  return (line) => {
    const text = line.text.trim()
    if (line.object !== undefined) return undefined
    const fromOutline = outline.get(outlineKey(text))
    if (fromOutline !== undefined && line.size >= typography.size * 0.95) return fromOutline
    if (text.length > MAX_HEADING_LENGTH || !/[\p{L}\p{N}]/u.test(text) || /[。；;,，、]$/.test(text)) return undefined
    // A size that only OCR saw is an estimate and must stand out more.
    const isLarge = line.confidence === undefined || line.size >= typography.size * 1.35
    const bySize = isLarge ? typography.headingSizes.findIndex((size) => roundSize(line.size) >= size) : -1
    if (bySize !== -1) return bySize + 1
    const isAlone = line.segments.length === 1
    const isLabel = SECTION_NUMBER.test(text) || !/[.。!?！？:：]$/.test(text)
    if (line.bold && !typography.bold && text.length <= MAX_BOLD_HEADING_LENGTH && isAlone && isLabel)
      return Math.min(6, typography.headingSizes.length + 1)
    return isAlone && line.size >= typography.size * 0.95 ? numberedHeading(text) : undefined
  }
}

export const outlineKey = (text: string): string => text.replace(/[\s\u3000.·…]+/g, '').toLowerCase()
