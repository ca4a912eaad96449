// XML of office files as a light tree, with canonical prefixes whatever the file calls them. No DTD, no entities, bounded depth and size.
import { SaxesParser } from 'saxes'
import { cleanText } from '../core/text.ts'
import { AppError } from '../core/errors.ts'
import { type ParseLimits, unreadable } from './format.ts'

export type XmlElement = { name: string; attributes: Record<string, string>; children: (XmlElement | string)[] }

/** Prefix by which the code knows a namespace; the second name is Strict OOXML's. Others keep the local name only. */
const PREFIXES = new Map<string, string>([
  ['http://schemas.openxmlformats.org/wordprocessingml/2006/main', 'w'],
  ['http://purl.oclc.org/ooxml/wordprocessingml/main', 'w'],
  ['http://schemas.openxmlformats.org/officeDocument/2006/math', 'm'],
  ['http://purl.oclc.org/ooxml/officeDocument/math', 'm'],
  ['http://schemas.openxmlformats.org/drawingml/2006/main', 'a'],
  ['http://purl.oclc.org/ooxml/drawingml/main', 'a'],
  ['http://schemas.openxmlformats.org/presentationml/2006/main', 'p'],
  ['http://purl.oclc.org/ooxml/presentationml/main', 'p'],
  ['http://schemas.openxmlformats.org/spreadsheetml/2006/main', 'x'],
  ['http://purl.oclc.org/ooxml/spreadsheetml/main', 'x'],
  ['http://schemas.openxmlformats.org/officeDocument/2006/relationships', 'r'],
  ['http://purl.oclc.org/ooxml/officeDocument/relationships', 'r'],
  ['http://schemas.openxmlformats.org/markup-compatibility/2006', 'mc'],
  ['http://schemas.openxmlformats.org/drawingml/2006/chart', 'c'],
  ['http://purl.oclc.org/ooxml/drawingml/chart', 'c'],
  ['http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing', 'wp'],
  ['http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing', 'wp'],
  ['urn:schemas-microsoft-com:vml', 'v'],
])

export type XmlEvents = {
  open(name: string, attributes: Record<string, string>): void
  close(name: string): void
  text(text: string): void
}

/** A push parser over canonical names; `write` pieces, then `close`. Errors are thrown from `write`. */
export function xmlReader(events: XmlEvents, limits: ParseLimits): { write(piece: string): void; close(): void } {
  const parser = new SaxesParser({ xmlns: true, position: false })
  let depth = 0
  let elements = 0
  const canonical = (uri: string, local: string): string => {
    const prefix = PREFIXES.get(uri)
    return prefix === undefined ? local : `${prefix}:${local}`
  }
  parser.on('error', (error) => {
    throw unreadable('The file is damaged: its XML is not well formed.', error)
  })
  parser.on('doctype', () => {
    throw unreadable('The file is refused: its XML declares a document type, which office files never do.')
  })
  parser.on('opentag', (tag) => {
    depth += 1
    elements += 1
    if (depth > limits.depth) throw unreadable(`The file is refused: its XML is nested more than ${limits.depth} levels deep.`)
    if (elements > limits.xmlElements) throw unreadable(`The file is refused: a part of it has more than ${limits.xmlElements} elements.`)
    const attributes: Record<string, string> = Object.create(null) as Record<string, string>
    for (const attribute of Object.values(tag.attributes)) attributes[canonical(attribute.uri, attribute.local)] = attribute.value
    events.open(canonical(tag.uri, tag.local), attributes)
  })
  parser.on('closetag', (tag) => {
    depth -= 1
    events.close(canonical(tag.uri, tag.local))
  })
  parser.on('text', (text) => events.text(text))
  parser.on('cdata', (text) => events.text(text))
  return { write: (piece) => void parser.write(piece), close: () => void parser.close() }
}

/** @throws AppError `unprocessable_document` when it is not well formed, has a DTD, or is too deep or too large. */
export function parseXml(source: Buffer | string, limits: ParseLimits): XmlElement {
  const root: XmlElement = { name: '', attributes: {}, children: [] }
  const stack = [root]
  const reader = xmlReader(
    {
      open(name, attributes) {
        const element: XmlElement = { name, attributes, children: [] }
        stack.at(-1)?.children.push(element)
        stack.push(element)
      },
      close: () => void stack.pop(),
      text: (text) => void stack.at(-1)?.children.push(text),
    },
    limits,
  )
  try {
    reader.write(typeof source === 'string' ? source : xmlText(source))
    reader.close()
  } catch (error) {
    throw error instanceof AppError ? error : unreadable('The file is damaged: its XML is not well formed.', error)
  }
  return elementsOf(root)[0] ?? root
}

/** Office writes UTF-8, or UTF-16 with a mark. */
export function xmlText(bytes: Buffer): string {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  return new TextDecoder(utf16 ? (bytes[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8').decode(bytes)
}

export function elementsOf(element: XmlElement): XmlElement[] {
  return element.children.filter((child) => typeof child !== 'string')
}

export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return element === undefined ? undefined : elementsOf(element).find((candidate) => candidate.name === name)
}

export function childrenNamed(element: XmlElement | undefined, name: string): XmlElement[] {
  return element === undefined ? [] : elementsOf(element).filter((candidate) => candidate.name === name)
}

/** Depth first, in document order; iterative, since depth is the file's choice. */
export function* descendants(element: XmlElement): Generator<XmlElement> {
  const open: XmlElement[] = elementsOf(element).toReversed()
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    yield next
    for (const inner of elementsOf(next).toReversed()) open.push(inner)
  }
}

export function descendant(element: XmlElement | undefined, name: string): XmlElement | undefined {
  if (element === undefined) return undefined
  for (const candidate of descendants(element)) if (candidate.name === name) return candidate
  return undefined
}

/** All character data below an element. */
export function textOf(element: XmlElement): string {
  let text = ''
  const open: (XmlElement | string)[] = [element]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === 'string') text += next
    else for (const inner of next.children.toReversed()) open.push(inner)
  }
  return cleanText(text)
}
