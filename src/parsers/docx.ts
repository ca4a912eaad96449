// Word documents. Read from the XML itself: headings by style, list labels, merged and nested tables, text boxes, notes, equations, accepted changes.
import { assetMaker, pictureType } from './assets.ts'
import { blocksOf, unwrapped } from './docx-blocks.ts'
import { type DocxImage, type Inline, partsText, readInline } from './docx-inline.ts'
import { type Numberings, readNumberings } from './docx-numbering.ts'
import { outlineLevel, type ParagraphStyle, readStyles } from './docx-styles.ts'
import type { FormatContext, FormatParser } from './format.ts'
import { unreadable } from './format.ts'
import { pictureReader, type PictureText } from './picture-text.ts'
import { isWebAddress, type Link } from './links.ts'
import { externalTargets, firstOfType, packageTitle, partXml, type Relationship, relationshipsOf } from './rels.ts'
import { guessHeaderRows, type RowCell, tableFromRows } from './table.ts'
import { createWriter, type Writer } from './writer.ts'
import { child, childrenNamed, descendant, parseXml, textOf, type XmlElement } from './xml.ts'
import { type Archive, openArchive } from './zip.ts'

type Picture = { bytes: Buffer; mediaType: string; read: PictureText | undefined }

type Document = {
  writer: Writer
  style: (id: string | undefined) => ParagraphStyle
  numberings: Numberings
  notes: { footnotes: Map<string, XmlElement>; endnotes: Map<string, XmlElement> }
  images: Map<string, Picture>
  /** Addresses outside the document by relationship id. */
  addresses: Map<string, string>
  asset: ReturnType<typeof assetMaker>
  context: FormatContext
  /** Of the table that is expected next. */
  caption: string
  /** Lines of the list being read; written when something else comes. */
  list: string[]
  listLinks: Link[]
  title: string | undefined
}

const wval = (element: XmlElement | undefined): string | undefined => element?.attributes['w:val']

function writeBody(document: Document, container: XmlElement): void {
  for (const element of blocksOf(container)) {
    document.context.progress()
    if (element.name === 'w:tbl') writeTable(document, element)
    else writeParagraph(document, element)
  }
  flushList(document)
}

function flushList(document: Document): void {
  document.writer.text('list', document.list.join('\n'), { links: document.listLinks })
  document.list = []
  document.listLinks = []
}

type Role = { level: number | undefined; style: ParagraphStyle; label: string | undefined; listLevel: number }

function roleOf(document: Document, paragraph: XmlElement): Role {
  const properties = child(paragraph, 'w:pPr')
  const style = document.style(wval(child(properties, 'w:pStyle')))
  const numbering = child(properties, 'w:numPr')
  const numId = wval(child(numbering, 'w:numId')) ?? style.numId
  const listLevel = Number(wval(child(numbering, 'w:ilvl')) ?? style.listLevel ?? 0)
  const isEmpty = textOf(paragraph).trim() === ''
  return {
    level: outlineLevel(properties) ?? style.level,
    style,
    label: numId === undefined || isEmpty ? undefined : document.numberings.next(numId, listLevel),
    listLevel,
  }
}

function writeParagraph(document: Document, paragraph: XmlElement): void {
  const { writer } = document
  const { level, style, label, listLevel } = roleOf(document, paragraph)
  const inline = readInline(paragraph)
  const text = partsText(inline.parts)
  if (style.isTitle && text.trim() !== '') document.title ??= text.trim()
  if (level === undefined && !style.isTitle && label !== undefined) {
    flushCaption(document)
    document.listLinks.push(...linksOf(document, inline))
    document.list.push(`${'  '.repeat(listLevel)}${label} ${text.replace(/\s*\n\s*/g, ' ').trim()}`)
  } else if (text.trim() !== '') {
    flushList(document)
    if (takeCaption(document, style, text)) return
    flushCaption(document)
    if (style.isTitle || level !== undefined) writer.heading(level ?? 1, label === undefined || label === '-' ? text : `${label} ${text}`)
    else writeParts(document, inline)
  }
  writeAttachments(document, inline)
}

function linksOf(document: Document, { links }: Inline): Link[] {
  return links.flatMap(({ text, relation }) => {
    const url = document.addresses.get(relation) ?? ''
    return isWebAddress(url) ? [{ text, url }] : []
  })
}

function writeParts(document: Document, inline: Inline): void {
  for (const part of inline.parts) {
    if (part.kind === 'text') document.writer.text('paragraph', part.text, { links: linksOf(document, inline) })
    else if (document.context.options.processEquations) document.writer.equation(part.latex)
    else document.writer.text('paragraph', part.latex)
  }
}

function writeAttachments(document: Document, inline: Inline): void {
  const notes = [
    ...inline.footnotes.map((id) => document.notes.footnotes.get(id)),
    ...inline.endnotes.map((id) => document.notes.endnotes.get(id)),
  ]
  if (inline.images.length + inline.boxes.length > 0) flushList(document)
  for (const box of inline.boxes) writeBody(document, box)
  if (document.context.options.processImages) for (const image of inline.images) writeImage(document, image)
  for (const note of notes) {
    if (note === undefined) continue
    flushList(document)
    document.writer.text('note', bodyText(note, '\n'))
  }
}

function writeImage(document: Document, image: DocxImage): void {
  const source = document.images.get(image.relation)
  const asset = source === undefined ? undefined : document.asset(source.bytes, source.mediaType)
  const text = [image.alternative, source?.read?.text ?? ''].filter((part) => part !== '').join('\n')
  document.writer.image(text, asset, { confidence: source?.read?.confidence })
}

const FIGURE_CAPTION = /^(?:图|圖|Figure|Fig\.)\s*[\d一二三四五六七八九十]/i
const TABLE_CAPTION = /^(?:表|Table)\s*[\d一二三四五六七八九十]/i

/** A figure's caption stands below it, a table's above: true when the paragraph was one and is taken care of. */
function takeCaption(document: Document, style: ParagraphStyle, text: string): boolean {
  const clean = text.trim()
  if (FIGURE_CAPTION.test(clean) && clean.length <= 120 && document.writer.caption(clean)) return true
  if (!style.isCaption || !TABLE_CAPTION.test(clean)) return false
  document.caption = clean
  return true
}

/** A table caption that no table followed is a paragraph. */
function flushCaption(document: Document): void {
  if (document.caption !== '') document.writer.text('paragraph', document.caption)
  document.caption = ''
}

/** The plain text of a small body: a cell or a note. A nested table is read row by row. */
function bodyText(container: XmlElement, joint: string): string {
  return blocksOf(container)
    .map((element) => {
      if (element.name === 'w:tbl')
        return rowsOf(element)
          .map((row) =>
            cellsOf(row)
              .map((cell) => bodyText(cell, ' '))
              .join(' | '),
          )
          .join(joint)
      const inline = readInline(element)
      return [partsText(inline.parts), ...inline.boxes.map((box) => bodyText(box, joint))].join(joint)
    })
    .filter((text) => text.trim() !== '')
    .join(joint)
}

const rowsOf = (table: XmlElement): XmlElement[] =>
  unwrapped(table, 'w:tr').filter((row) => descendant(child(row, 'w:trPr'), 'w:del') === undefined)
const cellsOf = (row: XmlElement): XmlElement[] => unwrapped(row, 'w:tc')

type WordCell = RowCell & { continues: boolean }

function wordCell(document: Document, cell: XmlElement): WordCell {
  const properties = child(cell, 'w:tcPr')
  const merge = child(properties, 'w:vMerge')
  return {
    text: cellText(document, cell),
    columnSpan: Number(wval(child(properties, 'w:gridSpan')) ?? 1),
    rowSpan: 1,
    continues: merge !== undefined && wval(merge) !== 'restart',
  }
}

/** Cell text with list labels, since question numbers often are list labels. */
function cellText(document: Document, cell: XmlElement): string {
  return blocksOf(cell)
    .map((element) => {
      if (element.name === 'w:tbl')
        return rowsOf(element)
          .map((row) =>
            cellsOf(row)
              .map((inner) => bodyText(inner, ' '))
              .join(' | '),
          )
          .join('\n')
      const { label } = roleOf(document, element)
      const inline = readInline(element)
      if (document.context.options.processImages) for (const image of inline.images) writeImage(document, image)
      const text = [partsText(inline.parts), ...inline.boxes.map((box) => bodyText(box, '\n'))].join('\n').trim()
      return label === undefined ? text : `${label} ${text}`
    })
    .filter((text) => text.trim() !== '')
    .join('\n')
}

/** `w:vMerge` marks every covered cell; the grid wants one cell with a span, so continued cells grow the one above in the same column. */
function mergeDown(rows: readonly WordCell[][]): RowCell[][] {
  const above = new Map<number, WordCell>()
  return rows.map((row) => {
    let column = 0
    const kept: RowCell[] = []
    for (const cell of row) {
      const start = column
      const owner = above.get(start)
      column += cell.columnSpan ?? 1
      if (cell.continues && owner !== undefined) owner.rowSpan = (owner.rowSpan ?? 1) + 1
      else {
        kept.push(cell)
        above.set(start, cell)
      }
    }
    return kept
  })
}

function writeTable(document: Document, table: XmlElement): void {
  flushList(document)
  const rows = rowsOf(table)
  const onlyCell = rows.length === 1 && rows[0] !== undefined ? cellsOf(rows[0]) : []
  if (onlyCell.length === 1 && onlyCell[0] !== undefined) return writeBody(document, onlyCell[0])
  const cells = rows.map((row): WordCell[] => {
    const before = Number(wval(child(child(row, 'w:trPr'), 'w:gridBefore')) ?? 0)
    const blank: WordCell[] = before > 0 ? [{ text: '', columnSpan: before, continues: false }] : []
    return [...blank, ...cellsOf(row).map((cell) => wordCell(document, cell))]
  })
  const marked = rows.findIndex((row) => child(child(row, 'w:trPr'), 'w:tblHeader') === undefined)
  const content = tableFromRows(mergeDown(cells), 0)
  const headerRows = marked > 0 ? marked : guessHeaderRows(content.cells, content.rows, content.columns)
  const { caption } = document
  document.caption = ''
  document.writer.table({ ...content, headerRows, ...(caption === '' ? {} : { caption }) })
  return undefined
}

/** Notes by id, without the separators Word keeps among them. */
function notesById(root: XmlElement | undefined, name: string): Map<string, XmlElement> {
  const notes = childrenNamed(root, name).filter(
    (note) => note.attributes['w:type'] === undefined || note.attributes['w:type'] === 'normal',
  )
  return new Map(notes.map((note) => [note.attributes['w:id'] ?? '', note]))
}

async function readImages(
  archive: Archive,
  relationships: ReadonlyMap<string, Relationship>,
  context: FormatContext,
): Promise<Map<string, Picture>> {
  const images = new Map<string, Picture>()
  const read = pictureReader(context)
  for (const { id, type, target } of relationships.values()) {
    const mediaType = pictureType(target)
    if (type !== 'image' || mediaType === undefined || !archive.has(target)) continue
    const bytes = await archive.read(target)
    images.set(id, { bytes, mediaType, read: await read(bytes) })
  }
  return images
}

export const parseDocx: FormatParser = async (bytes, context) => {
  const { limits } = context
  const archive = await openArchive(bytes, limits)
  const main = firstOfType(await relationshipsOf(archive, '', limits), 'officeDocument')?.target ?? 'word/document.xml'
  if (!archive.has(main)) throw unreadable('The file is damaged: the Word document has no main part.')
  const relationships = await relationshipsOf(archive, main, limits)
  const part = (type: string): Promise<XmlElement | undefined> => partXml(archive, firstOfType(relationships, type), limits)
  const root = parseXml(await archive.read(main), limits)
  const document: Document = {
    writer: createWriter(context),
    style: readStyles(await part('styles')),
    numberings: readNumberings(await part('numbering')),
    notes: { footnotes: notesById(await part('footnotes'), 'w:footnote'), endnotes: notesById(await part('endnotes'), 'w:endnote') },
    images: context.options.processImages ? await readImages(archive, relationships, context) : new Map(),
    addresses: await externalTargets(archive, main, limits),
    asset: assetMaker(),
    context,
    caption: '',
    list: [],
    listLinks: [],
    title: undefined,
  }
  const body = child(root, 'w:body')
  if (body !== undefined) writeBody(document, body)
  flushCaption(document)
  for (const comment of childrenNamed(await part('comments'), 'w:comment')) {
    const author = comment.attributes['w:author'] ?? ''
    document.writer.text('note', `${author === '' ? '' : `${author}: `}${bodyText(comment, '\n')}`)
  }
  if (document.writer.isEmpty()) throw unreadable('The document is empty: it holds no text.')
  return document.writer.finish({ title: document.title ?? (await packageTitle(archive, limits)) })
}
