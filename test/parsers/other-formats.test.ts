// Formats read through others: EPUB by its chapters, old Office and OpenDocument by conversion or by a library.
import { strToU8 } from 'fflate'
import { afterAll, expect, test } from 'vitest'
import { zip } from '../../fixtures/documents/make-docx.ts'
import { explain } from '../../src/core/explained.ts'
import { findLibreOffice } from '../../src/parsers/legacy.ts'
import { ParserPool } from '../../src/parsers/pool.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { fixture, parseHere } from './support.ts'

const withOffice = new ParserPool({ size: 1 })
const withoutOffice = new ParserPool({ size: 1, libreOffice: false })
afterAll(async () => {
  await Promise.all([withOffice.close(), withoutOffice.close()])
})

const parseWith = async (pool: ParserPool, name: string): Promise<string[]> => {
  const document = await pool.parse(
    { bytes: await fixture(name), fileName: name, options: DEFAULT_PARSE_OPTIONS },
    AbortSignal.timeout(55_000),
  )
  return document.blocks.map((block) => `${block.type}: ${block.text}`)
}

const book = (chapters: Record<string, string>, spine: readonly string[]): Buffer =>
  zip({
    mimetype: strToU8('application/epub+zip'),
    'META-INF/container.xml': strToU8(
      '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
    ),
    'OEBPS/book.opf': strToU8(
      `<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The Cell</dc:title></metadata><manifest>${Object.keys(
        chapters,
      )
        .map((name) => `<item id="${name}" href="${name}.xhtml"/>`)
        .join('')}</manifest><spine>${spine.map((name) => `<itemref idref="${name}"/>`).join('')}</spine></package>`,
    ),
    ...Object.fromEntries(
      Object.entries(chapters).map(([name, body]) => [
        `OEBPS/${name}.xhtml`,
        strToU8(`<html xmlns="http://www.w3.org/1999/xhtml"><body>${body}</body></html>`),
      ]),
    ),
  })

test('the chapters of a book are read in the order of its spine', async () => {
  const document = await parseHere(
    book({ a: '<h1>Second</h1><p>Two.</p>', b: '<h1>First</h1><p>One.</p>' }, ['b', 'a', 'missing']),
    'cell.epub',
  )
  expect(document.title).toBe('The Cell')
  expect(document.blocks.map((block) => block.text)).toEqual(['First', 'One.', 'Second', 'Two.'])
  expect(document.warnings.join()).toMatch(/chapter of the book is missing/)
})

test('without LibreOffice an old Word file is refused with advice', async () => {
  await expect(parseWith(withoutOffice, 'lesson.doc')).rejects.toMatchObject({
    code: 'unsupported_file_type',
    message: expect.stringMatching(/save it as \.docx/) as string,
  })
})

test.each(['lesson.rtf', 'lesson.odt'])('without LibreOffice %s is read, and what is lost is said', async (name) => {
  const document = await withoutOffice.parse(
    { bytes: await fixture(name), fileName: name, options: DEFAULT_PARSE_OPTIONS },
    AbortSignal.timeout(55_000),
  )
  const text = document.blocks.map((block) => block.text).join('\n')
  for (const sentence of ['本课学习二次函数的图像和性质。', '整理成一般式；', '配方法在初三已经学过。', '表后一段。'])
    expect(text).toContain(sentence)
  expect(document.warnings.join()).toMatch(/Formulas and pictures of this format are not read/)
})

test.skipIf(findLibreOffice() === undefined).each(['lesson.doc', 'lesson.rtf', 'lesson.odt'])(
  'with LibreOffice %s keeps headings, lists and spans',
  async (name) => {
    const blocks = await parseWith(withOffice, name)
    expect(blocks).toContain('heading: 求根公式')
    expect(blocks).toContain('list: 1. 整理成一般式；\n  (a) 移项\n  (b) 合并同类项\n2. 计算判别式；')
    expect(blocks.join('\n')).toContain('| 一班 | 79 | 88 |')
  },
)

test('Markdown: formulas in brackets, footnotes, tables of HTML, items over two lines', async () => {
  const source =
    'So \\(a \\neq 0\\) holds.[^1]\n\n[^1]: A note.\n\n1. first\ngoes on\n2. second\n\n<table><tr><td>a</td><td>b</td></tr></table>\n'
  const { blocks } = await parseHere(Buffer.from(source), 'a.md')
  expect(blocks.map((block) => `${block.type}: ${block.text}`)).toEqual([
    'paragraph: So $a \\neq 0$ holds.[^1]',
    'note: A note.',
    'list: 1. first goes on\n2. second',
    'table: | a | b |',
  ])
})

test('a title above the columns of a CSV file is its caption', async () => {
  const { blocks } = await parseHere(Buffer.from('Class 4A,,\nName,Mark,Grade\nAnn,3,B\n'), 'a.csv')
  expect(blocks[0]?.table).toMatchObject({ caption: 'Class 4A', headerRows: 1, rows: 2, columns: 3 })
})

test('a formula alone between blank lines of a text is an equation', async () => {
  const { blocks } = await parseHere(Buffer.from('Speed is\n\n$$v=\\frac{s}{t}$$\n\nand so on'), 'a.txt')
  expect(blocks.map((block) => block.type)).toEqual(['paragraph', 'equation', 'paragraph'])
})

test('a list of terms in HTML is lines of term and definition, which explain themselves; one that holds more is read as before', async () => {
  const blocksOf = async (html: string): Promise<string[]> =>
    (await parseHere(Buffer.from(`<!doctype html><html><body>${html}</body></html>`), 'terms.html')).blocks.map(
      (block) => `${block.type}: ${block.text}`,
    )
  const terms =
    '<dt>斜率<dt>Slope<dd>直線的<b>傾斜</b>程度。</dd><div><dt>截距</dt><dd>與軸的交點。</dd><dd>有兩個。</dd></div><dt>vertex</dt><dd>頂點</dd>'
  const [, list = ''] = await blocksOf(`<h2>詞彙表</h2><dl>${terms}</dl>`)
  expect(list).toBe('list: - 斜率 (Slope): 直線的傾斜程度。\n- 截距: 與軸的交點。 有兩個。\n- vertex: 頂點')
  expect(explain(list.slice('list: '.length), { headings: ['詞彙表'], asides: new Set() })?.by).toBe('glossary')
  for (const more of [
    '<dt>圖</dt><dd><p>一段</p><p>二段</p></dd>',
    '話<dt>圖</dt><dd>x</dd>',
    '<dd>x</dd>',
    '<dt>圖</dt><dd><table><tr><td>1</td></tr></table></dd>',
  ])
    expect([more, (await blocksOf(`<dl>${more}</dl>`)).filter((block) => block.startsWith('list'))]).toEqual([more, []])
})
