// Decides which PDF pages need OCR and reads them, bounded in number and time; what could not be read becomes a warning.
import type { PDFPageProxy } from 'pdfjs-dist'
import type { FormatContext } from './format.ts'
import { closeOcr, type OcrMemory, type OcrPage, readPicture } from './ocr.ts'
import { renderPage } from './pdf-pictures.ts'
import type { Piece } from './pdf-pieces.ts'
import { readOnce } from './readings.ts'
import type { Writer } from './writer.ts'

export type OcrBudget = { memory: OcrMemory; pages: number }

/** Text this short beside a picture this large is a page number or a stamp on a scan. */
const FEW_CHARACTERS = 20
const LARGE_PICTURE = 0.5

/** Below this mean confidence of OCR a page counts as hardly read. */
export const UNSURE = 0.6
/** Above this it is believed over a text layer that looks wrong. */
export const SURE = 0.75

export function needsOcr(
  method: FormatContext['options']['parseMethod'],
  characters: number,
  garbled: boolean,
  pictureShare: number,
): boolean {
  if (method === 'text') return false
  return method === 'ocr' || garbled || characters === 0 || (characters < FEW_CHARACTERS && pictureShare > LARGE_PICTURE)
}

/** A page with nothing painted on it needs no reading. */
export async function readPageByOcr(
  page: PDFPageProxy,
  budget: OcrBudget,
  context: FormatContext,
  writer: Writer,
): Promise<OcrPage | undefined> {
  const number = page.pageNumber
  if (budget.pages >= context.limits.ocrPages) {
    writer.warn(`Only the first ${context.limits.ocrPages} scanned pages were read; page ${number} and later ones hold no text layer.`)
    return undefined
  }
  budget.pages += 1
  context.progress(context.limits.ocrPageMs)
  const read = await readOnce(context, `page ${number}`, budget.memory, async () => {
    const { png, scale } = await renderPage(page)
    return withinTime(readPicture(png, scale, budget.memory), context.limits.ocrPageMs)
  })
  if (read === undefined) {
    await closeOcr()
    writer.warn(`Page ${number} could not be read by OCR in time.`)
    return undefined
  }
  if (read.pieces.length === 0) writer.warn(`Page ${number} holds no readable text.`)
  else if (read.confidence < UNSURE)
    writer.warn(`Page ${number} was read by OCR with low confidence (${Math.round(read.confidence * 100)} %).`)
  return { ...read, pieces: evenSizes(read.pieces) }
}

/** The result, or undefined when the time is up; what runs on is ended by the caller. */
export async function withinTime<T>(work: Promise<T>, limitMs: number): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = setTimeout(() => resolve(undefined), limitMs)
  work.catch(() => undefined)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

/** Heights of letters vary by what a line happens to hold; near the middle they are one size. */
export function evenSizes(pieces: readonly Piece[]): Piece[] {
  const sizes = pieces.map((piece) => piece.size).toSorted((a, b) => a - b)
  const middle = sizes[Math.floor(sizes.length / 2)] ?? 10
  const even = (size: number): number => (Math.abs(size - middle) < middle * 0.3 ? middle : size)
  return pieces.map((piece) => Object.assign({}, piece, { size: even(piece.size) }))
}
