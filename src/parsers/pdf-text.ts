// The text layer of one PDF page as pieces with a place, whatever the page's rotation, its origin and the direction of its writing.
import type { PageViewport, PDFPageProxy } from 'pdfjs-dist'
import type { TextContent, TextItem } from 'pdfjs-dist/types/src/display/api.js'
import { cleanText } from '../core/text.ts'
import { multiply } from './pdf-graphics.ts'
import type { Piece } from './pdf-pieces.ts'

export type PageText = {
  pieces: Piece[]
  width: number
  height: number
  /** The writing is vertical, and `pieces` are turned so that its columns are lines: nothing else on the page fits to them. */
  isVertical: boolean
}

type Placed = {
  item: TextItem
  text: string
  matrix: number[]
  size: number
  /** In quarter turns, clockwise; undefined when slanted. */ turn: number | undefined
}

/** Text further than this from a right angle, in radians, is a watermark, not a line. */
const MAX_ANGLE = 0.17

/** Vertical forms of marks stand for the marks themselves; their compatibility equivalents are Western. */
const VERTICAL_MARKS = new Map(
  Array.from('︐︑︒︓︔︕︖︗︘︙︰︱︳︵︶︷︸︹︺︻︼︽︾︿﹀﹁﹂﹃﹄', (mark, index) => [
    mark,
    Array.from('，、。：；！？〖〗…‥—_（）｛｝〔〕【】《》〈〉「」『』')[index] ?? mark,
  ]),
)

/** A painted soft hyphen is a hyphen; positional forms of Arabic letters and vertical forms of marks are those letters and marks. */
function plainText(text: string): string {
  return cleanText(text.replaceAll('\u00ad', '-'))
    .replace(/[\ufb1d-\ufdff\ufe70-\ufefc]+/g, (forms) => forms.normalize('NFKC'))
    .replace(/[\ufe10-\ufe19\ufe30-\ufe44]/g, (mark) => VERTICAL_MARKS.get(mark) ?? mark)
}

function placedItems(content: TextContent, viewport: PageViewport): Placed[] {
  return content.items.flatMap((item): Placed[] => {
    if (!('str' in item) || item.str.trim() === '') return []
    const matrix = multiply(viewport.transform, item.transform as number[])
    const [a = 1, b = 0, c = 0, d = 1] = matrix
    const size = Math.hypot(c, d)
    const text = plainText(item.str)
    if (text.trim() === '' || size < 1) return []
    const angle = Math.atan2(b, a) / (Math.PI / 2)
    const turn = Math.abs(angle - Math.round(angle)) * (Math.PI / 2) > MAX_ANGLE ? undefined : (Math.round(angle) + 4) % 4
    return [{ item, text, matrix, size, turn }]
  })
}

const lengthOf = (some: readonly { text: string }[]): number => some.reduce((sum, { text }) => sum + text.length, 0)

/** Which fonts are bold is known only after the page's operators were read, for which the view must be known. */
export async function readText(
  page: PDFPageProxy,
): Promise<{ viewport: PageViewport; textWith: (isBold: (fontName: string) => boolean) => PageText }> {
  const content = await page.getTextContent()
  const straight = page.getViewport({ scale: 1 })
  const first = placedItems(content, straight)
  const byTurn = [0, 1, 2, 3].map((turn) => lengthOf(first.filter((placed) => placed.turn === turn)))
  const main = byTurn.findIndex((length) => length > (byTurn[0] ?? 0) && length === Math.max(...byTurn))
  const viewport = main <= 0 ? straight : page.getViewport({ scale: 1, rotation: (page.rotate + 360 - main * 90) % 360 })
  const placed = main <= 0 ? first : placedItems(content, viewport)
  return { viewport, textWith: (isBold) => pageText(placed, content, viewport, isBold) }
}

function pageText(
  placed: readonly Placed[],
  content: TextContent,
  viewport: PageViewport,
  isBold: (fontName: string) => boolean,
): PageText {
  const { width, height } = viewport
  const isVertical = ({ item }: Placed): boolean => content.styles[item.fontName]?.vertical === true
  const upright = placed.filter((one) => isVertical(one))
  const lines = placed.filter((one) => !isVertical(one))
  const page = { width, height }
  if (lengthOf(upright) > lengthOf(lines)) {
    const pieces = upright.map((one) => verticalPiece(one, one.item.height || one.item.width, width, isBold(one.item.fontName)))
    return { ...page, pieces: withoutShadows(pieces), isVertical: true }
  }
  if (isSetDownwards(lines)) {
    const pieces = lines.map((one) => glyphPiece(one, width, isBold(one.item.fontName)))
    return { ...page, pieces: withoutShadows(pieces), isVertical: true }
  }
  const pieces = lines.flatMap((one) => {
    const bold = isBold(one.item.fontName)
    return one.turn === 0 ? [linePiece(one, bold)] : one.turn === undefined ? [] : [turnedPiece(one, bold)]
  })
  return { ...page, pieces: withoutShadows(pieces), isVertical: false }
}

function linePiece({ item, text, matrix, size }: Placed, bold: boolean): Piece {
  const [, , , , x = 0, y = 0] = matrix
  return { text, left: x, right: x + item.width, top: y - size * 0.85, bottom: y + size * 0.2, baseline: y, size, bold }
}

/** Its box is where it stands; what it lies on is no line of the page. */
function turnedPiece({ item, text, matrix, size, turn }: Placed, bold: boolean): Piece {
  const [, , , , x = 0, y = 0] = matrix
  const [left, right] =
    turn === 1 ? [x - size * 0.2, x + size * 0.85] : turn === 3 ? [x - size * 0.85, x + size * 0.2] : [x - item.width, x]
  const [top, bottom] = turn === 1 ? [y, y + item.width] : turn === 3 ? [y - item.width, y] : [y - size * 0.2, y + size * 0.85]
  return { text, left, right, top, bottom, baseline: bottom, size, bold, turned: true }
}

/** A column of vertical writing becomes a line, columns from the right become lines from the top. */
function verticalPiece({ text, matrix, size }: Placed, length: number, pageWidth: number, bold: boolean): Piece {
  const [, , , , x = 0, y = 0] = matrix
  const across = pageWidth - x
  return {
    text,
    left: y,
    right: y + Math.abs(length),
    top: across - size / 2,
    bottom: across + size / 2,
    baseline: across + size / 2,
    size,
    bold,
  }
}

/** A character placed on its own, from the left end of its baseline: browsers paint vertical writing so. */
function glyphPiece({ item, text, matrix, size }: Placed, pageWidth: number, bold: boolean): Piece {
  const [, , , , x = 0, y = 0] = matrix
  const across = pageWidth - (x + item.width / 2)
  return {
    text,
    left: y - size * 0.85,
    right: y + size * 0.15,
    top: across - size / 2,
    bottom: across + size / 2,
    baseline: across + size / 2,
    size,
    bold,
  }
}

const MIN_DOWNWARDS = 8

/** Whether characters one by one stand below each other, as no font's own vertical mode but a program placed them. */
function isSetDownwards(placed: readonly Placed[]): boolean {
  const follow = placed.filter(({ text, matrix, size }, index) => {
    const before = placed[index - 1]
    if (
      before === undefined ||
      text.length > 2 ||
      !/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uff60]/u.test(text)
    )
      return false
    const [dx, dy] = [(matrix[4] ?? 0) - (before.matrix[4] ?? 0), (matrix[5] ?? 0) - (before.matrix[5] ?? 0)]
    return Math.abs(dx) < size * 0.3 && dy > size * 0.7 && dy < size * 1.7
  })
  return follow.length >= MIN_DOWNWARDS && follow.length > placed.length * 0.5
}

/** Fake bold paints the same text twice, a hair apart. */
function withoutShadows(pieces: readonly Piece[]): Piece[] {
  const seen = new Set<string>()
  return pieces.filter((piece) => {
    const key = `${piece.text}@${Math.round(piece.left / 2)},${Math.round(piece.baseline / 2)}`
    const isNew = !seen.has(key)
    seen.add(key)
    return isNew
  })
}
