// What a PDF page holds besides lines of text: tables by ruling lines, drawn list marks, pictures.
import { fillGrid, gridsOf, type Ruling } from './grid.ts'
import { type Box, type Graphics, type Picture } from './pdf-graphics.ts'
import { type PageObject, type Piece, splitAcross } from './pdf-pieces.ts'

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

/** Marks of lists that are drawn, not written: a dot before a line and nothing else at its height to its left. */
export function withDrawnMarks(pieces: readonly Piece[], dots: readonly Box[]): Piece[] {
  const marks = dots.flatMap((dot): Piece[] => {
    const middle = (dot.top + dot.bottom) / 2
    const beside = pieces.filter((piece) => piece.object === undefined && piece.top < middle && piece.bottom > middle)
    const after = beside.find((piece) => piece.left > dot.right && piece.left - dot.right < piece.size * 2.5)
    if (after === undefined || beside.some((piece) => piece.left < dot.left && piece.right > dot.left - piece.size * 2)) return []
    const { size, baseline, top, bottom, bold } = after
    return [
      { text: '• ', left: Math.max(dot.left, after.left - size * 1.3), right: after.left - size * 0.2, top, bottom, baseline, size, bold },
    ]
  })
  return [...marks, ...pieces]
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
