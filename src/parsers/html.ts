// HTML: the main content in reading order, without scripts, navigation or what is hidden. The walk is iterative, since depth is the page's choice.
import { type DefaultTreeAdapterTypes, parse } from 'parse5'
import type { TableContent } from '../core/blocks.ts'
import type { FormatParser, ParseLimits } from './format.ts'
import { unreadable } from './format.ts'
import { decodeText } from './encoding.ts'
import { mathmlToLatex } from './mathml.ts'
import { guessHeaderRows, type RowCell, tableFromRows } from './table.ts'
import { createWriter, type Writer } from './writer.ts'

type Node = DefaultTreeAdapterTypes.ChildNode
type Element = DefaultTreeAdapterTypes.Element

const SKIPPED = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'head',
  'iframe',
  'object',
  'svg',
  'canvas',
  'button',
  'select',
  'input',
  'textarea',
  'nav',
  'rt',
  'rp',
  'dialog',
])
/** Left out only when the page has a main part of its own, or when they frame the body. */
const FRAME = new Set(['header', 'footer', 'aside', 'form'])
const BLOCKS = new Set(
  'address article aside blockquote center dd details div dl dt fieldset figcaption figure footer form header hr li main ol p section summary ul'.split(
    ' ',
  ),
)

const isElement = (node: Node): node is Element => 'tagName' in node
/** Not `push(...nodes)`: a page with a hundred thousand children would exhaust the stack. */
function pushReversed<T>(stack: T[], nodes: readonly T[]): void {
  for (let index = nodes.length - 1; index >= 0; index -= 1) {
    const node = nodes[index]
    if (node !== undefined) stack.push(node)
  }
}
const attribute = (element: Element, name: string): string | undefined => element.attrs.find((candidate) => candidate.name === name)?.value

function isHidden(element: Element): boolean {
  return (
    attribute(element, 'hidden') !== undefined ||
    attribute(element, 'aria-hidden') === 'true' ||
    /display\s*:\s*none|visibility\s*:\s*hidden/i.test(attribute(element, 'style') ?? '')
  )
}

/** All elements of a name below a node, not searching inside `stop`. */
function findAll(root: Element | DefaultTreeAdapterTypes.Document, wanted: (element: Element) => boolean, inside: boolean): Element[] {
  const found: Element[] = []
  const open: Node[] = root.childNodes.toReversed()
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (!isElement(node)) continue
    const hit = wanted(node)
    if (hit) found.push(node)
    if (!hit || inside) pushReversed(open, node.childNodes)
  }
  return found
}

/** The text below a node: blanks as the page shows them, LaTeX of MathML annotations and KaTeX, alternative texts of pictures. */
function inlineText(root: Node): string {
  let text = ''
  const open: (Node | string)[] = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (typeof node === 'string') text += node
    else if (node.nodeName === '#text') text += (node as DefaultTreeAdapterTypes.TextNode).value.replace(/[\t\n\f\r ]+/g, ' ')
    else if (isElement(node)) {
      const math = latexOf(node)
      if (math !== undefined) text += `$${math}$`
      else if (node.tagName === 'br') text += '\n'
      else if (node.tagName === 'img') text += attribute(node, 'alt') ?? ''
      else if (!SKIPPED.has(node.tagName) && !isHidden(node)) {
        const edge = BLOCKS.has(node.tagName) || node.tagName === 'tr' ? '\n' : node.tagName === 'td' || node.tagName === 'th' ? ' ' : ''
        open.push(edge)
        pushReversed(open, node.childNodes)
        open.push(edge)
      }
    }
  }
  return text
}

/** MathJax's way of writing LaTeX into a page. */
const isTexScript = (element: Element): boolean => element.tagName === 'script' && /^math\/tex\b/i.test(attribute(element, 'type') ?? '')

const isDisplayed = (element: Element): boolean =>
  element.tagName === 'math' ? attribute(element, 'display') === 'block' : /mode\s*=\s*display/i.test(attribute(element, 'type') ?? '')

const textOf = (element: Element): string =>
  element.childNodes.map((node) => (node.nodeName === '#text' ? (node as DefaultTreeAdapterTypes.TextNode).value : '')).join('')

function latexOf(element: Element): string | undefined {
  if (element.tagName === 'math') {
    const annotation = findAll(
      element,
      (inner) => inner.tagName === 'annotation' && /tex/i.test(attribute(inner, 'encoding') ?? ''),
      false,
    )[0]
    const text = annotation === undefined ? undefined : textOf(annotation)
    return text?.trim() || attribute(element, 'alttext')?.trim() || mathmlToLatex(element) || undefined
  }
  if (isTexScript(element)) return textOf(element).trim() || undefined
  return undefined
}

function writeTable(writer: Writer, table: Element): void {
  const own = (element: Element): boolean => element.tagName === 'table'
  const rows = rowsOf(table)
  const cells = rows.map((row) =>
    row.childNodes
      .filter(isElement)
      .filter((cell) => cell.tagName === 'td' || cell.tagName === 'th')
      .map((cell): RowCell => ({
        text: inlineText(cell).trim(),
        rowSpan: Number.parseInt(attribute(cell, 'rowspan') ?? '1', 10) || 1,
        columnSpan: Number.parseInt(attribute(cell, 'colspan') ?? '1', 10) || 1,
        header: cell.tagName === 'th' || (row.parentNode !== null && row.parentNode.nodeName === 'thead'),
      })),
  )
  const nested = rows.some((row) => findAll(row, own, false).length > 0)
  const isLayout = nested || (cells.length > 0 && cells.every((row) => row.length <= 1))
  const caption = table.childNodes.filter(isElement).find((node) => node.tagName === 'caption')
  if (isLayout) for (const row of rows) for (const cell of row.childNodes.filter(isElement)) walk(writer, cell)
  else
    writer.table(withGuessedHeader(tableFromRows(cells, undefined, caption === undefined ? undefined : inlineText(caption).trim()), cells))
}

/** Pages that mark no header cell at all often have a header all the same. */
function withGuessedHeader(table: TableContent, rows: readonly (readonly RowCell[])[]): TableContent {
  const isMarked = rows.some((row) => row.some((cell) => cell.header === true))
  return isMarked ? table : { ...table, headerRows: guessHeaderRows(table.cells, table.rows, table.columns) }
}

function rowsOf(table: Element): Element[] {
  return table.childNodes.filter(isElement).flatMap((part) => {
    if (part.tagName === 'tr') return [part]
    return ['thead', 'tbody', 'tfoot'].includes(part.tagName) ? part.childNodes.filter(isElement).filter((row) => row.tagName === 'tr') : []
  })
}

function listLines(list: Element): string[] {
  const lines: string[] = []
  const open: { element: Element; depth: number; mark: string }[] = itemsOf(list, 0)
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const nested = next.element.childNodes.filter(isElement).filter((node) => node.tagName === 'ul' || node.tagName === 'ol')
    const text = next.element.childNodes
      .filter((node) => !nested.some((inner) => inner === node))
      .map(inlineText)
      .join('')
    lines.push(`${'  '.repeat(Math.min(next.depth, 6))}${next.mark} ${text.replace(/\s+/g, ' ').trim()}`)
    for (const inner of nested.toReversed()) pushReversed(open, itemsOf(inner, next.depth + 1).toReversed())
  }
  return lines
}

function itemsOf(list: Element, depth: number): { element: Element; depth: number; mark: string }[] {
  const start = Number.parseInt(attribute(list, 'start') ?? '1', 10) || 1
  const items = list.childNodes.filter(isElement).filter((node) => node.tagName === 'li')
  return items.map((element, index) => ({ element, depth, mark: list.tagName === 'ol' ? `${start + index}.` : '-' })).toReversed()
}

/**
 * Terms and what they mean, a line for each entry, as such lists are written elsewhere. Undefined where an entry holds more than running
 * text, or something stands between the entries.
 */
function entryLines(list: Element): string[] | undefined {
  const parts = list.childNodes.flatMap((part) => (isElement(part) && part.tagName === 'div' ? part.childNodes : [part]))
  const entries: { terms: string[]; definitions: string[] }[] = []
  for (const part of parts) {
    if (!isElement(part)) {
      if (part.nodeName === '#text' && part.value.trim() !== '') return undefined
      continue
    }
    if (!['dt', 'dd'].includes(part.tagName) || isHidden(part) || containsBlock(part) || containsImage(part)) return undefined
    const text = inlineText(part).replace(/\s+/g, ' ').trim()
    const last = entries.at(-1)
    if (part.tagName === 'dt') {
      if (last?.definitions.length === 0) last.terms.push(text)
      else entries.push({ terms: [text], definitions: [] })
    } else if (last === undefined) return undefined
    else last.definitions.push(text)
  }
  return entries.map(({ terms: [term = '', ...others], definitions }) => {
    const names = others.length === 0 ? term : `${term} (${others.join(', ')})`
    return `- ${names}: ${definitions.join(' ')}`
  })
}

const containsImage = (element: Element): boolean => findAll(element, (inner) => inner.tagName === 'img', false).length > 0

/** A task of the walk: a node still to be read, or the end of a run of inline text. */
type Task = Node | 'flush'

function walk(writer: Writer, root: Element): void {
  let run = ''
  const flush = (): void => {
    writer.text('paragraph', run)
    run = ''
  }
  const open: Task[] = root.childNodes.toReversed()
  for (let task = open.pop(); task !== undefined; task = open.pop()) {
    if (task === 'flush') flush()
    else if (!isElement(task)) run += inlineText(task)
    else if ((!SKIPPED.has(task.tagName) || isTexScript(task)) && !isHidden(task)) {
      const isBlock = writeBlock(writer, task, flush)
      if (isBlock) continue
      if (BLOCKS.has(task.tagName) || containsBlock(task)) {
        flush()
        open.push('flush')
        pushReversed(open, task.childNodes)
      } else run += inlineText(task)
    }
  }
  flush()
}

const containsBlock = (element: Element): boolean =>
  !['math', 'svg'].includes(element.tagName) &&
  findAll(element, (inner) => BLOCKS.has(inner.tagName) || /^(?:h[1-6]|table|pre)$/.test(inner.tagName), false).length > 0

/** Elements that are a block as a whole; true when this was one. */
function writeBlock(writer: Writer, element: Element, flush: () => void): boolean {
  const name = element.tagName
  const level = /^h([1-6])$/.exec(name)?.[1]
  if (level === undefined && !['table', 'ul', 'ol', 'dl', 'pre', 'math', 'script', 'figure', 'img'].includes(name)) return false
  const latex = latexOf(element)
  if ((name === 'math' || name === 'script') && (latex === undefined || !isDisplayed(element))) return false
  if (name === 'figure' && !containsImage(element)) return false
  const entries = name === 'dl' ? entryLines(element) : undefined
  if (name === 'dl' && entries === undefined) return false
  flush()
  if (level !== undefined) writer.heading(Number(level), inlineText(element))
  else if (name === 'table') writeTable(writer, element)
  else if (name === 'pre') writer.text('code', preText(element))
  else if (latex !== undefined) writer.equation(latex)
  else if (name === 'figure' || name === 'img') writer.image(inlineText(element), undefined)
  else writer.text('list', (entries ?? listLines(element)).join('\n'))
  return true
}

function preText(element: Element): string {
  let text = ''
  const open: Node[] = [element]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.nodeName === '#text') text += (node as DefaultTreeAdapterTypes.TextNode).value
    else if (isElement(node)) pushReversed(open, node.childNodes)
  }
  return text
}

/** `main`, or the only `article`, or the body without what frames it. */
function mainContent(document: DefaultTreeAdapterTypes.Document): Element | undefined {
  const main = findAll(document, (element) => element.tagName === 'main' || attribute(element, 'role') === 'main', false)
  if (main.length === 1) return main[0]
  const articles = findAll(document, (element) => element.tagName === 'article', false)
  if (articles.length === 1) return articles[0]
  const [body] = findAll(document, (element) => element.tagName === 'body', false)
  if (body !== undefined) body.childNodes = body.childNodes.filter((node) => !isElement(node) || !FRAME.has(node.tagName))
  return body
}

/** Elements that sloppy pages leave open because the parser closes them, and those that have no end at all. */
const SELF_CLOSING = new Set(
  'p li td th tr dd dt option thead tbody tfoot area base br col embed hr img input link meta param source track wbr html head body'.split(
    ' ',
  ),
)

/**
 * Refuses absurd nesting before the tree is built: building it takes time quadratic in the depth.
 * Counts start tags against end tags, which is exact enough for a limit that no written page comes near.
 */
function refuseDepth(source: string, limit: number): void {
  let depth = 0
  for (const [, slash, name = ''] of source.matchAll(/<(\/?)([a-z][a-z0-9]*)[^<>]*>/gi)) {
    if (SELF_CLOSING.has(name.toLowerCase())) continue
    depth = Math.max(0, depth + (slash === '/' ? -1 : 1))
    if (depth > limit) throw unreadable(`The file is refused: its HTML is nested more than ${limit} levels deep.`)
  }
}

const declaredCharset = (bytes: Uint8Array): string | undefined =>
  /charset\s*=\s*["']?\s*([\w-]+)/i.exec(Buffer.from(bytes.subarray(0, 2048)).toString('latin1'))?.[1]

/** Writes the main content of a page and gives its title. @throws AppError when it is nested absurdly deep. */
export function writeHtml(writer: Writer, source: string, limits: ParseLimits): string | undefined {
  refuseDepth(source, limits.depth * 2)
  const document = parse(source)
  const [title] = findAll(document, (element) => element.tagName === 'title', false)
  const content = mainContent(document)
  if (content !== undefined) walk(writer, content)
  return title === undefined ? undefined : textOf(title)
}

export const parseHtml: FormatParser = (bytes, context) => {
  const writer = createWriter(context)
  const title = writeHtml(writer, decodeText(bytes, declaredCharset(bytes)).text, context.limits)
  if (writer.isEmpty()) throw unreadable('The document is empty: it holds no text.')
  return Promise.resolve(writer.finish({ title }))
}
