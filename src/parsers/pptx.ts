// PowerPoint: slides in order, their shapes in reading order, tables, charts' numbers, pictures with their descriptions, and speaker notes.
import { assetMaker, pictureType } from './assets.ts'
import { type FormatContext, type FormatParser, unreadable } from './format.ts'
import { ommlToLatex } from './omml.ts'
import { pictureReader } from './picture-text.ts'
import { chartTable } from './pptx-chart.ts'
import { firstOfType, packageTitle, partXml, type Relationship, relationshipsOf } from './rels.ts'
import { guessHeaderRows, type RowCell, tableFromRows } from './table.ts'
import { createWriter, type Writer } from './writer.ts'
import { child, childrenNamed, descendant, elementsOf, parseXml, textOf, type XmlElement } from './xml.ts'
import { type Archive, openArchive } from './zip.ts'

type Slide = {
  archive: Archive
  context: FormatContext
  writer: Writer
  page: number
  relationships: Map<string, Relationship>
  asset: ReturnType<typeof assetMaker>
  read: ReturnType<typeof pictureReader>
}

type Shape = { element: XmlElement; kind: string; x: number; y: number }

const TITLES = new Set(['title', 'ctrTitle'])
/** Dates, footers and numbers repeat on every slide and say nothing of it. */
const FURNITURE = new Set(['dt', 'ftr', 'sldNum', 'hdr'])

/** Shapes within this distance in EMU (a third of an inch) stand in one row. */
const ROW_TOLERANCE = 300_000

function placeholderOf(shape: XmlElement): string {
  const properties = elementsOf(shape).find((element) => /^p:nv\w*Pr$/.test(element.name))
  const placeholder = child(child(properties, 'p:nvPr'), 'p:ph')
  return placeholder === undefined ? '' : (placeholder.attributes['type'] ?? 'body')
}

/** Shapes of a slide with groups opened; a grouped shape keeps its place within the group, offset by the group's. */
function shapesOf(tree: XmlElement, x = 0, y = 0, depth = 0): Shape[] {
  return elementsOf(tree).flatMap((element): Shape[] => {
    const offset =
      descendant(child(element, 'p:spPr') ?? child(element, 'p:grpSpPr') ?? child(element, 'p:xfrm'), 'a:off') ??
      child(child(element, 'p:xfrm'), 'a:off')
    const [left, top] = [x + Number(offset?.attributes['x'] ?? 0), y + Number(offset?.attributes['y'] ?? 0)]
    if (element.name === 'p:grpSp' && depth < 20) {
      const origin = descendant(child(element, 'p:grpSpPr'), 'a:chOff')
      return shapesOf(element, left - Number(origin?.attributes['x'] ?? 0), top - Number(origin?.attributes['y'] ?? 0), depth + 1)
    }
    if (element.name === 'mc:AlternateContent') {
      const choice = child(element, 'mc:Choice') ?? child(element, 'mc:Fallback')
      return choice === undefined ? [] : shapesOf(choice, x, y, depth + 1)
    }
    return ['p:sp', 'p:graphicFrame', 'p:pic', 'p:cxnSp'].includes(element.name)
      ? [{ element, kind: placeholderOf(element), x: left, y: top }]
      : []
  })
}

/** Title first, then rows from the top, each from the left; placeholders without a place of their own keep the file's order. */
function inReadingOrder(shapes: readonly Shape[]): Shape[] {
  const body = shapes.filter((shape) => !FURNITURE.has(shape.kind))
  const titles = body.filter((shape) => TITLES.has(shape.kind))
  const others = body.filter((shape) => !TITLES.has(shape.kind))
  if (others.some((shape) => shape.x === 0 && shape.y === 0)) return [...titles, ...others]
  const rows: Shape[][] = []
  for (const shape of others.toSorted((a, b) => a.y - b.y)) {
    const row = rows.at(-1)
    if (row !== undefined && shape.y - (row[0]?.y ?? 0) < ROW_TOLERANCE) row.push(shape)
    else rows.push([shape])
  }
  return [...titles, ...rows.flatMap((row) => row.toSorted((a, b) => a.x - b.x))]
}

type Paragraph = { text: string; level: number; label: string; equations: string[] }

/** Runs, breaks, fields and equations of one paragraph. */
function paragraphText(paragraph: XmlElement): { text: string; equations: string[] } {
  let text = ''
  const equations: string[] = []
  const open = elementsOf(paragraph).toReversed()
  for (let element = open.pop(); element !== undefined; element = open.pop()) {
    if (element.name === 'a:t') text += textOf(element)
    else if (element.name === 'a:br') text += '\n'
    else if (element.name === 'm:oMathPara') equations.push(...childrenNamed(element, 'm:oMath').map(ommlToLatex))
    else if (element.name === 'm:oMath') text += `$${ommlToLatex(element)}$`
    else if (!element.name.endsWith('Pr') && element.name !== 'mc:Fallback') open.push(...elementsOf(element).toReversed())
  }
  return { text, equations }
}

/** Paragraphs of a text body with their list labels; automatic numbers count per level. */
function paragraphsOf(body: XmlElement | undefined, isBulleted: boolean): Paragraph[] {
  const counters: number[] = []
  return childrenNamed(body, 'a:p').map((paragraph) => {
    const properties = child(paragraph, 'a:pPr')
    const level = Number(properties?.attributes['lvl'] ?? 0)
    const isNumbered = child(properties, 'a:buAutoNum') !== undefined
    const bullet =
      child(properties, 'a:buNone') === undefined &&
      (isBulleted || child(properties, 'a:buChar') !== undefined || child(properties, 'a:buBlip') !== undefined)
    counters.length = level + 1
    counters[level] = isNumbered ? (counters[level] ?? 0) + 1 : 0
    const { text, equations } = paragraphText(paragraph)
    return { text, equations, level, label: isNumbered ? `${counters[level]}.` : bullet ? '-' : '' }
  })
}

function writeText(slide: Slide, shape: Shape): void {
  const { writer, page } = slide
  const paragraphs = paragraphsOf(child(shape.element, 'p:txBody'), shape.kind === 'body' || shape.kind === 'obj')
  const filled = paragraphs.filter((paragraph) => paragraph.text.trim() !== '')
  let list: string[] = []
  const flush = (): void => {
    writer.text('list', list.join('\n'), { page })
    list = []
  }
  for (const { text, level, label, equations } of paragraphs) {
    if (text.trim() !== '' && label !== '' && filled.length > 1)
      list.push(`${'  '.repeat(level)}${label} ${text.replace(/\s*\n\s*/g, ' ').trim()}`)
    else if (text.trim() !== '') {
      flush()
      writer.text('paragraph', text, { page })
    }
    if (equations.length > 0) flush()
    for (const latex of equations) writer.equation(latex, { page })
  }
  flush()
}

function writeTable(slide: Slide, table: XmlElement): void {
  const rows = childrenNamed(table, 'a:tr').map((row) =>
    childrenNamed(row, 'a:tc')
      .filter((cell) => cell.attributes['hMerge'] !== '1' && cell.attributes['vMerge'] !== '1')
      .map((cell): RowCell => ({
        text: childrenNamed(child(cell, 'a:txBody'), 'a:p')
          .map((paragraph) => paragraphText(paragraph).text)
          .join('\n'),
        columnSpan: Number(cell.attributes['gridSpan'] ?? 1),
        rowSpan: Number(cell.attributes['rowSpan'] ?? 1),
      })),
  )
  const hasHeader = child(table, 'a:tblPr')?.attributes['firstRow'] === '1'
  const content = tableFromRows(rows, 0)
  const guessed = guessHeaderRows(content.cells, content.rows, content.columns)
  const headerRows = Math.max(guessed, hasHeader && rows.length > 1 ? 1 : 0)
  slide.writer.table({ ...content, headerRows }, { page: slide.page })
}

async function writeFrame(slide: Slide, frame: XmlElement): Promise<void> {
  const table = descendant(frame, 'a:tbl')
  if (table !== undefined) return writeTable(slide, table)
  const chart = descendant(frame, 'c:chart')?.attributes['r:id']
  const root = chart === undefined ? undefined : await partXml(slide.archive, slide.relationships.get(chart), slide.context.limits)
  const content = root === undefined ? undefined : chartTable(root)
  if (content !== undefined) slide.writer.table(content, { page: slide.page })
  else if (descendant(frame, 'a:graphicData')?.attributes['uri']?.includes('diagram') === true) {
    slide.writer.warn(`Slide ${slide.page}: a diagram (SmartArt) was not read.`)
  }
  return undefined
}

async function writePicture(slide: Slide, picture: XmlElement): Promise<void> {
  const about = descendant(picture, 'p:cNvPr')?.attributes
  const target = slide.relationships.get(descendant(picture, 'a:blip')?.attributes['r:embed'] ?? '')?.target
  const mediaType = target === undefined ? undefined : pictureType(target)
  const bytes = target !== undefined && mediaType !== undefined && slide.archive.has(target) ? await slide.archive.read(target) : undefined
  const read = bytes === undefined ? undefined : await slide.read(bytes)
  const asset = bytes === undefined || mediaType === undefined ? undefined : slide.asset(bytes, mediaType)
  const text = [about?.['descr'] ?? about?.['title'] ?? '', read?.text ?? ''].filter((part) => part !== '').join('\n')
  slide.writer.image(text, asset, { page: slide.page, confidence: read?.confidence })
}

const plainText = (shape: Shape): string =>
  paragraphsOf(child(shape.element, 'p:txBody'), false)
    .map(({ text }) => text)
    .join('\n')
    .trim()

const MAX_TITLE_LENGTH = 60

/** The title placeholder, else a short single line that comes first, as converted and hand-made slides have it. */
function titleShape(shapes: readonly Shape[]): Shape | undefined {
  const marked = shapes.find((shape) => TITLES.has(shape.kind) && plainText(shape) !== '')
  if (marked !== undefined) return marked
  const first = shapes.find((shape) => shape.element.name === 'p:sp' && plainText(shape) !== '')
  const text = first === undefined ? '' : plainText(first)
  return text !== '' && text.length <= MAX_TITLE_LENGTH && !text.includes('\n') ? first : undefined
}

async function writeSlide(slide: Slide, root: XmlElement): Promise<void> {
  const tree = descendant(root, 'p:spTree')
  const shapes = tree === undefined ? [] : inReadingOrder(shapesOf(tree))
  const isHidden = root.attributes['show'] === '0'
  const title = titleShape(shapes)
  const name = title === undefined ? `Slide ${slide.page}` : plainText(title).replace(/\s+/g, ' ')
  slide.writer.heading(1, `${name}${isHidden ? ' (hidden)' : ''}`, { page: slide.page })
  if (isHidden) slide.writer.warn(`Slide ${slide.page} is hidden; it was read all the same.`)
  for (const shape of shapes) {
    if (shape === title) continue
    if (shape.element.name === 'p:graphicFrame') await writeFrame(slide, shape.element)
    else if (shape.element.name !== 'p:pic') writeText(slide, shape)
    else if (slide.context.options.processImages) await writePicture(slide, shape.element)
  }
  await writeNotes(slide)
}

async function writeNotes(slide: Slide): Promise<void> {
  const notes = await partXml(slide.archive, firstOfType(slide.relationships, 'notesSlide'), slide.context.limits)
  const tree = notes === undefined ? undefined : descendant(notes, 'p:spTree')
  for (const shape of tree === undefined ? [] : shapesOf(tree)) {
    if (shape.kind === 'body') slide.writer.text('note', plainText(shape), { page: slide.page })
  }
}

export const parsePptx: FormatParser = async (bytes, context) => {
  const { limits } = context
  const archive = await openArchive(bytes, limits)
  const main = firstOfType(await relationshipsOf(archive, '', limits), 'officeDocument')?.target ?? 'ppt/presentation.xml'
  if (!archive.has(main)) throw unreadable('The file is damaged: the presentation has no main part.')
  const relationships = await relationshipsOf(archive, main, limits)
  const slides = childrenNamed(child(parseXml(await archive.read(main), limits), 'p:sldIdLst'), 'p:sldId')
  const writer = createWriter(context)
  const asset = assetMaker()
  const read = pictureReader(context)
  for (const [index, { attributes }] of slides.entries()) {
    const target = relationships.get(attributes['r:id'] ?? '')?.target
    context.progress()
    if (target === undefined || !archive.has(target)) writer.warn(`Slide ${index + 1} could not be read.`)
    else {
      const slide: Slide = {
        archive,
        context,
        writer,
        page: index + 1,
        relationships: await relationshipsOf(archive, target, limits),
        asset,
        read,
      }
      await writeSlide(slide, parseXml(await archive.read(target), limits))
    }
  }
  if (slides.length === 0) throw unreadable('The presentation is empty: it has no slides.')
  return writer.finish({ title: await packageTitle(archive, limits), pages: slides.length })
}
