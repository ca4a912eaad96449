// Files that are broken, lying or malicious: each ends in the right code with its own sentence, and the pool goes on serving.
import { crc32, deflateRawSync, deflateSync } from 'node:zlib'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { assemblePdf, chinesePdf } from '../../fixtures/documents/make-pdf.ts'
import { rawDocx, zip } from '../../fixtures/documents/make-docx.ts'
import { AppError, type ErrorCode } from '../../src/core/errors.ts'
import { ParserPool } from '../../src/parsers/pool.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { fixture } from './support.ts'

let pool: ParserPool
beforeAll(() => {
  pool = new ParserPool({ size: 1, limits: { pdfPages: 5 }, libreOffice: false })
})
afterAll(() => pool.close())

const parse = (bytes: Uint8Array, fileName: string): Promise<{ blocks: { text: string }[]; warnings: string[] }> =>
  pool.parse({ bytes, fileName, options: DEFAULT_PARSE_OPTIONS }, AbortSignal.timeout(55_000))

async function refusal(bytes: Uint8Array, fileName: string): Promise<[ErrorCode, string]> {
  const error: unknown = await parse(bytes, fileName).then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof AppError)) throw error
  return [error.code, error.message]
}

/** A zip written by hand: its directory may say anything. */
function forgedZip(entries: readonly { name: string; body?: Uint8Array; declared?: number; mode?: number; flags?: number }[]): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const { name, body = Buffer.from('<a/>'), declared, mode = 0, flags = 0 } of entries) {
    const data = deflateRawSync(body)
    const local = Buffer.alloc(30)
    local.writeUInt32LE(0x04034b50, 0)
    local.writeUInt16LE(20, 4)
    local.writeUInt16LE(8, 8)
    local.writeUInt32LE(data.length, 18)
    local.writeUInt32LE(declared ?? body.length, 22)
    local.writeUInt16LE(Buffer.byteLength(name), 26)
    const central = Buffer.alloc(46)
    central.writeUInt32LE(0x02014b50, 0)
    central.writeUInt16LE(0x0314, 4)
    central.writeUInt16LE(20, 6)
    central.writeUInt16LE(flags, 8)
    central.writeUInt16LE(8, 10)
    central.writeUInt32LE(data.length, 20)
    central.writeUInt32LE(declared ?? body.length, 24)
    central.writeUInt16LE(Buffer.byteLength(name), 28)
    central.writeUInt32LE((mode << 16) >>> 0, 38)
    central.writeUInt32LE(offset, 42)
    directory.push(central, Buffer.from(name))
    locals.push(local, Buffer.from(name), data)
    offset += 30 + Buffer.byteLength(name) + data.length
  }
  const size = Buffer.concat(directory).length
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(size, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...directory, end])
}

/** A page whose content unpacks to hundreds of megabytes of empty drawing. */
function contentBomb(): Buffer {
  const packed = deflateSync(Buffer.alloc(300_000_000, 'q Q '))
  const stream = `<< /Length ${packed.length} /Filter /FlateDecode >>\nstream\n${packed.toString('latin1')}\nendstream`
  return assemblePdf([
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>',
    stream,
  ])
}

/** A PNG that says it is enormous; a few bytes of it would unpack to nearly a billion pixels. */
function hugePicture(): Buffer {
  const piece = (type: string, body: Buffer): Buffer => {
    const named = Buffer.concat([Buffer.from(type), body])
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(body.length)
    check.writeUInt32BE(crc32(named))
    return Buffer.concat([length, named, check])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(30_000, 0)
  header.writeUInt32BE(30_000, 4)
  header.writeUInt8(1, 8)
  return Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    piece('IHDR', header),
    piece('IDAT', deflateSync(Buffer.alloc(1000))),
    piece('IEND', Buffer.alloc(0)),
  ])
}

const PACKAGE = [{ name: '[Content_Types].xml' }, { name: 'word/document.xml' }]
const paragraph = (text: string): string => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`

const CASES: [string, () => Promise<Uint8Array> | Uint8Array, string, ErrorCode, RegExp][] = [
  ['zero bytes', () => Buffer.alloc(0), 'empty.pdf', 'unprocessable_document', /is empty/],
  ['only blanks', () => Buffer.from(' \n\n \t\n'), 'blank.txt', 'unprocessable_document', /holds no text/],
  ['a truncated PDF', async () => (await fixture('lesson.pdf')).subarray(0, 300), 'cut.pdf', 'unprocessable_document', /damaged/],
  [
    'a PDF header before noise',
    () => Buffer.concat([Buffer.from('%PDF-1.7\n'), Buffer.alloc(5000, 0xa7)]),
    'noise.pdf',
    'unprocessable_document',
    /damaged/,
  ],
  ['an encrypted PDF', () => fixture('encrypted.pdf'), 'secret.pdf', 'unprocessable_document', /password protected/],
  [
    'a PDF of too many pages',
    () => chinesePdf(Array.from({ length: 6 }, () => [{ text: '页', x: 72, y: 72, size: 12 }])),
    'long.pdf',
    'unprocessable_document',
    /6 pages; at most 5/,
  ],
  ['a truncated Word file', async () => (await fixture('lesson.docx')).subarray(0, 4000), 'cut.docx', 'unprocessable_document', /damaged/],
  [
    'a bit-rotted Word file',
    async () => (await fixture('lesson.docx')).fill(0x55, 200, 3000),
    'rot.docx',
    'unprocessable_document',
    /damaged|cannot be read/,
  ],
  [
    'an encrypted Office file',
    () => Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600), Buffer.from('EncryptedPackage', 'utf16le')]),
    'x.docx',
    'unprocessable_document',
    /password protected/,
  ],
  [
    'a zip bomb',
    () => zip({ '[Content_Types].xml': strToU8('<a/>'), 'word/document.xml': new Uint8Array(30_000_000) }),
    'bomb.docx',
    'unprocessable_document',
    /100 times its size/,
  ],
  [
    'a bomb of honest ratio and dishonest total',
    () =>
      forgedZip([
        ...PACKAGE,
        { name: 'word/a.xml', declared: 600_000 * 999, body: Buffer.alloc(6_500_000).map((_, i) => (i * 2_654_435_761) >>> 24) },
      ]),
    'big.docx',
    'unprocessable_document',
    /500 MB|100 times|damaged/,
  ],
  [
    'an entry longer than declared',
    () => forgedZip([{ name: '[Content_Types].xml' }, { name: 'word/document.xml', declared: 10, body: Buffer.alloc(100_000, 'x') }]),
    'lie.docx',
    'unprocessable_document',
    /damaged/,
  ],
  [
    '10,001 entries',
    () =>
      zipSync(
        Object.fromEntries(
          Array.from({ length: 9_999 }, (_, i): [string, Uint8Array] => [`a/${i}`, new Uint8Array()]).concat([
            ['[Content_Types].xml', strToU8('<a/>')],
            ['word/document.xml', strToU8('<a/>')],
          ]),
        ),
        { level: 0 },
      ),
    'many.docx',
    'unprocessable_document',
    /more than 10000 parts/,
  ],
  [
    'a path that climbs out',
    () => forgedZip([...PACKAGE, { name: '../../etc/passwd' }]),
    'climb.docx',
    'unprocessable_document',
    /points outside/,
  ],
  [
    'a drive letter path',
    () => forgedZip([...PACKAGE, { name: 'C:/windows/a.xml' }]),
    'drive.docx',
    'unprocessable_document',
    /points outside/,
  ],
  [
    'a symbolic link',
    () => forgedZip([...PACKAGE, { name: 'word/link', mode: 0xa1ff }]),
    'link.docx',
    'unprocessable_document',
    /symbolic link/,
  ],
  [
    'the same entry twice',
    () => forgedZip([...PACKAGE, { name: 'word/document.xml' }]),
    'twice.docx',
    'unprocessable_document',
    /same part twice/,
  ],
  [
    'a name with a right-to-left override',
    () => forgedZip([...PACKAGE, { name: 'word/\u202exml.exe', flags: 0x800 }]),
    'rtl.docx',
    'unprocessable_document',
    /control characters/,
  ],
  [
    'a nested archive',
    () => zip({ '[Content_Types].xml': strToU8('<a/>'), 'word/document.xml': strToU8('<a/>'), 'word/inner.zip': strToU8('PK') }),
    'nest.docx',
    'unprocessable_document',
    /another archive/,
  ],
  [
    'an entity bomb',
    () =>
      zip({
        '[Content_Types].xml': strToU8('<a/>'),
        '_rels/.rels': strToU8('<Relationships/>'),
        'word/document.xml': strToU8('<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><a>&c;</a>'),
      }),
    'laughs.docx',
    'unprocessable_document',
    /document type/,
  ],
  [
    'an external entity',
    () =>
      zip({
        '[Content_Types].xml': strToU8('<a/>'),
        'word/document.xml': strToU8('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'),
      }),
    'xxe.docx',
    'unprocessable_document',
    /document type/,
  ],
  [
    'XML 600 levels deep',
    () => rawDocx('<w:sdt><w:sdtContent>'.repeat(300) + paragraph('x') + '</w:sdtContent></w:sdt>'.repeat(300)),
    'deep.docx',
    'unprocessable_document',
    /nested more than 500/,
  ],
  [
    'JSON 100,000 levels deep',
    () => Buffer.from('['.repeat(100_000) + '1' + ']'.repeat(100_000)),
    'deep.json',
    'unprocessable_document',
    /nested/,
  ],
  ['broken JSON', () => Buffer.from('{"a": 1,, }'), 'broken.json', 'unprocessable_document', /not valid JSON/],
  [
    'HTML 100,000 levels deep',
    () => Buffer.from(`<html><body>${'<div>'.repeat(100_000)}x`),
    'deep.html',
    'unprocessable_document',
    /nested/,
  ],
  ['a PDF page that unpacks to 300 MB', contentBomb, 'bomb.pdf', 'unprocessable_document', /memory|time limit|damaged/],
  ['a picture of 900 million pixels', hugePicture, 'huge.png', 'unprocessable_document', /30000 × 30000 pixels/],
  ['a truncated picture', async () => (await fixture('score-sheet.png')).subarray(0, 2000), 'cut.png', 'unprocessable_document', /damaged/],
  ['Markdown of 20,000 nested quotes', () => Buffer.from('> '.repeat(20_000)), 'deep.md', 'unprocessable_document', /holds no text/],
  [
    'a program named .pdf',
    () => Buffer.concat([Buffer.from('MZ'), Buffer.alloc(600)]),
    'lesson.pdf',
    'unsupported_file_type',
    /looks like a program/,
  ],
  ['a zip named .docx', () => zip({ 'readme.txt': strToU8('hello') }), 'plain.docx', 'unsupported_file_type', /looks like a zip archive/],
  [
    'an old Word file',
    () => Buffer.concat([Buffer.from('d0cf11e0a1b11ae1', 'hex'), Buffer.alloc(600), Buffer.from('WordDocument', 'utf16le')]),
    'old.doc',
    'unsupported_file_type',
    /save it as \.docx/,
  ],
  [
    'unknown binary data',
    () => Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 73 + (i >> 3)) % 31)),
    'data.bin',
    'unsupported_file_type',
    /binary data/,
  ],
]

test.each(CASES)('%s is refused with its own sentence', async (_name, bytes, fileName, code, sentence) => {
  const [actual, message] = await refusal(await bytes(), fileName)
  expect(actual).toBe(code)
  expect(message).toMatch(sentence)
})

test('400 nested tables are read', async () => {
  const document = await parse(
    Buffer.from(`<html><body>${'<table><tr><td>'.repeat(400)}core${'</td></tr></table>'.repeat(400)}</body></html>`),
    'nested.html',
  )
  expect(document.blocks.map((block) => block.text).join('')).toContain('core')
})

test('NUL characters are removed with a warning', async () => {
  const document = await parse(Buffer.from('one\0 two\0 three and some more words to read'), 'nul.txt')
  expect(document.blocks[0]?.text).toBe('one two three and some more words to read')
  expect(document.warnings.join()).toMatch(/2 NUL/)
})

test('a single line of five million characters is read', async () => {
  const document = await parse(Buffer.from('abcde '.repeat(833_333)), 'line.txt')
  expect(document.blocks[0]?.text.length).toBeGreaterThan(4_900_000)
})

test('a wrong extension is a warning, not an error', async () => {
  const document = await parse(await fixture('lesson.docx'), 'lesson.pdf')
  expect(document.blocks[0]?.text).toBe('二次函数')
  expect(document.warnings[0]).toMatch(/name of the file says application\/pdf/)
})

test('after all of these the pool still reads', async () => {
  const document = await parse(Buffer.from('still here'), 'ok.txt')
  expect(document.blocks[0]?.text).toBe('still here')
})
