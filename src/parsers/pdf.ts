// PDF: every page's text layer or OCR, tables and pictures, put into reading order, cleaned of what repeats, joined into blocks.
import type { OPS as PdfOperators, PDFDocumentProxy, PDFPageProxy } from 'pdfjs-dist'
import { assetMaker } from './assets.ts'
import { type FormatContext, type FormatParser, unreadable } from './format.ts'
import { withAlignedTables } from './pdf-aligned.ts'
import { flowBlocks } from './pdf-flow.ts'
import { type Graphics, readGraphics } from './pdf-graphics.ts'
import { linesOf } from './pdf-lines.ts'
import { splitNotes, withoutMargins } from './pdf-margins.ts'
import { type PageLink, readLinks } from './pdf-links.ts'
import { needsOcr, type OcrBudget, readPageByOcr, SURE, UNSURE } from './pdf-ocr.ts'
import { openPdf } from './pdf-open.ts'
import { coveredByPicture, isGarbled, notablePictures, objectPiece, withDrawnMarks, withRuledTables } from './pdf-page.ts'
import { pageAsset, pictureAsset } from './pdf-pictures.ts'
import type { Line, PageObject, Piece } from './pdf-pieces.ts'
import { pictureReader } from './picture-text.ts'
import { isImplausible } from './plausible.ts'
import { readText } from './pdf-text.ts'
import { headingRule, outlineKey, typographyOf } from './pdf-typography.ts'
import { writeBlock } from './pdf-write.ts'
import { createWriter, type Writer } from './writer.ts'

type Reading = {
  context: FormatContext
  writer: Writer
  OPS: typeof PdfOperators
  budget: OcrBudget
  asset: ReturnType<typeof assetMaker>
  read: ReturnType<typeof pictureReader>
  lines: Line[]
  heights: number[]
  links: PageLink[][]
  empty: number[]
}

async function readPages(pdf: PDFDocumentProxy, reading: Reading): Promise<void> {
  for (let number = 1; number <= pdf.numPages; number += 1) {
    try {
      const page = await pdf.getPage(number)
      await readPage(page, reading)
      page.cleanup()
    } catch (error) {
      if (error instanceof ReferenceError) throw error
      // One broken page does not make the others unreadable; the warning says which one it was.
      reading.heights[number - 1] ??= 842
      reading.writer.warn(`Page ${number} is damaged and could not be read.`)
    }
    reading.context.progress()
  }
}

const NO_GRAPHICS: Graphics = { rulings: [], pictures: [], dots: [], isPainted: true, isBold: () => false }

async function readPage(page: PDFPageProxy, reading: Reading): Promise<void> {
  const { context, writer } = reading
  const { viewport, textWith } = await readText(page)
  const graphics = await readGraphics(page, viewport, reading.OPS).catch(() => NO_GRAPHICS)
  const text = textWith(graphics.isBold)
  reading.heights[page.pageNumber - 1] = text.height
  if (!text.isVertical) reading.links[page.pageNumber - 1] = await readLinks(page, viewport, text.pieces)
  const garbled = isGarbled(text.pieces)
  const characters = text.pieces.reduce((sum, piece) => sum + piece.text.trim().length, 0)
  let { pieces } = text
  // Lines and pictures stand where they are painted, which is not where the columns of vertical writing are put as lines.
  let rulings = text.isVertical ? [] : graphics.rulings
  const share = coveredByPicture(graphics, text.width, text.height)
  const isBlank = characters === 0 && !graphics.isPainted
  const doubtful = !garbled && isImplausible(text.pieces.map((piece) => piece.text).join(' '))
  const byOcr = !isBlank && needsOcr(context.options.parseMethod, characters, garbled || doubtful, share)
  if (byOcr) {
    const read = await readPageByOcr(page, reading.budget, context, writer)
    // A doubtful text layer is better than a reading that is in doubt itself.
    const better = read !== undefined && (!doubtful || read.confidence > SURE)
    if (better && read.pieces.length > 0) ({ pieces, rulings } = read)
    if (context.picturesAreRead === true && (read === undefined || read.confidence < UNSURE))
      pieces = [...pieces, ...(await pagePiece(page, text, pieces.length === 0, reading))]
  } else if (garbled || doubtful)
    writer.warn(`The text layer of page ${page.pageNumber} is garbled: its fonts hide what their letters stand for.`)
  if (context.options.processTables) pieces = withRuledTables(pieces, rulings)
  if (context.options.processImages) pieces = [...pieces, ...(await picturePieces(page, graphics, text, byOcr, reading))]
  if (!text.isVertical) pieces = withDrawnMarks(pieces, graphics.dots)
  const lines = linesOf(pieces, page.pageNumber, (reading.lines.at(-1)?.region ?? 0) + 1)
  if (lines.length === 0 && !isBlank) reading.empty.push(page.pageNumber)
  for (const line of context.options.processTables ? withAlignedTables(lines) : lines) reading.lines.push(line)
}

/** Share from the top where the picture of a page stands beside the text that OCR made of it: after it, and not in the lower margin. */
const BELOW_TEXT = 0.89

/** The whole page as a picture, for a vision model to read what OCR could not. */
async function pagePiece(page: PDFPageProxy, size: { width: number; height: number }, alone: boolean, reading: Reading): Promise<Piece[]> {
  const asset = await pageAsset(page, reading.asset)
  if (asset === undefined) return []
  const top = alone ? 0 : size.height * BELOW_TEXT
  return [objectPiece({ kind: 'image', asset, text: '' }, { left: 0, right: size.width, top, bottom: size.height })]
}

async function picturePieces(
  page: PDFPageProxy,
  graphics: Graphics,
  size: { width: number; height: number },
  byOcr: boolean,
  reading: Reading,
): Promise<Piece[]> {
  const pieces: Piece[] = []
  for (const picture of notablePictures(graphics, size.width, size.height)) {
    const asset = await pictureAsset(page, picture, reading.asset).catch(() => undefined)
    if (asset === undefined) reading.writer.warn(`A picture on page ${page.pageNumber} could not be read.`)
    else {
      // What a page read by OCR says in its pictures is in its text already.
      const read = byOcr ? undefined : await reading.read(asset.bytes)
      const object: PageObject = {
        kind: 'image',
        asset,
        text: read?.text ?? '',
        ...(read === undefined ? {} : { confidence: read.confidence }),
      }
      pieces.push(objectPiece(object, picture))
    }
  }
  return pieces
}

/** Levels of headings by text, from the PDF's own table of contents; damaged outlines count as none. */
async function readOutline(pdf: PDFDocumentProxy): Promise<Map<string, number>> {
  const levels = new Map<string, number>()
  const outline = await pdf.getOutline().catch(() => null)
  const open = (outline ?? []).map((entry) => ({ entry, level: 1 }))
  for (let next = open.pop(); next !== undefined && levels.size < 5000; next = open.pop()) {
    const { entry, level } = next
    const key = outlineKey(entry.title)
    if (key.length > 1) levels.set(key, Math.min(level, levels.get(key) ?? 6))
    for (const inner of entry.items as typeof outline & object) open.push({ entry: inner, level: Math.min(6, level + 1) })
  }
  return levels
}

async function readTitle(pdf: PDFDocumentProxy): Promise<string | undefined> {
  const metadata = await pdf.getMetadata().catch(() => undefined)
  const title = metadata?.info === undefined ? undefined : (metadata.info as Record<string, unknown>)['Title']
  return typeof title === 'string' && !title.includes('\ufffd') ? title : undefined
}

async function writeFlow(pdf: PDFDocumentProxy, reading: Reading): Promise<void> {
  const lines = withoutMargins(reading.lines, reading.heights, typographyOf(reading.lines).size)
  const typography = typographyOf(lines)
  const { body, notes } = splitNotes(lines, typography.size, reading.heights)
  const facts = { labels: await pdf.getPageLabels().catch(() => null), links: reading.links }
  for (const block of flowBlocks(body, notes, typography, headingRule(typography, await readOutline(pdf))))
    writeBlock(reading.writer, block, facts)
}

const MAX_NAMED_PAGES = 20

function warnOfEmptyPages(reading: Reading): void {
  for (const page of reading.empty.slice(0, MAX_NAMED_PAGES))
    reading.writer.warn(`Nothing was read from page ${page}: it holds no text layer.`)
  if (reading.empty.length > MAX_NAMED_PAGES)
    reading.writer.warn(`${reading.empty.length - MAX_NAMED_PAGES} more pages hold no text layer.`)
}

export const parsePdf: FormatParser = async (bytes, context) => {
  const { OPS } = await import('pdfjs-dist/legacy/build/pdf.mjs')
  const pdf = await openPdf(bytes, context.limits)
  try {
    const reading: Reading = {
      context,
      writer: createWriter(context),
      OPS,
      budget: { memory: {}, pages: 0 },
      asset: assetMaker(),
      read: pictureReader(context),
      lines: [],
      heights: [],
      links: [],
      empty: [],
    }
    await readPages(pdf, reading)
    warnOfEmptyPages(reading)
    const mayBeSeen = (line: Line): boolean => context.picturesAreRead === true && line.object?.kind === 'image'
    if (reading.lines.every((line) => line.text === '' && line.object?.kind !== 'table' && !mayBeSeen(line)))
      throw unreadable(nothingRead(context, reading.budget))
    await writeFlow(pdf, reading)
    return reading.writer.finish({ title: await readTitle(pdf), pages: pdf.numPages })
  } finally {
    await pdf.loadingTask.destroy()
  }
}

function nothingRead(context: FormatContext, budget: OcrBudget): string {
  if (budget.pages > 0) return 'No text could be read from the pages of the PDF, neither from a text layer nor by OCR.'
  const hint = context.options.parseMethod === 'text' ? ', and OCR was not asked for' : ''
  return `The pages of the PDF hold no text layer${hint}.`
}
