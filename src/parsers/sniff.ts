// What a file is, by its content. The name decides only between kinds of text that look alike; the declared type decides nothing.
import { AppError } from '../core/errors.ts'
import { isReady, READY_MEDIA_TYPE } from '../core/ready-document.ts'
import { decodeText, mayBeBig5 } from './encoding.ts'
import { unreadable } from './format.ts'

export type Identified = { mediaType: string; /** Declared type or extension contradict the content. */ warnings: string[] }

export const DOCX = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
export const XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
export const PPTX = 'application/vnd.openxmlformats-officedocument.presentationml.presentation'

type Signature = { bytes: string; at?: number; is: string; mediaType?: string }

/** Leading bytes as Latin-1; `mediaType` where the engine may read it, else only the words for the refusal. */
const SIGNATURES: readonly Signature[] = [
  { bytes: '\x89PNG\r\n\x1a\n', is: 'a PNG picture', mediaType: 'image/png' },
  { bytes: '\xff\xd8\xff', is: 'a JPEG picture', mediaType: 'image/jpeg' },
  { bytes: 'GIF8', is: 'a GIF picture', mediaType: 'image/gif' },
  { bytes: 'WEBP', at: 8, is: 'a WebP picture', mediaType: 'image/webp' },
  { bytes: 'II*\0', is: 'a TIFF picture', mediaType: 'image/tiff' },
  { bytes: 'MM\0*', is: 'a TIFF picture', mediaType: 'image/tiff' },
  { bytes: 'ftypheic', at: 4, is: 'a HEIC picture' },
  { bytes: 'ftypavif', at: 4, is: 'an AVIF picture' },
  { bytes: 'ftyp', at: 4, is: 'a video' },
  { bytes: 'BM', is: 'a BMP picture' },
  { bytes: '{\\rtf', is: 'a Rich Text file', mediaType: 'application/rtf' },
  { bytes: '\x1f\x8b', is: 'a gzip archive' },
  { bytes: '7z\xbc\xaf\x27\x1c', is: 'a 7-Zip archive' },
  { bytes: 'Rar!\x1a\x07', is: 'a RAR archive' },
  { bytes: 'BZh', is: 'a bzip2 archive' },
  { bytes: '\xfd7zXZ\0', is: 'an xz archive' },
  { bytes: '\x7fELF', is: 'a program' },
  { bytes: 'MZ', is: 'a program' },
  { bytes: '\xca\xfe\xba\xbe', is: 'a program' },
  { bytes: '\0asm', is: 'a program' },
  { bytes: 'ID3', is: 'a sound recording' },
  { bytes: 'OggS', is: 'a sound recording' },
  { bytes: 'fLaC', is: 'a sound recording' },
  { bytes: 'WAVE', at: 8, is: 'a sound recording' },
  { bytes: 'AVI ', at: 8, is: 'a video' },
  { bytes: '\x1aE\xdf\xa3', is: 'a video' },
  { bytes: 'SQLite format 3', is: 'a database' },
  { bytes: 'wOFF', is: 'a font' },
  { bytes: 'wOF2', is: 'a font' },
]

const LEGACY = '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'

const EXTENSIONS: Readonly<Record<string, string>> = {
  pdf: 'application/pdf',
  docx: DOCX,
  xlsx: XLSX,
  pptx: PPTX,
  doc: 'application/msword',
  xls: 'application/vnd.ms-excel',
  ppt: 'application/vnd.ms-powerpoint',
  rtf: 'application/rtf',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odp: 'application/vnd.oasis.opendocument.presentation',
  epub: 'application/epub+zip',
  html: 'text/html',
  htm: 'text/html',
  xhtml: 'text/html',
  md: 'text/markdown',
  markdown: 'text/markdown',
  csv: 'text/csv',
  tsv: 'text/csv',
  json: 'application/json',
  jsonl: 'application/json',
  ndjson: 'application/json',
  txt: 'text/plain',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
}

const latin1 = (bytes: Uint8Array, from: number, length: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + from, Math.max(0, Math.min(length, bytes.length - from))).toString('latin1')

const unsupported = (is: string): AppError => new AppError('unsupported_file_type', `This file looks like ${is}, which cannot be read.`)

/** Names in the central directory, without unpacking anything; empty when the directory cannot be found. */
function zipNames(bytes: Uint8Array): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const names: string[] = []
  let end = bytes.length - 22
  while (end >= Math.max(0, bytes.length - 65_557) && view.getUint32(end, true) !== 0x06054b50) end -= 1
  if (end < 0 || view.getUint32(end, true) !== 0x06054b50) return names
  for (
    let at = view.getUint32(end + 16, true);
    names.length < 20_000 && at + 46 <= bytes.length && view.getUint32(at, true) === 0x02014b50;
  ) {
    const length = view.getUint16(at + 28, true)
    names.push(latin1(bytes, at + 46, length))
    at += 46 + length + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return names
}

function zipType(bytes: Uint8Array): string {
  const declared = /^mimetype(application\/[a-z0-9.+-]+)/.exec(latin1(bytes, 30, 120))?.[1]
  if (declared !== undefined) return declared
  const names = zipNames(bytes)
  if (names.length === 0) throw unreadable('The file is damaged: its container cannot be opened.')
  if (names.includes('mimetype') && names.includes('META-INF/container.xml')) return 'application/epub+zip'
  if (names.includes('[Content_Types].xml')) {
    if (names.some((name) => name.startsWith('word/'))) return DOCX
    if (names.some((name) => name.startsWith('xl/'))) return XLSX
    if (names.some((name) => name.startsWith('ppt/'))) return PPTX
  }
  throw unsupported('a zip archive')
}

/** Office 97–2003 files share one container; the names of its streams, in UTF-16, tell them apart. */
function legacyType(bytes: Uint8Array, fileName: string): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const has = (name: string): boolean => buffer.includes(Buffer.from(name, 'utf16le'))
  if (has('EncryptedPackage')) throw unreadable('The Office file is password protected.')
  if (has('WordDocument')) return 'application/msword'
  if (has('Workbook') || has('Book')) return 'application/vnd.ms-excel'
  if (has('PowerPoint Document')) return 'application/vnd.ms-powerpoint'
  if (LEGACY_NAMES[extensionType(fileName) ?? ''] !== undefined) throw unreadable('The file is damaged: its container cannot be read.')
  throw unsupported('an old Office or e-mail file')
}

const LEGACY_NAMES: Readonly<Record<string, [string, string]>> = {
  'application/msword': ['Word (.doc)', 'docx'],
  'application/vnd.ms-excel': ['Excel (.xls)', 'xlsx'],
  'application/vnd.ms-powerpoint': ['PowerPoint (.ppt)', 'pptx'],
}

/** Why a recognised type is not read here; for old Office files, what to do about it. */
export function refusalOf(mediaType: string): AppError {
  const [name, save] = LEGACY_NAMES[mediaType] ?? []
  const sentence =
    name === undefined || save === undefined
      ? `Files of type ${mediaType} cannot be read.`
      : `Old ${name} files cannot be read; open it and save it as .${save}.`
  return new AppError('unsupported_file_type', sentence)
}

export function extensionType(fileName: string): string | undefined {
  const extension = /\.([A-Za-z0-9]{1,8})$/.exec(fileName.trim())?.[1]?.toLowerCase()
  return extension === undefined ? undefined : Object.hasOwn(EXTENSIONS, extension) ? EXTENSIONS[extension] : undefined
}

const TEXT_SAMPLE = 65_536

/** Binary data hardly ever is UTF-8 by chance, so that its validity is proof. */
const MAX_CONTROLS_SURE = 0.1
/** In any other encoding every byte string means something, so that only the absence of what nobody writes tells text from binary data. */
const MAX_CONTROLS_GUESSED = 0.01
/** Texts that are read as windows-1252 because nothing else fits are European: mostly letters of ASCII. Random bytes have 0.4. */
const MIN_ASCII = 0.6
/** Characters of which shares say nothing. */
const FEW = 8

const isChinese = (encoding: string): boolean => encoding === 'gb18030' || encoding === 'big5'

/** Whether decoded bytes are something that a person or program wrote as text. */
function looksWritten(bytes: Uint8Array, text: string, encoding: string): boolean {
  // Old programs end a text with Ctrl-Z or fill its last block with zeros.
  // oxlint-disable-next-line no-control-regex -- control characters are what tells binary from text
  const body = text.replace(/[\u0000\u001a]+$/, '')
  // oxlint-disable-next-line no-control-regex -- as above
  const controls = body.match(/[\u0000-\u0008\u000e-\u001a\u001c-\u001f\ufffd]/g)?.length ?? 0
  if (encoding === 'utf-8') return controls <= body.length * MAX_CONTROLS_SURE
  const strange = body.match(/[\u007f-\u009f\p{Co}\p{Cn}]/gu)?.length ?? 0
  // One broken character is what a cut in its middle leaves of it.
  if (controls + strange > Math.max(isChinese(encoding) ? 1 : 0, body.length * MAX_CONTROLS_GUESSED)) return false
  if (encoding !== 'windows-1252') return true
  const ascii = body.match(/[\t\n\r\u0020-\u007e]/g)?.length ?? 0
  return body.length < FEW || ascii >= body.length * MIN_ASCII || mayBeBig5(bytes)
}

function textType(bytes: Uint8Array, fileName: string): string {
  const cut = bytes.length > TEXT_SAMPLE ? TEXT_SAMPLE - (TEXT_SAMPLE % 4) : bytes.length
  const beginning = trimmed(bytes.subarray(0, cut), cut < bytes.length)
  const { text: sample, encoding } = decodeText(beginning)
  if (!looksWritten(beginning, sample, encoding)) throw unsupported('binary data of an unknown kind')
  if (isReady(sample.slice(0, 256))) return READY_MEDIA_TYPE
  const hint = extensionType(fileName)
  const start = sample.slice(0, 2048).trimStart().toLowerCase()
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[\s\S]*?-->\s*)*<(?:!doctype html|html|head|body)\b/.test(start)) return 'text/html'
  if (hint === 'text/html' && /<[a-z][^>]*>/.test(sample.toLowerCase())) return 'text/html'
  if (
    hint === 'application/json' ||
    (hint !== 'text/plain' && hint !== 'text/markdown' && hint !== 'text/csv' && looksLikeJson(sample, cut < bytes.length))
  )
    return 'application/json'
  return hint === 'text/csv' || hint === 'text/markdown' ? hint : 'text/plain'
}

/** A sample cut inside a UTF-8 character would look like another encoding. */
function trimmed(bytes: Uint8Array, isCut: boolean): Uint8Array {
  if (!isCut) return bytes
  let end = bytes.length
  while (end > bytes.length - 4 && end > 0 && ((bytes[end - 1] ?? 0) & 0xc0) === 0x80) end -= 1
  return bytes.subarray(0, (bytes[end - 1] ?? 0) >= 0xc0 ? end - 1 : bytes.length)
}

function looksLikeJson(sample: string, isCut: boolean): boolean {
  const text = sample.trim()
  if (!/^[{[]\s*(?:["{[\]}]|-?\d)/.test(text)) return false
  if (isCut) return /^[{[]\s*[{"[]/.test(text) && /"\s*:/.test(text)
  try {
    JSON.parse(text)
    return true
  } catch {
    // Text in brackets that is not JSON is text.
    return false
  }
}

function contentType(bytes: Uint8Array, fileName: string): string {
  if (bytes.length === 0) throw unreadable('The file is empty.')
  if (latin1(bytes, 0, 1024).includes('%PDF-')) return 'application/pdf'
  const start = latin1(bytes, 0, 16)
  if (start.startsWith('PK\x03\x04')) return zipType(bytes)
  if (start.startsWith('PK\x05\x06')) throw unreadable('The file is empty: its container has no parts.')
  if (start.startsWith(LEGACY)) return legacyType(bytes, fileName)
  const known = SIGNATURES.find(({ bytes: mark, at = 0 }) => start.startsWith(mark, at))
  if (known?.mediaType !== undefined) return known.mediaType
  // Two letters are a weak sign: a text may begin with them, binary data has zero bytes soon.
  if (known !== undefined && (known.bytes.length > 3 || bytes.subarray(0, 512).includes(0))) throw unsupported(known.is)
  return textType(bytes, fileName)
}

const same = (a: string, b: string): boolean =>
  a === b || (a.startsWith('text/') && b.startsWith('text/')) || (a === 'text/plain' && b === 'application/json')

/**
 * The media type of a file by its content: magic bytes, the parts of a container, the look of text. Cost: at most 64 KB of text are looked at.
 *
 * @param fileName     decides between CSV, Markdown, JSON, HTML and plain text only.
 * @param declaredType what a server or client said; a contradiction is a warning.
 * @throws AppError `unsupported_file_type` naming what it looks like; `unprocessable_document` for an empty or visibly broken file.
 */
export function sniffMediaType(bytes: Uint8Array, fileName: string, declaredType?: string): Identified {
  const mediaType = contentType(bytes, fileName)
  // It says itself what it is; its name is that of the document it was made from.
  if (mediaType === READY_MEDIA_TYPE) return { mediaType, warnings: [] }
  const warnings: string[] = []
  const byName = extensionType(fileName)
  if (byName !== undefined && !same(mediaType, byName))
    warnings.push(`The name of the file says ${byName}, its content is ${mediaType}; the content was believed.`)
  const declared = declaredType?.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const isTelling = declared !== '' && declared !== 'application/octet-stream' && declared.includes('/') && declared !== byName
  if (isTelling && !same(mediaType, declared))
    warnings.push(`The file was declared as ${declared}, its content is ${mediaType}; the content was believed.`)
  return { mediaType, warnings }
}
