// One PDF page as pieces with a place: its text layer, its tables by ruling lines, and its pictures, whatever its rotation and origin.
import type { PDFPageProxy } from 'pdfjs-dist'
import type { TextItem } from 'pdfjs-dist/types/src/display/api.js'
import { cleanText } from '../core/text.ts'
import { fillGrid, gridsOf, type Ruling } from './grid.ts'
import { type Graphics, multiply, type Picture } from './pdf-graphics.ts'
import { type PageObject, type Piece, splitAcross } from './pdf-pieces.ts'

export type PageText = {
  pieces: Piece[]
  /** Slanted text such as watermarks, in painting order. */ slanted: string[]
  width: number
  height: number
}

const isText = (item: object): item is TextItem => 'str' in item

/** Text set at more than this angle, in radians, is a watermark or a label, not a line. */
const MAX_ANGLE = 0.17

/** The text layer of a page. Vertical writing is turned so that its columns become lines, right to left. */
export async function readText(page: PDFPageProxy, isBold: (fontName: string) => boolean): Promise<PageText> {
  const viewport = page.getViewport({ scale: 1 })
  const content = await page.getTextContent()
  const pieces: Piece[] = []
  const upright: Piece[] = []
  const slanted: string[] = []
  for (const item of content.items) {
    if (!isText(item) || item.str.trim() === '') continue
    const [a = 1, b = 0, c = 0, d = 1, x = 0, y = 0] = multiply(viewport.transform, item.transform as number[])
    const size = Math.hypot(c, d)
    const text = cleanText(item.str)
    if (text.trim() === '' || size < 1) continue
    const bold = isBold(item.fontName)
    if (content.styles[item.fontName]?.vertical === true) {
      const across = viewport.width - x
      upright.push({
        text,
        left: y,
        right: y + Math.abs(item.height || item.width),
        top: across - size / 2,
        bottom: across + size / 2,
        baseline: across + size / 2,
        size,
        bold,
      })
    } else if (Math.abs(Math.atan2(b, a)) > MAX_ANGLE) slanted.push(text)
    else pieces.push({ text, left: x, right: x + item.width, top: y - size * 0.85, bottom: y + size * 0.2, baseline: y, size, bold })
  }
  const length = (some: readonly Piece[]): number => some.reduce((sum, piece) => sum + piece.text.length, 0)
  const isVertical = length(upright) > length(pieces)
  return {
    pieces: withoutShadows(isVertical ? upright : pieces),
    slanted: [...slanted, ...(isVertical ? pieces : upright).map((piece) => piece.text)],
    width: viewport.width,
    height: viewport.height,
  }
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

/** Private-use and broken characters mean that a font hides what its glyphs stand for: such a text layer says nothing. */
export function isGarbled(pieces: readonly Piece[]): boolean {
  const text = pieces
    .map((piece) => piece.text)
    .join('')
    .replace(/\s/g, '')
  const broken = text.match(/[\ue000-\uf8ff\ufffd]|[\u{f0000}-\u{10ffff}]/gu)?.length ?? 0
  return text.length > 0 && broken > text.length * 0.3
}

export function objectPiece(object: PageObject, box: { left: number; right: number; top: number; bottom: number }): Piece {
  const size = 10
  return {
    text: '',
    left: box.left,
    right: box.right,
    top: box.top,
    bottom: box.bottom,
    baseline: box.top + size,
    size,
    bold: false,
    object,
  }
}

/** Takes the text inside ruled grids out of the pieces and puts one table in its place. */
export function withRuledTables(pieces: readonly Piece[], rulings: readonly Ruling[]): Piece[] {
  let rest = [...pieces]
  const tables: Piece[] = []
  for (const grid of gridsOf(rulings)) {
    const inside = rest.filter(
      (piece) =>
        piece.left >= grid.left - 4 && piece.right <= grid.right + 4 && piece.top >= grid.top - 6 && piece.bottom <= grid.bottom + 6,
    )
    const filled = fillGrid(
      grid,
      inside.flatMap((piece) => splitAcross(piece, grid.xs.slice(1, -1))),
    )
    if (filled === undefined) continue
    rest = rest.filter((piece) => !inside.includes(piece))
    tables.push(objectPiece({ kind: 'table', table: filled, columns: grid.xs.slice(0, -1) }, grid))
  }
  return [...rest, ...tables]
}

/** Pictures a person would notice: not bullets, rules or backgrounds. */
export function notablePictures(graphics: Graphics, width: number, height: number): Picture[] {
  return graphics.pictures.filter((picture) => {
    const [w, h] = [picture.right - picture.left, picture.bottom - picture.top]
    return picture.id !== '' && w >= 30 && h >= 30 && w * h >= width * height * 0.01 && w * h <= width * height * 0.85
  })
}

/** Share of the page that its largest picture covers; a scan covers nearly all of it. */
export function coveredByPicture(graphics: Graphics, width: number, height: number): number {
  return Math.max(
    0,
    ...graphics.pictures.map((picture) => ((picture.right - picture.left) * (picture.bottom - picture.top)) / (width * height)),
  )
}
