// Excel workbooks, read as a stream so that a sheet of 60,000 rows stays small in memory: values as displayed, merges, several tables a sheet.
import type { FormatContext, FormatParser, ParseLimits } from './format.ts'
import { titleFromFileName, unreadable } from './format.ts'
import { firstOfType, packageTitle, relationshipsOf } from './rels.ts'
import { createWriter, type Writer } from './writer.ts'
import { formatCode, formatValue } from './xlsx-format.ts'
import { type Range, regionsOf, type SheetCells } from './xlsx-regions.ts'
import { child, childrenNamed, descendants, parseXml, textOf, xmlReader, type XmlElement } from './xml.ts'
import { type Archive, openArchive } from './zip.ts'

type Workbook = { strings: string[]; /** Format code by cell style index. */ formats: string[]; from1904: boolean }

/** "BC12" → column 54, row 11, from 0. */
function position(reference: string): { row: number; column: number } {
  const [, letters = 'A', digits = '1'] = /^\$?([A-Z]{1,3})\$?(\d{1,7})$/.exec(reference) ?? []
  let column = 0
  for (const letter of letters) column = column * 26 + letter.charCodeAt(0) - 64
  return { row: Number(digits) - 1, column: column - 1 }
}

function rangeOf(reference: string): Range {
  const [from = 'A1', to = from] = reference.split(':')
  const [a, b] = [position(from), position(to)]
  return { top: a.row, left: a.column, bottom: b.row, right: b.column }
}

async function pump(archive: Archive, name: string, reader: ReturnType<typeof xmlReader>, isDone: () => boolean): Promise<void> {
  const decoder = new TextDecoder('utf-8')
  const stream = await archive.stream(name)
  for await (const piece of stream) {
    reader.write(decoder.decode(piece as Buffer, { stream: true }))
    if (isDone()) return void stream.destroy()
  }
  reader.close()
}

/** Rich text runs are joined; phonetic guides (`rPh`) are left out. */
async function readStrings(archive: Archive, name: string | undefined, limits: ParseLimits): Promise<string[]> {
  const strings: string[] = []
  if (name === undefined || !archive.has(name)) return strings
  let current = ''
  let inText = false
  let phonetic = 0
  const reader = xmlReader(
    {
      open(tag) {
        if (tag === 'x:si') current = ''
        else if (tag === 'x:rPh') phonetic += 1
        else if (tag === 'x:t') inText = true
      },
      close(tag) {
        if (tag === 'x:si') strings.push(current)
        else if (tag === 'x:rPh') phonetic -= 1
        else if (tag === 'x:t') inText = false
      },
      text(text) {
        if (inText && phonetic === 0) current += text
      },
    },
    { ...limits, xmlElements: Number.POSITIVE_INFINITY },
  )
  await pump(archive, name, reader, () => false)
  return strings
}

function readFormats(styles: XmlElement | undefined): string[] {
  const custom = new Map(
    childrenNamed(child(styles, 'x:numFmts'), 'x:numFmt').map((format) => [
      Number(format.attributes['numFmtId']),
      format.attributes['formatCode'] ?? 'General',
    ]),
  )
  return childrenNamed(child(styles, 'x:cellXfs'), 'x:xf').map((style) => formatCode(Number(style.attributes['numFmtId'] ?? 0), custom))
}

function shown(type: string | undefined, raw: string, style: number, workbook: Workbook): string {
  if (type === 's') return workbook.strings[Number(raw)] ?? ''
  if (type === 'b') return raw === '1' ? 'TRUE' : 'FALSE'
  if (type === 'd') return raw.replace(/T00:00:00(?:\.0+)?Z?$/, '').replace('T', ' ')
  if (type !== undefined && type !== 'n') return raw
  const value = Number(raw)
  return raw.trim() === '' || !Number.isFinite(value) ? raw : formatValue(value, workbook.formats[style] ?? 'General', workbook.from1904)
}

const isOn = (flag: string | undefined): boolean => flag === '1' || flag === 'true'

type Sheet = {
  cells: SheetCells
  merges: Range[]
  isCut: boolean
  /** Rows or columns that the file hides. */ hides: boolean
  /** Formulas whose results the file does not hold. */ uncached: number
}

/** Equal short texts of a sheet are kept once: columns repeat their values. */
function internTable(): (text: string) => string {
  const known = new Map<string, string>()
  return (text) => {
    const same = known.get(text)
    if (same !== undefined) return same
    if (known.size < 50_000 && text.length < 64) known.set(text, text)
    return text
  }
}

async function readSheet(archive: Archive, name: string, workbook: Workbook, context: FormatContext): Promise<Sheet> {
  const sheet: Sheet = { cells: new Map(), merges: [], isCut: false, hides: false, uncached: 0 }
  let cell = { reference: '', type: undefined as string | undefined, style: 0, raw: '', formula: undefined as string | undefined }
  let next = { row: -1, column: 0 }
  let inside: 'value' | 'formula' | undefined
  const interned = internTable()
  const reader = xmlReader(
    {
      open(tag, attributes) {
        if (tag === 'x:row') {
          next = { row: attributes['r'] === undefined ? next.row + 1 : Number(attributes['r']) - 1, column: 0 }
          if (isOn(attributes['hidden'])) sheet.hides = true
          context.progress()
        } else if (tag === 'x:c')
          cell = {
            reference: attributes['r'] ?? '',
            type: attributes['t'],
            style: Number(attributes['s'] ?? 0),
            raw: '',
            formula: undefined,
          }
        else if (tag === 'x:v' || tag === 'x:t') inside = 'value'
        else if (tag === 'x:f') {
          inside = 'formula'
          cell.formula = ''
        } else if (tag === 'x:col' && isOn(attributes['hidden'])) sheet.hides = true
        else if (tag === 'x:mergeCell') sheet.merges.push(rangeOf(attributes['ref'] ?? 'A1'))
      },
      close(tag) {
        if (tag === 'x:v' || tag === 'x:t' || tag === 'x:f') inside = undefined
        else if (tag === 'x:c') {
          const { row, column } = cell.reference === '' ? next : position(cell.reference)
          next = { row, column: column + 1 }
          const result = shown(cell.type, cell.raw, cell.style, workbook).trim()
          const isUncached = cell.raw === '' && cell.formula !== undefined && cell.type === undefined
          if (isUncached) sheet.uncached += 1
          const text = isUncached ? `=${cell.formula}` : result
          if (text === '') return
          if (sheet.cells.size >= context.limits.tableRows && !sheet.cells.has(row)) sheet.isCut = true
          else {
            const columns = sheet.cells.get(row) ?? new Map<number, string>()
            sheet.cells.set(row, columns.set(column, interned(text)))
          }
        }
      },
      text(text) {
        if (inside === 'value') cell.raw += text
        else if (inside === 'formula') cell.formula += text
      },
    },
    { ...context.limits, xmlElements: Number.POSITIVE_INFINITY },
  )
  await pump(archive, name, reader, () => sheet.isCut)
  return sheet
}

async function readComments(archive: Archive, sheetPart: string, limits: ParseLimits): Promise<string[]> {
  const target = firstOfType(await relationshipsOf(archive, sheetPart, limits), 'comments')?.target
  if (target === undefined || !archive.has(target)) return []
  const comments: string[] = []
  for (const element of descendants(parseXml(await archive.read(target), limits))) {
    if (element.name === 'x:comment')
      comments.push(`${element.attributes['ref'] ?? ''}: ${textOf(child(element, 'x:text') ?? element).trim()}`)
  }
  return comments
}

async function writeSheet(
  writer: Writer,
  archive: Archive,
  part: string,
  page: number,
  workbook: Workbook,
  context: FormatContext,
): Promise<Sheet> {
  const sheet = await readSheet(archive, part, workbook, context)
  for (const region of regionsOf(sheet.cells, sheet.merges)) {
    context.progress()
    if (region.kind === 'text') writer.text('paragraph', region.text, { page })
    else writer.table(region.table, { page })
  }
  for (const comment of await readComments(archive, part, context.limits)) writer.text('note', comment, { page })
  return sheet
}

export const parseXlsx: FormatParser = async (bytes, context) => {
  const { limits } = context
  const archive = await openArchive(bytes, limits)
  const main = firstOfType(await relationshipsOf(archive, '', limits), 'officeDocument')?.target ?? 'xl/workbook.xml'
  if (!archive.has(main)) throw unreadable('The file is damaged: the workbook has no main part.')
  const root = parseXml(await archive.read(main), limits)
  const relationships = await relationshipsOf(archive, main, limits)
  const styles = firstOfType(relationships, 'styles')?.target
  const date1904 = child(root, 'x:workbookPr')?.attributes['date1904']
  const workbook: Workbook = {
    strings: await readStrings(archive, firstOfType(relationships, 'sharedStrings')?.target, limits),
    formats: styles !== undefined && archive.has(styles) ? readFormats(parseXml(await archive.read(styles), limits)) : [],
    from1904: date1904 === '1' || date1904 === 'true',
  }
  const writer = createWriter(context)
  const sheets = childrenNamed(child(root, 'x:sheets'), 'x:sheet')
  let filled = 0
  for (const [index, { attributes }] of sheets.entries()) {
    const target = relationships.get(attributes['r:id'] ?? '')?.target
    const name = attributes['name'] ?? `Sheet ${index + 1}`
    if (target === undefined || !archive.has(target)) {
      writer.warn(`Sheet "${name}" could not be read.`)
      continue
    }
    const isHidden = attributes['state'] === 'hidden' || attributes['state'] === 'veryHidden'
    if (isHidden) writer.warn(`Sheet "${name}" is hidden; it was read all the same.`)
    const before = writer.size()
    writer.heading(1, isHidden ? `${name} (hidden)` : name, { page: index + 1 })
    const sheet = await writeSheet(writer, archive, target, index + 1, workbook, context)
    if (sheet.isCut) writer.warn(`Sheet "${name}": only the first ${limits.tableRows} rows were read.`)
    if (sheet.hides) writer.warn(`Sheet "${name}" hides rows or columns; they were read all the same.`)
    if (sheet.uncached > 0)
      writer.warn(`Sheet "${name}": formulas without a stored result were read as formulas (${sheet.uncached} in all).`)
    if (writer.size() > before + 1) filled += 1
  }
  if (filled === 0) throw unreadable('The workbook is empty: no sheet holds anything.')
  // A sheet's name is no title for the workbook; its file name is.
  return writer.finish({ title: (await packageTitle(archive, limits)) || titleFromFileName(context.fileName), pages: sheets.length })
}
