// PDF details, each on a page made for it.
import { afterAll, expect, test } from 'vitest'
import { assemblePdf, chinesePdf, pdfkit, type Words } from '../../fixtures/documents/make-pdf.ts'
import { chunkDocument } from '../../src/core/chunking.ts'
import { scoreSheet } from '../../fixtures/documents/make-scans.ts'
import { closeOcr } from '../../src/parsers/ocr.ts'
import { splitAcross } from '../../src/parsers/pdf-pieces.ts'
import { parseHere } from './support.ts'

afterAll(closeOcr)

type Put = (text: string, x: number, y: number, options?: { size?: number; bold?: boolean }) => void

/** A4 pages of words at places. */
function pages(...drawings: ((put: Put, pdf: PDFKit.PDFDocument) => void)[]): Promise<Buffer> {
  return pdfkit((pdf) => {
    drawings.forEach((draw, index) => {
      if (index > 0) pdf.addPage()
      draw(
        (text, x, y, { size = 11, bold = false } = {}) =>
          void pdf
            .font(bold ? 'Helvetica-Bold' : 'Helvetica')
            .fontSize(size)
            .text(text, x, y, { lineBreak: false }),
        pdf,
      )
    })
  })
}

const read = async (bytes: Uint8Array): Promise<string[]> =>
  (await parseHere(bytes, 'a.pdf')).blocks.map((block) => `${block.type}${block.level ?? ''}: ${block.text}`)
const body = (put: Put, from: number, count: number): void => {
  for (let index = 0; index < count; index += 1)
    put(`This is line number ${index} of ordinary running text, which fills the page from side to side.`, 72, from + index * 14)
}

test('bold lines of the size of the text are headings, bold words inside a line are not', async () => {
  const blocks = await read(
    await pages((put) => {
      put('Aims of the lesson', 72, 80, { bold: true })
      body(put, 100, 3)
    }),
  )
  expect(blocks[0]).toBe('heading1: Aims of the lesson')
  expect(blocks).toHaveLength(2)
})

test('a chapter title that opens every page is no running title', async () => {
  const chapter =
    (number: number) =>
    (put: Put): void => {
      put('Geography, Form 2', 72, 30, { size: 8 })
      put(`Chapter ${number}`, 72, 60, { size: 18 })
      body(put, 100, 4)
      put(String(number), 300, 810, { size: 8 })
    }
  const blocks = await read(await pages(chapter(1), chapter(2), chapter(3), chapter(4)))
  expect(blocks.filter((block) => block.startsWith('heading1'))).toEqual([
    'heading1: Chapter 1',
    'heading1: Chapter 2',
    'heading1: Chapter 3',
    'heading1: Chapter 4',
  ])
  expect(blocks.join()).not.toContain('Geography')
})

test('three columns are read one after the other', async () => {
  const column = (put: Put, x: number, name: string): void => {
    for (let index = 0; index < 8; index += 1) put(`${name} column, line ${index} of it`, x, 100 + index * 14)
  }
  const [block] = await read(
    await pages((put) => {
      for (const [index, name] of ['First', 'Second', 'Third'].entries()) column(put, 60 + index * 170, name)
    }),
  )
  expect(block?.indexOf('First column, line 7')).toBeLessThan(block?.indexOf('Second column, line 0') ?? 0)
  expect(block?.indexOf('Second column, line 7')).toBeLessThan(block?.indexOf('Third column, line 0') ?? 0)
})

test('list marks far from their text make a list, not a table', async () => {
  const blocks = await read(
    await pages((put) => {
      for (const [index, text] of ['Read the question.', 'Draw a sketch.', 'Write down what is known.', 'Solve.'].entries()) {
        put(`${index + 1}.`, 72, 100 + index * 14)
        put(text, 110, 100 + index * 14)
      }
    }),
  )
  expect(blocks).toEqual(['list: 1. Read the question.\n2. Draw a sketch.\n3. Write down what is known.\n4. Solve.'])
})

test('a row painted as one text is parted at the lines of its table', () => {
  const piece = { text: 'price sales profit', left: 0, right: 180, top: 0, bottom: 10, baseline: 8, size: 10, bold: false }
  expect(splitAcross(piece, [60, 120]).map((part) => part.text)).toEqual(['price', 'sales', 'profit'])
})

test('vertical columns are read from right to left', async () => {
  const vertical = Buffer.from(
    chinesePdf([
      [
        { text: '春眠不觉晓', x: 300, y: 100, size: 20 },
        { text: '处处闻啼鸟', x: 260, y: 100, size: 20 },
      ],
    ])
      .toString('latin1')
      .replace('UniGB-UCS2-H', 'UniGB-UCS2-V'),
    'latin1',
  )
  expect((await read(vertical)).join('')).toMatch(/春眠不觉晓.*处处闻啼鸟/)
})

test('blank pages pass without a word, damaged ones are named', async () => {
  const document = await parseHere(
    await pages(
      (put) => body(put, 100, 2),
      () => undefined,
    ),
    'a.pdf',
  )
  expect(document.warnings).toEqual([])
  expect(document.pages).toBe(2)
})

test('scanned pages beyond the limit are a warning', async () => {
  const sheet = await scoreSheet()
  const scan = await pdfkit((pdf) => {
    pdf.image(sheet, 0, 0, { width: 500 })
    pdf.addPage().image(sheet, 0, 0, { width: 500 })
  })
  const document = await parseHere(scan, 'a.pdf', { limits: { ocrPages: 1 }, options: { processImages: false } })
  expect(document.warnings.join()).toMatch(/Only the first 1 scanned pages were read; page 2/)
  expect(document.blocks.some((block) => block.page === 2)).toBe(false)
})

test('a picture beside text carries the words that stand in it', async () => {
  const sheet = await scoreSheet()
  const document = await parseHere(
    await pages((put, pdf) => {
      body(put, 80, 4)
      pdf.image(sheet, 72, 200, { width: 400 })
    }),
    'a.pdf',
  )
  const image = document.blocks.find((block) => block.type === 'image')
  expect(image?.text).toContain('陈大文')
  expect(image?.confidence).toBeGreaterThan(0.6)
  expect(document.assets.map((asset) => asset.sha256)).toEqual([image?.asset])
})

test('the order in which words are painted does not matter', async () => {
  const words: Words[] = ['第一行文字在最上面，', '第二行文字在中间，', '第三行在最下面。'].map((text, index) => ({
    text,
    x: 72,
    y: 100 + index * 20,
    size: 12,
  }))
  expect(await read(chinesePdf([words.toReversed()]))).toEqual(await read(chinesePdf([words])))
})

test('links tell where their words lead, and pages what the document calls them', async () => {
  const page = (contents: number, annotations = ''): string =>
    `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents ${contents} 0 R /Resources << /Font << /F 5 0 R >> >> ${annotations} >>`
  const text = (line: string): string => {
    const stream = `BT /F 12 Tf 72 700 Td (${line}) Tj ET`
    return `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`
  }
  const link = (url: string): string => `<< /Type /Annot /Subtype /Link /Rect [100 696 190 712] /A << /S /URI /URI (${url}) >> >>`
  const bytes = assemblePdf([
    '<< /Type /Catalog /Pages 2 0 R /PageLabels << /Nums [0 << /S /r >> 1 << /S /D >>] >> >>',
    '<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 2 >>',
    page(6, `/Annots [${link('https://example.org/cells')} ${link('javascript:alert\\(1\\)')}]`),
    page(7),
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
    text('Read about the cell here.'),
    text('A second page of text.'),
  ])
  const document = await parseHere(bytes, 'a.pdf')
  expect(document.blocks.map(({ page: number, pageLabel, links }) => ({ number, pageLabel, links }))).toEqual([
    { number: 1, pageLabel: 'i', links: [{ text: 'about the cell', url: 'https://example.org/cells' }] },
    { number: 2, pageLabel: '1', links: undefined },
  ])
  expect(chunkDocument(document).map(({ page: number, header }) => [number, header])).toEqual([[1, 'a › p. i']])
})

test('two boxes of three lines side by side are read one after the other, three rows of a table are not', async () => {
  const boxes = (lines: readonly (readonly [string, string])[]): Promise<Buffer> =>
    pdfkit((pdf) => {
      pdf.font('Helvetica').fontSize(10)
      lines.forEach((row, index) => {
        row.forEach((text, column) => pdf.text(text, 72 + column * 250, 100 + index * 13, { lineBreak: false }))
      })
    })
  const running = await parseHere(
    await boxes([
      ['The left box tells of plants, which live', 'The right box tells of animals, which live'],
      ['on light and water and on the air around', 'on other beings and on what those leave'],
      ['them.', 'behind.'],
    ]),
    'a.pdf',
  )
  expect(running.blocks.map((block) => block.text)).toEqual([
    'The left box tells of plants, which live on light and water and on the air around them.',
    'The right box tells of animals, which live on other beings and on what those leave behind.',
  ])
  const rows = await parseHere(
    await boxes([
      ['Name of the organelle', 'What it does in a cell'],
      ['Nucleus of the cell', 'Controls what is made'],
      ['Chloroplast of a leaf', 'Makes sugar out of light'],
    ]),
    'a.pdf',
  )
  expect(rows.blocks.map((block) => [block.type, block.table?.rows, block.table?.columns])).toEqual([['table', 3, 2]])
})
