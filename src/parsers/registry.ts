// Which parser reads which media type. A new format is one file and one row; modules load on first use, since most are large.
import { READY_MEDIA_TYPE } from '../core/ready-document.ts'
import type { FormatParser } from './format.ts'
import { DOCX, PPTX, refusalOf, XLSX } from './sniff.ts'

const image = async (): Promise<FormatParser> => (await import('./image.ts')).parseImage

const other = async (): Promise<FormatParser> => (await import('./office-other.ts')).parseOtherOffice

const FORMATS: ReadonlyMap<string, () => Promise<FormatParser>> = new Map([
  ['application/pdf', async () => (await import('./pdf.ts')).parsePdf],
  [DOCX, async () => (await import('./docx.ts')).parseDocx],
  [PPTX, async () => (await import('./pptx.ts')).parsePptx],
  [XLSX, async () => (await import('./xlsx.ts')).parseXlsx],
  ['text/html', async () => (await import('./html.ts')).parseHtml],
  ['text/markdown', async () => (await import('./markdown.ts')).parseMarkdown],
  ['text/csv', async () => (await import('./csv.ts')).parseCsv],
  ['application/json', async () => (await import('./json.ts')).parseJson],
  [READY_MEDIA_TYPE, async () => (await import('./json.ts')).parseReady],
  ['image/png', image],
  ['image/jpeg', image],
  ['image/gif', image],
  ['image/webp', image],
  ['image/tiff', image],
  ['application/epub+zip', async () => (await import('./epub.ts')).parseEpub],
  ['application/rtf', other],
  ['application/vnd.oasis.opendocument.text', other],
  ['application/vnd.oasis.opendocument.spreadsheet', other],
  ['application/vnd.oasis.opendocument.presentation', other],
  ['text/plain', async () => (await import('./text.ts')).parseText],
])

export function isSupported(mediaType: string): boolean {
  return FORMATS.has(mediaType)
}

/** @throws AppError `unsupported_file_type` */
export async function parserFor(mediaType: string): Promise<FormatParser> {
  const load = FORMATS.get(mediaType)
  if (load === undefined) throw refusalOf(mediaType)
  return load()
}
