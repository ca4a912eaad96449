// From ruling lines to tables: lines that meet form grids, missing inner lines make merged cells. Serves PDF drawings and scanned pictures alike.
import type { TableCell, TableContent } from '../core/blocks.ts'
import { guessHeaderRows } from './table.ts'
import { joint, type Piece, rowTexts, tidyRead } from './pdf-pieces.ts'

/** A straight line along one axis, in points from the top left; `at` is its place on the other axis. */
export type Ruling = { axis: 'horizontal' | 'vertical'; at: number; from: number; to: number }

export type Grid = {
  xs: number[]
  ys: number[]
  horizontal: Ruling[]
  vertical: Ruling[]
  left: number
  top: number
  right: number
  bottom: number
}

/** Lines closer than this are one line drawn twice, or the two edges of a thick one; ends this close meet. */
const SNAP = 3
const MAX_RULINGS = 20_000
/** More is graph paper or an attack, not a table. */
const MAX_CELLS = 10_000
const MIN_CELL = 4

/** Joins pieces of one line: the same place, touching or overlapping ends. */
function mergeRulings(rulings: readonly Ruling[]): Ruling[] {
  const merged: Ruling[] = []
  for (const ruling of rulings.toSorted((a, b) => a.at - b.at || a.from - b.from)) {
    const same = merged.findLast(
      (other, index) =>
        merged.length - index < 60 &&
        Math.abs(other.at - ruling.at) <= SNAP / 2 &&
        ruling.from <= other.to + SNAP &&
        ruling.to >= other.from - SNAP,
    )
    if (same === undefined) merged.push({ ...ruling })
    else {
      same.from = Math.min(same.from, ruling.from)
      same.to = Math.max(same.to, ruling.to)
    }
  }
  return merged
}

const meet = (h: Ruling, v: Ruling): boolean => v.at >= h.from - SNAP && v.at <= h.to + SNAP && h.at >= v.from - SNAP && h.at <= v.to + SNAP

/** Groups of lines connected through crossings, by union-find. */
function components(horizontal: readonly Ruling[], vertical: readonly Ruling[]): { horizontal: Ruling[]; vertical: Ruling[] }[] {
  const all = [...horizontal, ...vertical]
  const parent = all.map((_, index) => index)
  const find = (index: number): number => {
    let root = index
    while (parent[root] !== root) root = parent[root] ?? root
    parent[index] = root
    return root
  }
  horizontal.forEach((h, i) => {
    vertical.forEach((v, j) => {
      if (meet(h, v)) parent[find(i)] = find(horizontal.length + j)
    })
  })
  const groups = new Map<number, { horizontal: Ruling[]; vertical: Ruling[] }>()
  all.forEach((ruling, index) => {
    const root = find(index)
    const group = groups.get(root) ?? { horizontal: [], vertical: [] }
    group[ruling.axis].push(ruling)
    groups.set(root, group)
  })
  return [...groups.values()]
}

/** Distinct positions, ascending; near ones count once. */
function positions(values: readonly number[]): number[] {
  const result: number[] = []
  for (const value of values.toSorted((a, b) => a - b))
    if (result.length === 0 || value - (result.at(-1) ?? 0) > MIN_CELL) result.push(value)
  return result
}

/** Grids of at least two columns and two cells, in reading order. */
export function gridsOf(rulings: readonly Ruling[]): Grid[] {
  if (rulings.length > MAX_RULINGS) return []
  const horizontal = mergeRulings(rulings.filter((ruling) => ruling.axis === 'horizontal' && ruling.to - ruling.from > MIN_CELL))
  const vertical = mergeRulings(rulings.filter((ruling) => ruling.axis === 'vertical' && ruling.to - ruling.from > MIN_CELL))
  return components(horizontal, vertical)
    .map(({ horizontal: across, vertical: down }): Grid => {
      const xs = positions(down.map((ruling) => ruling.at))
      const ys = positions(across.map((ruling) => ruling.at))
      return {
        horizontal: across,
        vertical: down,
        xs,
        ys,
        left: xs[0] ?? 0,
        right: xs.at(-1) ?? 0,
        top: ys[0] ?? 0,
        bottom: ys.at(-1) ?? 0,
      }
    })
    .filter((grid) => grid.xs.length >= 3 && grid.ys.length >= 2 && grid.xs.length * grid.ys.length <= MAX_CELLS)
    .toSorted((a, b) => a.top - b.top || a.left - b.left)
}

const covers = (ruling: Ruling, at: number, middle: number): boolean =>
  Math.abs(ruling.at - at) <= MIN_CELL && ruling.from <= middle + SNAP && ruling.to >= middle - SNAP

/** Cells with their spans: neighbours without a line between them are one cell, as long as together they are a rectangle. */
function cellsOf(grid: Grid): Omit<TableCell, 'text'>[] {
  const { xs, ys } = grid
  const [columns, rows] = [xs.length - 1, ys.length - 1]
  const taken = new Set<number>()
  const middle = (values: readonly number[], index: number): number => ((values[index] ?? 0) + (values[index + 1] ?? 0)) / 2
  const closedRight = (row: number, column: number): boolean =>
    grid.vertical.some((line) => covers(line, xs[column + 1] ?? 0, middle(ys, row)))
  const closedBelow = (row: number, column: number): boolean =>
    grid.horizontal.some((line) => covers(line, ys[row + 1] ?? 0, middle(xs, column)))
  const cells: Omit<TableCell, 'text'>[] = []
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      if (taken.has(row * columns + column)) continue
      let [columnSpan, rowSpan] = [1, 1]
      while (column + columnSpan < columns && !closedRight(row, column + columnSpan - 1) && !taken.has(row * columns + column + columnSpan))
        columnSpan += 1
      const across = Array.from({ length: columnSpan }, (_, index) => column + index)
      while (row + rowSpan < rows && across.every((at) => !closedBelow(row + rowSpan - 1, at))) rowSpan += 1
      for (let r = row; r < row + rowSpan; r += 1) for (const c of across) taken.add(r * columns + c)
      cells.push({ row, column, rowSpan, columnSpan })
    }
  }
  return cells
}

/** Lines of a cell joined as running text: nothing between Chinese characters, else a blank. */
export function joinCell(texts: readonly string[]): string {
  return texts.reduce((all, text) => (all === '' ? text : all + joint(all, text) + text), '')
}

/** A table when at least two of its cells hold text. */
export function fillGrid(grid: Grid, pieces: readonly Piece[]): TableContent | undefined {
  const shapes = cellsOf(grid)
  const cells = shapes.map((shape): TableCell => {
    const [left = 0, right = 0] = [grid.xs[shape.column], grid.xs[shape.column + shape.columnSpan]]
    const [top = 0, bottom = 0] = [grid.ys[shape.row], grid.ys[shape.row + shape.rowSpan]]
    const own = pieces.filter((piece) => {
      const [x, y] = [(piece.left + piece.right) / 2, (piece.top + piece.bottom) / 2]
      return x >= left && x < right && y >= top && y < bottom
    })
    const text = joinCell(rowTexts(own))
    return Object.assign({}, shape, { text: own.some((piece) => piece.confidence !== undefined) ? tidyRead(text) : text })
  })
  const filled = cells.filter((cell) => cell.text !== '')
  if (filled.length < 2) return undefined
  const [columns, rows] = [grid.xs.length - 1, grid.ys.length - 1]
  return { rows, columns, headerRows: guessHeaderRows(cells, rows, columns), cells }
}
