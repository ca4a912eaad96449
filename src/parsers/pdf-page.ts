// One PDF page as pieces of text in points from its top left corner, whatever its rotation and origin.
import type { PDFPageProxy } from 'pdfjs-dist'
import type { TextItem } from 'pdfjs-dist/types/src/display/api.js'
import { cleanText } from '../core/text.ts'
import type { Piece } from './pdf-lines.ts'

export type PageText = {
  pieces: Piece[]
  /** Slanted text such as watermarks, in painting order. */ slanted: string[]
  width: number
  height: number
}

type Matrix = readonly number[]

const multiply = (a: Matrix, b: Matrix): number[] => {
  const [a0 = 1, a1 = 0, a2 = 0, a3 = 1, a4 = 0, a5 = 0] = a
  const [b0 = 1, b1 = 0, b2 = 0, b3 = 1, b4 = 0, b5 = 0] = b
  return [a0 * b0 + a2 * b1, a1 * b0 + a3 * b1, a0 * b2 + a2 * b3, a1 * b2 + a3 * b3, a0 * b4 + a2 * b5 + a4, a1 * b4 + a3 * b5 + a5]
}

const isText = (item: object): item is TextItem => 'str' in item

/** Reads the text layer of a page; the font's real name, known once its operators are read, tells bold type. */
export async function readPage(page: PDFPageProxy, isBold: (fontName: string) => boolean): Promise<PageText> {
  const viewport = page.getViewport({ scale: 1 })
  const content = await page.getTextContent()
  const pieces: Piece[] = []
  const slanted: string[] = []
  for (const item of content.items) {
    if (!isText(item) || item.str.trim() === '') continue
    const [a = 1, b = 0, c = 0, d = 1, x = 0, y = 0] = multiply(viewport.transform, item.transform as number[])
    const size = Math.hypot(c, d)
    const text = cleanText(item.str)
    if (text.trim() === '' || size < 1) continue
    const vertical = content.styles[item.fontName]?.vertical === true
    if (vertical) pieces.push(...verticalPieces(text, x, y, size, item.height, isBold(item.fontName)))
    else if (Math.abs(Math.atan2(b, a)) > 0.17) slanted.push(text)
    else
      pieces.push({
        text,
        left: x,
        right: x + item.width,
        top: y - size * 0.85,
        bottom: y + size * 0.2,
        baseline: y,
        size,
        bold: isBold(item.fontName),
      })
  }
  return { pieces: withoutShadows(pieces), slanted, width: viewport.width, height: viewport.height }
}

/** A vertical column of characters is kept as one piece, as tall as it is long. */
function verticalPieces(text: string, x: number, y: number, size: number, length: number, bold: boolean): Piece[] {
  return [{ text, left: x - size / 2, right: x + size / 2, top: y, bottom: y + Math.abs(length), baseline: y, size, bold }]
}

/** Fake bold paints the same text twice, a hair apart. */
function withoutShadows(pieces: readonly Piece[]): Piece[] {
  const seen = new Map<string, Piece>()
  return pieces.filter((piece) => {
    const key = `${piece.text}@${Math.round(piece.left / 2)},${Math.round(piece.baseline / 2)}`
    if (seen.has(key)) return false
    seen.set(key, piece)
    return true
  })
}
