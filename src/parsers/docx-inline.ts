// What stands in one Word paragraph: its text in the accepted view of tracked changes, equations, and what hangs on it (pictures, boxes, notes).
import { ommlToLatex } from './omml.ts'
import { child, descendant, descendants, elementsOf, textOf, type XmlElement } from './xml.ts'

export type InlinePart = { kind: 'text'; text: string } | { kind: 'display'; latex: string }

export type DocxImage = { relation: string; alternative: string }

export type Inline = {
  parts: InlinePart[]
  images: DocxImage[]
  /** `w:txbxContent` elements, each a small body of its own. */
  boxes: XmlElement[]
  footnotes: string[]
  endnotes: string[]
  /** Words that are a link, and the id of where it leads. */
  links: { text: string; relation: string }[]
}

/** Deleted and moved-away text, field codes, properties and phonetic guides are not what a reader sees. */
const SKIPPED = new Set([
  'w:del',
  'w:moveFrom',
  'w:instrText',
  'w:delText',
  'w:pPr',
  'w:rPr',
  'w:sectPr',
  'w:rt',
  'w:fldData',
  'w:sdtPr',
  'w:tcPr',
  'mc:Fallback',
])

/** Characters of the Symbol and Wingdings fonts that teachers use, by code point of `w:sym`. */
const SYMBOL_FONT: Readonly<Record<string, string>> = {
  F0B7: '•',
  F0A7: '▪',
  F0FC: '✓',
  F0FB: '✗',
  F0A8: '◻',
  F0FE: '☑',
  F061: 'α',
  F062: 'β',
  F070: 'π',
  F0B0: '°',
  F0B1: '±',
  F0B4: '×',
  F0A3: '≤',
  F0B3: '≥',
  F0B9: '≠',
  F0DE: '⇒',
  F0AE: '→',
  F05C: '∴',
  F0D0: '∠',
  F044: 'Δ',
  F071: 'θ',
}

const LITERALS: Readonly<Record<string, string>> = {
  'w:tab': '\t',
  'w:cr': '\n',
  'w:noBreakHyphen': '-',
  'w:softHyphen': '',
  'w:ptab': '\t',
}

const isHidden = (run: XmlElement): boolean => {
  const flag = child(child(run, 'w:rPr'), 'w:vanish')
  return flag !== undefined && !['0', 'false', 'off'].includes(flag.attributes['w:val'] ?? '1')
}

/** Reads a paragraph, or any container of runs. Iterative: nesting is the file's choice. */
export function readInline(paragraph: XmlElement): Inline {
  const inline: Inline = { parts: [], images: [], boxes: [], footnotes: [], endnotes: [], links: [] }
  let text = ''
  const flush = (): void => {
    if (text !== '') inline.parts.push({ kind: 'text', text })
    text = ''
  }
  const open = elementsOf(paragraph).toReversed()
  for (let element = open.pop(); element !== undefined; element = open.pop()) {
    const { name } = element
    if (SKIPPED.has(name) || (name === 'w:r' && isHidden(element))) continue
    if (name === 'w:t') text += textOf(element)
    else if (name in LITERALS) text += LITERALS[name] ?? ''
    else if (name === 'w:br') text += element.attributes['w:type'] === 'page' ? '' : '\n'
    else if (name === 'w:sym') text += SYMBOL_FONT[element.attributes['w:char'] ?? ''] ?? ''
    else if (name === 'w:footnoteReference') inline.footnotes.push(element.attributes['w:id'] ?? '')
    else if (name === 'w:endnoteReference') inline.endnotes.push(element.attributes['w:id'] ?? '')
    else if (name === 'w:hyperlink' && element.attributes['r:id'] !== undefined) {
      inline.links.push({ text: partsText(readInline(element).parts), relation: element.attributes['r:id'] })
      open.push(...elementsOf(element).toReversed())
    } else if (name === 'm:oMathPara') {
      flush()
      for (const math of elementsOf(element)) if (math.name === 'm:oMath') inline.parts.push({ kind: 'display', latex: ommlToLatex(math) })
    } else if (name === 'm:oMath') text += inlineMath(element)
    else if (name === 'w:drawing' || name === 'w:pict' || name === 'w:object') readDrawing(element, inline)
    else open.push(...elementsOf(element).toReversed())
  }
  flush()
  return soleEquation(inline)
}

function inlineMath(element: XmlElement): string {
  const latex = ommlToLatex(element)
  return latex === '' ? '' : `$${latex}$`
}

/** A paragraph that is nothing but one formula is a displayed equation, however Word stored it. */
function soleEquation(inline: Inline): Inline {
  const [only, ...more] = inline.parts
  const latex = only?.kind === 'text' && more.length === 0 ? /^\s*\$([^$]+)\$\s*$/.exec(only.text)?.[1] : undefined
  return latex === undefined ? inline : { ...inline, parts: [{ kind: 'display', latex }] }
}

function readDrawing(drawing: XmlElement, inline: Inline): void {
  let insideBox = false
  for (const element of descendants(drawing)) {
    if (element.name === 'w:txbxContent' && !insideBox) {
      inline.boxes.push(element)
      insideBox = true
    }
  }
  if (insideBox) return
  const description = descendant(drawing, 'wp:docPr')?.attributes
  const relation = descendant(drawing, 'a:blip')?.attributes['r:embed'] ?? descendant(drawing, 'v:imagedata')?.attributes['r:id']
  if (relation !== undefined) inline.images.push({ relation, alternative: description?.['descr'] ?? description?.['title'] ?? '' })
}

/** The text of parts with displayed equations between `$$`. */
export function partsText(parts: readonly InlinePart[]): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : `$$${part.latex}$$`)).join('')
}
