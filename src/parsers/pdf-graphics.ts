// What a PDF page draws besides text: ruling lines, pictures, and which fonts are bold; read from its list of operators.
import type { OPS as PdfOperators, PageViewport, PDFPageProxy } from 'pdfjs-dist'
import type { Ruling } from './grid.ts'

/** `id` of pdf.js, by which its pixels can be had; '' for masks and inline pictures, which only count as painted. */
export type Picture = Box & { id: string }
export type Box = { left: number; top: number; right: number; bottom: number }
/** `dots`: small round or square marks, as before items of lists; `isPainted`: anything but text stands on the page. */
export type Graphics = { rulings: Ruling[]; pictures: Picture[]; dots: Box[]; isPainted: boolean; isBold: (fontName: string) => boolean }

type Matrix = readonly number[]
const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0]

export function multiply(a: Matrix, b: Matrix): number[] {
  const [a0 = 1, a1 = 0, a2 = 0, a3 = 1, a4 = 0, a5 = 0] = a
  const [b0 = 1, b1 = 0, b2 = 0, b3 = 1, b4 = 0, b5 = 0] = b
  return [a0 * b0 + a2 * b1, a1 * b0 + a3 * b1, a0 * b2 + a2 * b3, a1 * b2 + a3 * b3, a0 * b4 + a2 * b5 + a4, a1 * b4 + a3 * b5 + a5]
}

export function point(matrix: Matrix, x: number, y: number): [number, number] {
  const [a = 1, b = 0, c = 0, d = 1, e = 0, f = 0] = matrix
  return [a * x + c * y + e, b * x + d * y + f]
}

/** Thicker than this a filled rectangle is an area, not a line. */
const MAX_LINE_WIDTH = 3
const MAX_SLANT = 1

function addLine(rulings: Ruling[], from: readonly [number, number], to: readonly [number, number]): void {
  const [width, height] = [Math.abs(from[0] - to[0]), Math.abs(from[1] - to[1])]
  if (height <= MAX_SLANT && width > MAX_SLANT)
    rulings.push({ axis: 'horizontal', at: (from[1] + to[1]) / 2, from: Math.min(from[0], to[0]), to: Math.max(from[0], to[0]) })
  else if (width <= MAX_SLANT && height > MAX_SLANT)
    rulings.push({ axis: 'vertical', at: (from[0] + to[0]) / 2, from: Math.min(from[1], to[1]), to: Math.max(from[1], to[1]) })
}

type Drawn = Pick<Graphics, 'rulings' | 'dots'>

/** Coordinates a drawing operator of a path takes, by its number: move, line, cubic curve, quadratic curve, close. */
const COORDINATES = [2, 2, 6, 4, 0]

/** The straight pieces of a path; a filled sliver counts as one line along its middle. */
function addPath({ rulings, dots }: Drawn, path: ArrayLike<number>, matrix: Matrix, isFilled: boolean): void {
  const lines: [[number, number], [number, number]][] = []
  const curves: [number, number][] = []
  let start: [number, number] = [0, 0]
  let current: [number, number] = [0, 0]
  for (let index = 0; index < path.length;) {
    const operator = path[index] ?? 4
    const count = COORDINATES[operator] ?? 0
    const next = count === 0 ? start : point(matrix, path[index + count - 1] ?? 0, path[index + count] ?? 0)
    if (operator === 0) start = next
    else if (operator !== 2 && operator !== 3) lines.push([current, next])
    else curves.push(current, next)
    current = next
    index += 1 + count
  }
  if (curves.length > 0 || isFilled) addDot(dots, [...curves, ...lines.flat()])
  if (!isFilled) for (const [from, to] of lines) addLine(rulings, from, to)
  else addFilled(rulings, lines.flat())
}

const MIN_DOT = 1.5
const MAX_DOT = 7

function addDot(dots: Box[], points: readonly [number, number][]): void {
  const box = boxOf(points)
  const [width, height] = [box.right - box.left, box.bottom - box.top]
  if (Math.min(width, height) >= MIN_DOT && Math.max(width, height) <= MAX_DOT && Math.abs(width - height) < 1 && dots.length < 5000)
    dots.push(box)
}

export function boxOf(points: readonly [number, number][]): Box {
  const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)]
  return { left: Math.min(...xs), right: Math.max(...xs), top: Math.min(...ys), bottom: Math.max(...ys) }
}

function addFilled(rulings: Ruling[], points: readonly [number, number][]): void {
  if (points.length === 0) return
  const { left, right, top, bottom } = boxOf(points)
  if (bottom - top <= MAX_LINE_WIDTH && right - left > MAX_LINE_WIDTH)
    addLine(rulings, [left, (top + bottom) / 2], [right, (top + bottom) / 2])
  else if (right - left <= MAX_LINE_WIDTH && bottom - top > MAX_LINE_WIDTH)
    addLine(rulings, [(left + right) / 2, top], [(left + right) / 2, bottom])
}

/** Walks the operators of a page. Cost: linear in their number; text operators are skipped. */
export async function readGraphics(page: PDFPageProxy, viewport: PageViewport, OPS: typeof PdfOperators): Promise<Graphics> {
  const list = await page.getOperatorList()
  const drawn: Drawn = { rulings: [], dots: [] }
  const pictures: Picture[] = []
  let isPainted = false
  const stack: Matrix[] = []
  const base = viewport.transform as Matrix
  let matrix: Matrix = IDENTITY
  const filling = new Set<number>([OPS.fill, OPS.eoFill])
  const stroking = new Set<number>([
    OPS.stroke,
    OPS.closeStroke,
    OPS.fillStroke,
    OPS.eoFillStroke,
    OPS.closeFillStroke,
    OPS.closeEOFillStroke,
  ])
  const imaging = new Set<number>([
    OPS.paintImageXObject,
    OPS.paintImageMaskXObject,
    OPS.paintInlineImageXObject,
    OPS.paintImageXObjectRepeat,
    OPS.paintImageMaskXObjectGroup,
    OPS.paintImageMaskXObjectRepeat,
    OPS.paintInlineImageXObjectGroup,
  ])
  list.fnArray.forEach((operator, index) => {
    const args = list.argsArray[index] as unknown[] | null
    if (operator === OPS.save) stack.push(matrix)
    else if (operator === OPS.restore || operator === OPS.paintFormXObjectEnd) matrix = stack.pop() ?? matrix
    else if (operator === OPS.transform) matrix = multiply(matrix, args as number[])
    else if (operator === OPS.paintFormXObjectBegin) {
      stack.push(matrix)
      if (Array.isArray(args?.[0])) matrix = multiply(matrix, args[0] as number[])
    } else if (operator === OPS.constructPath && args !== null) {
      isPainted ||= args[0] !== OPS.endPath
      const [painting, [path]] = args as [number, [ArrayLike<number> | null]]
      const isFilled = filling.has(painting)
      if (path !== null && (isFilled || stroking.has(painting)) && drawn.rulings.length < 50_000)
        addPath(drawn, path, multiply(base, matrix), isFilled)
    } else if (imaging.has(operator) && args !== null) {
      isPainted = true
      const corners: [number, number][] = [point(multiply(base, matrix), 0, 0), point(multiply(base, matrix), 1, 1)]
      pictures.push({ id: operator === OPS.paintImageXObject ? String(args[0]) : '', ...boxOf(corners) })
    }
  })
  return { ...drawn, pictures, isPainted, isBold: (fontName) => isBold(page, fontName) }
}

function isBold(page: PDFPageProxy, fontName: string): boolean {
  const font: unknown = page.commonObjs.has(fontName) ? page.commonObjs.get(fontName) : undefined
  if (typeof font !== 'object' || font === null) return false
  const { bold, black, name } = font as { bold?: boolean; black?: boolean; name?: string }
  return bold === true || black === true || /bold|black|heavy|heiti|simhei/i.test(name ?? '')
}
