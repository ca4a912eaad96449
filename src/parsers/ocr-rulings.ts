// Ruling lines in a grey picture: long dark runs along rows and columns of pixels. They give table grids and are wiped out before OCR.
import type { Ruling } from './grid.ts'

const DARK = 140
/** Pixels that may be missing in a line, and how thick one may be. */
const GAP = 4
const MAX_THICKNESS = 10

/** Runs of dark pixels along one axis, at least `least` long. */
function runs(dark: (index: number) => boolean, length: number, least: number): [number, number][] {
  const found: [number, number][] = []
  let start = -1
  let last = -1
  for (let index = 0; index <= length; index += 1) {
    if (index < length && dark(index)) {
      if (start === -1) start = index
      last = index
    } else if (start !== -1 && (index === length || index - last > GAP)) {
      if (last - start >= least) found.push([start, last])
      start = -1
    }
  }
  return found
}

/** Runs in neighbouring rows that overlap are one line; thick bands are areas and dropped. */
function joinRuns(axis: Ruling['axis'], rows: readonly [number, number][][]): Ruling[] {
  const open: { first: number; last: number; from: number; to: number }[] = []
  const done: typeof open = []
  rows.forEach((row, at) => {
    for (const [from, to] of row) {
      const line = open.find((candidate) => at - candidate.last <= 2 && from <= candidate.to + GAP && to >= candidate.from - GAP)
      if (line === undefined) open.push({ first: at, last: at, from, to })
      else {
        line.last = at
        line.from = Math.min(line.from, from)
        line.to = Math.max(line.to, to)
      }
    }
    for (let index = open.length - 1; index >= 0; index -= 1) if (at - (open[index]?.last ?? at) > 2) done.push(...open.splice(index, 1))
  })
  return [...done, ...open]
    .filter((line) => line.last - line.first < MAX_THICKNESS)
    .map((line): Ruling => ({ axis, at: (line.first + line.last) / 2, from: line.from, to: line.to }))
}

/** @param grey one byte a pixel, rows of `width`. @returns lines in pixels. Cost: O(pixels). */
export function pictureRulings(grey: Uint8Array, width: number, height: number): Ruling[] {
  // Longer than a stroke of any letter in running text or headings.
  const least = Math.max(50, Math.round(Math.min(width, height) / 14))
  const horizontal = Array.from({ length: height }, (_, y) => runs((x) => (grey[y * width + x] ?? 255) < DARK, width, least * 1.5))
  const vertical = Array.from({ length: width }, (_, x) => runs((y) => (grey[y * width + x] ?? 255) < DARK, height, least))
  return [...joinRuns('horizontal', horizontal), ...joinRuns('vertical', vertical)]
}

/** A copy with the lines painted white, a little wider than they are. */
export function withoutRulings(grey: Uint8Array, width: number, rulings: readonly Ruling[]): Uint8Array {
  const clean = Uint8Array.from(grey)
  const paint = (x: number, y: number): void => {
    if (x >= 0 && x < width) clean[y * width + x] = 255
  }
  for (const { axis, at, from, to } of rulings) {
    const middle = Math.round(at)
    for (let along = Math.max(0, from - 1); along <= to + 1; along += 1) {
      for (let across = Math.max(0, middle - 3); across <= middle + 3; across += 1) {
        if (axis === 'horizontal') paint(along, across)
        else paint(across, along)
      }
    }
  }
  return clean.subarray(0, grey.length)
}
