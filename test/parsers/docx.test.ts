// Word details beyond the golden, each as Word itself writes it.
import { expect, test } from 'vitest'
import { rawDocx } from '../../fixtures/documents/make-docx.ts'
import { parseHere } from './support.ts'

const p = (inner: string, properties = ''): string => `<w:p>${properties === '' ? '' : `<w:pPr>${properties}</w:pPr>`}${inner}</w:p>`
const r = (text: string): string => `<w:r><w:t xml:space="preserve">${text}</w:t></w:r>`
const tc = (inner: string, properties = ''): string => `<w:tc><w:tcPr>${properties}</w:tcPr>${inner}</w:tc>`
const read = async (body: string, strict = false): Promise<string[]> => {
  const document = await parseHere(rawDocx(body, {}, strict), 'a.docx')
  return document.blocks.map((block) => `${block.type}: ${block.text}`)
}

test('tracked changes are read as accepted', async () => {
  const body = p(
    `${r('The ')}<w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins>${r('new')}</w:ins>${r(' text')}<w:moveFrom>${r(' moved')}</w:moveFrom>`,
  )
  expect(await read(body)).toEqual(['paragraph: The new text'])
})

test('field results are read and their codes are not', async () => {
  const field = `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> PAGE </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>${r('7')}<w:r><w:fldChar w:fldCharType="end"/></w:r>`
  expect(await read(p(r('See ') + field))).toEqual(['paragraph: See 7'])
})

test('hidden text is left out', async () => {
  expect(await read(p(`${r('seen')}<w:r><w:rPr><w:vanish/></w:rPr><w:t>unseen</w:t></w:r>`))).toEqual(['paragraph: seen'])
})

test('a text box is read once, though Word writes it twice', async () => {
  const box = `<w:txbxContent>${p(r('inside the box'))}</w:txbxContent>`
  const drawing = `<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:wsp><wps:txbx>${box}</wps:txbx></wps:wsp></w:drawing></mc:Choice><mc:Fallback><w:pict>${box}</w:pict></mc:Fallback></mc:AlternateContent></w:r>`
  expect(await read(p(r('anchor') + drawing))).toEqual(['paragraph: anchor', 'paragraph: inside the box'])
})

test('a table inside a cell is read row by row in that cell', async () => {
  const inner = `<w:tbl><w:tr>${tc(p(r('a')))}${tc(p(r('b')))}</w:tr></w:tbl>`
  const outer = `<w:tbl><w:tr>${tc(p(r('outer')))}${tc(p(r('before')) + inner)}</w:tr><w:tr>${tc(p(r('x')))}${tc(p(r('y')))}</w:tr></w:tbl>`
  const [table] = await read(outer)
  expect(table).toContain('before a \\| b')
})

test('vertical merges across a horizontally merged row keep their columns', async () => {
  const merged = `<w:tbl><w:tr>${tc(p(r('A')), '<w:vMerge w:val="restart"/>')}${tc(p(r('B')), '<w:gridSpan w:val="2"/>')}</w:tr><w:tr>${tc(p(''), '<w:vMerge/>')}${tc(p(r('C')))}${tc(p(r('D')))}</w:tr></w:tbl>`
  const document = await parseHere(rawDocx(merged), 'a.docx')
  expect(document.blocks[0]?.table?.cells).toEqual([
    { row: 0, column: 0, rowSpan: 2, columnSpan: 1, text: 'A' },
    { row: 0, column: 1, rowSpan: 1, columnSpan: 2, text: 'B' },
    { row: 1, column: 1, rowSpan: 1, columnSpan: 1, text: 'C' },
    { row: 1, column: 2, rowSpan: 1, columnSpan: 1, text: 'D' },
  ])
})

test('a frame made of a one-cell table is read as what it holds', async () => {
  expect(await read(`<w:tbl><w:tr>${tc(p(r('Aim')) + p(r('Understand.')))}</w:tr></w:tbl>`)).toEqual([
    'paragraph: Aim',
    'paragraph: Understand.',
  ])
})

test('content controls do not hide what they hold', async () => {
  expect(await read(`<w:sdt><w:sdtPr/><w:sdtContent>${p(r('held'))}</w:sdtContent></w:sdt>`)).toEqual(['paragraph: held'])
})

test('Strict Office Open XML is read alike', async () => {
  const body = p(`${r('x is ')}<m:oMath><m:r><m:t>x</m:t></m:r></m:oMath>`)
  expect(await read(body, true)).toEqual(await read(body))
})

test('a document without equations processing keeps the LaTeX as text', async () => {
  const body = p('<m:oMathPara><m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath></m:oMathPara>')
  const document = await parseHere(rawDocx(body), 'a.docx', { options: { processEquations: false } })
  expect(document.blocks.map((block) => [block.type, block.text])).toEqual([['paragraph', 'a=b']])
})

test('a table caption stands with its table, a lone one stays a paragraph', async () => {
  const styles =
    '<w:styles xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:style w:type="paragraph" w:styleId="C"><w:name w:val="caption"/></w:style></w:styles>'
  const rels =
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>'
  const table = `<w:tbl><w:tr>${tc(p(r('a')))}${tc(p(r('b')))}</w:tr></w:tbl>`
  const bytes = rawDocx(p(r('表1 成绩'), '<w:pStyle w:val="C"/>') + table + p(r('Table 2'), '<w:pStyle w:val="C"/>') + p(r('text')), {
    'word/styles.xml': styles,
    'word/_rels/document.xml.rels': rels,
  })
  const document = await parseHere(bytes, 'a.docx')
  expect(document.blocks.map((block) => `${block.type}: ${block.text}`)).toEqual([
    'table: 表1 成绩\n| a | b |',
    'paragraph: Table 2',
    'paragraph: text',
  ])
})

test('a paragraph whose end is deleted goes on with the next one', async () => {
  const deleted = '<w:rPr><w:del w:id="1"/></w:rPr>'
  expect(await read(p(r('First half,'), deleted) + p(r(' middle,'), deleted) + p(r(' end')) + p(r('next')))).toEqual([
    'paragraph: First half, middle, end',
    'paragraph: next',
  ])
  expect(await read(p(r('alone'), deleted) + `<w:tbl><w:tr>${tc(p(r('a')))}${tc(p(r('b')))}</w:tr></w:tbl>`)).toEqual([
    'paragraph: alone',
    'table: | a | b |',
  ])
})

test('links keep their addresses beside their words, in lists too, and only those of the web and of mail', async () => {
  const rel = (id: string, target: string): string =>
    `<Relationship Id="${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink" Target="${target}" TargetMode="External"/>`
  const rels = `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${rel('a', 'https://example.org/x')}${rel('b', 'file:///etc/passwd')}</Relationships>`
  const link = (id: string, text: string): string => `<w:hyperlink r:id="${id}">${r(text)}</w:hyperlink>`
  const item = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="1"/></w:numPr>'
  const body = p(r('See ') + link('a', 'this page') + link('b', ' or that')) + p(link('a', 'item'), item)
  const document = await parseHere(rawDocx(body, { 'word/_rels/document.xml.rels': rels }), 'a.docx')
  expect(document.blocks.map((block) => [block.type, block.text, block.links])).toEqual([
    ['paragraph', 'See this page or that', [{ text: 'this page', url: 'https://example.org/x' }]],
    ['list', '- item', [{ text: 'item', url: 'https://example.org/x' }]],
  ])
})
