// OCR is slow, so that what it made of a part of a document is handed out at once and taken back when the document is tried again.
import type { FormatContext } from './format.ts'
import type { OcrMemory, OcrPage } from './ocr.ts'

type Kept = OcrPage & { /** What was known of the document's script after this part. */ script?: NonNullable<OcrMemory['script']> }

/**
 * What an earlier try at the same document read here, else what is read now, which is kept unless there is nothing. Pages come in order,
 * so that the script a document is in is the same as without the break.
 */
export async function readOnce(
  { readings }: FormatContext,
  part: string,
  memory: OcrMemory,
  read: () => Promise<OcrPage | undefined>,
): Promise<OcrPage | undefined> {
  const known = readings?.known.get(part) as Kept | undefined
  if (known !== undefined) {
    const { script, ...page } = known
    if (script !== undefined) memory.script = script
    return page
  }
  const page = await read()
  if (page !== undefined) readings?.keep(part, { ...page, ...memory } satisfies Kept)
  return page
}
