// Which parser reads which media type. A new format is one file and one row; modules load on first use, since most are large.
import { AppError } from '../core/errors.ts'
import type { FormatParser } from './format.ts'
import { DOCX, XLSX } from './sniff.ts'

const FORMATS: ReadonlyMap<string, () => Promise<FormatParser>> = new Map([
  ['application/pdf', async () => (await import('./pdf.ts')).parsePdf],
  [DOCX, async () => (await import('./docx.ts')).parseDocx],
  [XLSX, async () => (await import('./xlsx.ts')).parseXlsx],
  ['text/html', async () => (await import('./html.ts')).parseHtml],
  ['text/markdown', async () => (await import('./markdown.ts')).parseMarkdown],
  ['text/csv', async () => (await import('./csv.ts')).parseCsv],
  ['application/json', async () => (await import('./json.ts')).parseJson],
  ['text/plain', async () => (await import('./text.ts')).parseText],
])

export function isSupported(mediaType: string): boolean {
  return FORMATS.has(mediaType)
}

/** @throws AppError `unsupported_file_type` */
export async function parserFor(mediaType: string): Promise<FormatParser> {
  const load = FORMATS.get(mediaType)
  if (load === undefined) throw new AppError('unsupported_file_type', `Files of type ${mediaType} cannot be read.`)
  return load()
}
