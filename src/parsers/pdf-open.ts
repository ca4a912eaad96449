// pdf.js, set up to run without network, workers or fonts of the system, and its failures as sentences.
import { dirname, join } from 'node:path'
import { createRequire } from 'node:module'
import type { PDFDocumentProxy } from 'pdfjs-dist'
import { type ParseLimits, unreadable } from './format.ts'

const folder = dirname(createRequire(import.meta.url).resolve('pdfjs-dist/package.json'))

/**
 * Opens a PDF. Owner passwords do not hinder reading; user passwords do.
 * @throws AppError `unprocessable_document`: password protected, damaged, no pages, too many pages.
 */
export async function openPdf(bytes: Uint8Array, limits: ParseLimits): Promise<PDFDocumentProxy> {
  const pdfjs = await import('pdfjs-dist/legacy/build/pdf.mjs')
  const task = pdfjs.getDocument({
    // pdf.js takes the buffer over, so it gets a copy of its own.
    data: Uint8Array.from(bytes),
    cMapUrl: join(folder, 'cmaps/'),
    cMapPacked: true,
    standardFontDataUrl: join(folder, 'standard_fonts/'),
    wasmUrl: join(folder, 'wasm/'),
    useSystemFonts: false,
    disableFontFace: true,
    // Gives fonts their real names, which tell bold type.
    fontExtraProperties: true,
    enableXfa: false,
    maxImageSize: limits.imagePixels,
    verbosity: 0,
  })
  let document: PDFDocumentProxy
  try {
    document = await task.promise
  } catch (error) {
    const isLocked = error instanceof Error && error.name === 'PasswordException'
    throw isLocked ? unreadable('The PDF is password protected.') : unreadable('The PDF is damaged and cannot be opened.', error)
  }
  if (document.numPages === 0) throw unreadable('The PDF is empty: it has no pages.')
  if (document.numPages > limits.pdfPages) throw unreadable(`The PDF has ${document.numPages} pages; at most ${limits.pdfPages} are read.`)
  return document
}
