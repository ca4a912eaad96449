// The words inside a picture that a document embeds: a worksheet pasted as a photo is text all the same. Bounded in number and time.
import { createHash } from 'node:crypto'
import type { FormatContext } from './format.ts'
import { closeOcr, type OcrMemory, readPicture } from './ocr.ts'
import { linesOf } from './pdf-lines.ts'
import { evenSizes, withinTime } from './pdf-ocr.ts'
import { tidyRead } from './pdf-pieces.ts'
import { readOnce } from './readings.ts'

export type PictureText = { text: string; confidence: number }

/** Pictures of one document that are read; drawings below this size hold labels at most. */
const MAX_PICTURES = 30
const MIN_BYTES = 4000
/** Below this, or shorter than this, what OCR sees in a photo or drawing is noise. */
const MIN_CONFIDENCE = 0.6
const MIN_CHARACTERS = 6

/** Reads pictures of one document in turn; undefined where there is no text worth keeping, or none is wanted. */
export function pictureReader(context: FormatContext): (bytes: Uint8Array) => Promise<PictureText | undefined> {
  const memory: OcrMemory = {}
  let read = 0
  return async (bytes) => {
    if (context.options.parseMethod === 'text' || bytes.length < MIN_BYTES || read >= MAX_PICTURES) return undefined
    read += 1
    context.progress(context.limits.ocrPageMs)
    const part = `picture ${createHash('sha256').update(bytes).digest('hex')}`
    // A picture that cannot be decoded simply has no text; the document around it is read all the same.
    const page = await readOnce(context, part, memory, () =>
      withinTime(
        readPicture(bytes, 1, memory).catch(() => undefined),
        context.limits.ocrPageMs,
      ),
    )
    if (page === undefined) await closeOcr()
    if (page === undefined || page.confidence < MIN_CONFIDENCE) return undefined
    const text = tidyRead(
      linesOf(evenSizes(page.pieces), 1, 1)
        .map((line) => line.text)
        .join('\n'),
    )
    return text.replace(/\s/g, '').length < MIN_CHARACTERS ? undefined : { text, confidence: Math.round(page.confidence * 100) / 100 }
  }
}
