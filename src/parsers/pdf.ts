// PDF: the text layer page by page, put into reading order, cleaned of what repeats, and joined into headings, paragraphs and lists.
import type { PDFDocumentProxy } from 'pdfjs-dist'
import { type FormatContext, type FormatParser, unreadable } from './format.ts'
import { flowBlocks, headingRule, outlineKey, typographyOf, withoutMargins } from './pdf-flow.ts'
import { type Line, linesOf } from './pdf-lines.ts'
import { openPdf } from './pdf-open.ts'
import { readPage } from './pdf-page.ts'
import { createWriter, type Writer } from './writer.ts'

type Pages = { lines: Line[]; heights: number[]; empty: number[] }

async function readPages(pdf: PDFDocumentProxy, context: FormatContext, writer: Writer): Promise<Pages> {
  const pages: Pages = { lines: [], heights: [], empty: [] }
  for (let number = 1; number <= pdf.numPages; number += 1) {
    try {
      const page = await pdf.getPage(number)
      const { pieces, height } = await readPage(page, () => false)
      const lines = linesOf(pieces, number, (pages.lines.at(-1)?.region ?? 0) + 1)
      pages.lines.push(...lines)
      pages.heights.push(height)
      if (lines.length === 0) pages.empty.push(number)
      page.cleanup()
    } catch {
      // One broken page does not make the others unreadable; the reader of the document is told which one it was.
      pages.heights.push(842)
      writer.warn(`Page ${number} is damaged and could not be read.`)
    }
    context.progress()
  }
  return pages
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

function writeFlow(writer: Writer, lines: readonly Line[], outline: ReadonlyMap<string, number>): void {
  const typography = typographyOf(lines)
  for (const block of flowBlocks(lines, typography, headingRule(typography, outline))) {
    const [first] = block.lines
    const onPage = block.lines.filter((line) => line.page === first?.page)
    const place = { page: first?.page, bbox: boxOf(onPage) }
    if (block.kind === 'heading') writer.heading(block.level, block.text, place)
    else writer.text(block.kind, block.text, place)
  }
}

const tenth = (value: number): number => Math.round(value * 10) / 10

function boxOf(lines: readonly Line[]): [number, number, number, number] {
  return [
    tenth(Math.min(...lines.map((line) => line.left))),
    tenth(Math.min(...lines.map((line) => line.top))),
    tenth(Math.max(...lines.map((line) => line.right))),
    tenth(Math.max(...lines.map((line) => line.bottom))),
  ]
}

const MAX_NAMED_PAGES = 20

export const parsePdf: FormatParser = async (bytes, context) => {
  const pdf = await openPdf(bytes, context.limits)
  try {
    const writer = createWriter(context)
    const pages = await readPages(pdf, context, writer)
    if (pages.lines.length === 0)
      throw unreadable('The pages of the PDF hold no text layer: they are pictures of text, which cannot be read without OCR.')
    for (const page of pages.empty.slice(0, MAX_NAMED_PAGES)) writer.warn(`Page ${page} holds no text layer; nothing was read from it.`)
    if (pages.empty.length > MAX_NAMED_PAGES) writer.warn(`${pages.empty.length - MAX_NAMED_PAGES} more pages hold no text layer.`)
    writeFlow(writer, withoutMargins(pages.lines, pages.heights), await readOutline(pdf))
    return writer.finish({ title: await readTitle(pdf), pages: pdf.numPages })
  } finally {
    await pdf.loadingTask.destroy()
  }
}
