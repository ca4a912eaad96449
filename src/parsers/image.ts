// Pictures: photos of a blackboard, scans, score sheets. OCR words become lines, headings and tables as a PDF page's text does.
import sharp from 'sharp'
import { assetMaker } from './assets.ts'
import { type FormatContext, type FormatParser, unreadable } from './format.ts'
import { closeOcr, type OcrMemory, type OcrPage, readPicture } from './ocr.ts'
import { withAlignedTables } from './pdf-aligned.ts'
import { flowBlocks } from './pdf-flow.ts'
import { linesOf } from './pdf-lines.ts'
import { evenSizes, UNSURE, withinTime } from './pdf-ocr.ts'
import { withRuledTables } from './pdf-page.ts'
import { readOnce } from './readings.ts'
import { headingRule, typographyOf } from './pdf-typography.ts'
import { writeBlock } from './pdf-write.ts'
import { createWriter, type Writer } from './writer.ts'

export const parseImage: FormatParser = async (bytes, context) => {
  const { limits, options } = context
  // Only the header is read here; the library's own limit is lifted so that ours can be named.
  const size = await sharp(bytes, { limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw unreadable('The picture is damaged and cannot be opened.', error)
    })
  if (size.width * size.height > limits.imagePixels)
    throw unreadable(`The picture has ${size.width} × ${size.height} pixels; at most ${limits.imagePixels} are read.`)
  const mayBeSeen = context.picturesAreRead === true && options.processImages
  if (options.parseMethod === 'text' && !mayBeSeen) throw unreadable('A picture holds no text layer, and OCR was not asked for.')
  const writer = createWriter(context)
  if ((size.pages ?? 1) > 1) writer.warn(`The picture has ${size.pages} pages or frames; only the first one was read.`)
  const read = options.parseMethod === 'text' ? undefined : await readInTime(bytes, context)
  if (options.processImages) writer.image('', assetMaker()(bytes, context.mediaType, { width: size.width, height: size.height }))
  if (read !== undefined) writeRead(read, context, writer)
  if (writer.isEmpty() && !mayBeSeen) throw unreadable('No text could be read from the picture.')
  return writer.finish({ pages: 1 })
}

async function readInTime(bytes: Uint8Array, context: FormatContext): Promise<OcrPage> {
  const { limits } = context
  context.progress(limits.ocrPageMs)
  const memory: OcrMemory = {}
  const read = await readOnce(context, 'page 1', memory, () => {
    const reading = readPicture(bytes, 1, memory).catch((error: unknown) => {
      throw unreadable('The picture is damaged and cannot be opened.', error)
    })
    return withinTime(reading, limits.ocrPageMs)
  })
  if (read !== undefined) return read
  await closeOcr()
  throw unreadable('The picture could not be read by OCR within its time limit.')
}

function writeRead(read: OcrPage, { options }: FormatContext, writer: Writer): void {
  if (read.confidence < UNSURE && read.pieces.length > 0)
    writer.warn(`The picture was read by OCR with low confidence (${Math.round(read.confidence * 100)} %).`)
  const even = evenSizes(read.pieces)
  const lines = linesOf(options.processTables ? withRuledTables(even, read.rulings) : even, 1, 1)
  const final = options.processTables ? withAlignedTables(lines) : lines
  const typography = typographyOf(final)
  for (const block of flowBlocks(final, new Map(), typography, headingRule(typography, new Map()))) writeBlock(writer, block)
}
