// Presentation MathML of web pages and e-books to LaTeX that KaTeX parses. Reference: MathML Core, W3C.
import type { DefaultTreeAdapterTypes } from 'parse5'
import { based, literal } from './omml.ts'
import { ACCENTS, FUNCTIONS } from './omml-symbols.ts'

type Node = DefaultTreeAdapterTypes.ChildNode
type Element = DefaultTreeAdapterTypes.Element

const isElement = (node: Node): node is Element => 'tagName' in node
const attribute = (element: Element, name: string): string | undefined => element.attrs.find((one) => one.name === name)?.value
const elementsOf = (element: Element): Element[] => element.childNodes.filter(isElement)

function textOf(element: Element): string {
  const text = element.childNodes.map((node) => (isElement(node) ? textOf(node) : 'value' in node ? node.value : '')).join('')
  // Function application, invisible times and separators are seen by no one.
  return text.replace(/[\u2061-\u2064]/g, '').trim()
}

const sequence = (element: Element): string => elementsOf(element).map(convert).join('')
const part = (element: Element, at: number): string => {
  const inner = elementsOf(element)[at]
  return inner === undefined ? '' : convert(inner).trim()
}

/** Operators that carry what stands below and above them as their limits. */
const TAKES_LIMITS = /^\\(?:sum|prod|coprod|bigcup|bigcap|lim|max|min|sup|inf|limsup|liminf|gcd|det|Pr|int|iint|iiint|oint)\s*$/

function identifier(element: Element): string {
  const text = textOf(element)
  if (FUNCTIONS.has(text)) return `\\${text} `
  const latex = literal(text)
  if (attribute(element, 'mathvariant')?.startsWith('bold') === true) return `\\mathbf{${latex.trim()}}`
  return /^[A-Za-z]{2,}$/.test(text) ? `\\mathrm{${text}}` : latex
}

function words(element: Element): string {
  const text = textOf(element)
  return text === '' ? '\\ ' : `\\text{${text.replace(/[#%&$_{}]/g, '\\$&').replace(/[\\^~](?![#%&$_{}])/g, ' ')}}`
}

function fraction(element: Element): string {
  const [top, bottom] = [part(element, 0), part(element, 1)]
  return /^0(?:[a-z%]*)$/.test(attribute(element, 'linethickness') ?? '')
    ? `\\genfrac{}{}{0pt}{}{${top}}{${bottom}}`
    : `\\frac{${top}}{${bottom}}`
}

function below(element: Element): string {
  const [base, under] = [part(element, 0), part(element, 1)]
  if (TAKES_LIMITS.test(base)) return `${base}_{${under}}`
  if (under === '⏟') return `\\underbrace{${base}}`
  return under === '\\_' || under === '¯' ? `\\underline{${base}}` : `\\underset{${under}}{${base}}`
}

function above(element: Element): string {
  const base = part(element, 0)
  const mark = elementsOf(element)[1]
  const text = mark === undefined ? '' : textOf(mark)
  if (TAKES_LIMITS.test(base)) return `${base}^{${part(element, 1)}}`
  if (text === '⏞') return `\\overbrace{${base}}`
  const accent = ACCENTS[OVER[text] ?? text]
  return accent === undefined ? `\\overset{${part(element, 1)}}{${base}}` : `${accent}{${base}}`
}

/** Spacing marks over a base stand for the combining ones that the table of accents is keyed by. */
const OVER: Readonly<Record<string, string>> = {
  '^': '\u0302',
  ˆ: '\u0302',
  '~': '\u0303',
  '˜': '\u0303',
  '¯': '\u0305',
  '‾': '\u0305',
  '―': '\u0305',
  '→': '\u20d7',
  '.': '\u0307',
  '˙': '\u0307',
  '¨': '\u0308',
}

function belowAndAbove(element: Element): string {
  const [base, under, over] = [part(element, 0), part(element, 1), part(element, 2)]
  return TAKES_LIMITS.test(base) ? `${base}_{${under}}^{${over}}` : `\\underset{${under}}{\\overset{${over}}{${base}}}`
}

function table(element: Element): string {
  const rows = elementsOf(element).map((row) =>
    elementsOf(row)
      .map((cell) => sequence(cell).trim())
      .join(' & '),
  )
  return `\\begin{matrix} ${rows.join(' \\\\ ')} \\end{matrix}`
}

function fenced(element: Element): string {
  const fence = (name: string, usual: string): string => literal(attribute(element, name) ?? usual).trim() || '.'
  const inner = elementsOf(element).map((one) => convert(one).trim())
  return `\\left${fence('open', '(')} ${inner.join(', ')} \\right${fence('close', ')')}`
}

/** Scripts before the base come after `mprescripts`, in pairs below and above, as those after the base do. */
function scripts(element: Element): string {
  const [base, ...rest] = elementsOf(element)
  const at = rest.findIndex((one) => one.tagName === 'mprescripts')
  const pairs = (some: readonly Element[]): string =>
    [some.filter((_, index) => index % 2 === 0), some.filter((_, index) => index % 2 === 1)]
      .map((side, index) => ({
        mark: index === 0 ? '_' : '^',
        text: side
          .map((one) => convert(one).trim())
          .join(' ')
          .trim(),
      }))
      .flatMap(({ mark, text }) => (text === '' ? [] : [`${mark}{${text}}`]))
      .join('')
  const before = at === -1 ? '' : pairs(rest.slice(at + 1))
  const core = base === undefined ? '' : based(convert(base).trim())
  return `${before === '' ? '' : `{}${before}`}${core}${pairs(at === -1 ? rest : rest.slice(0, at))}`
}

const CONVERTERS: Readonly<Record<string, (element: Element) => string>> = {
  mi: identifier,
  mn: (element) => literal(textOf(element)),
  mo: (element) => (FUNCTIONS.has(textOf(element)) ? `\\${textOf(element)} ` : literal(textOf(element))),
  mtext: words,
  ms: words,
  mspace: () => '\\ ',
  mfrac: fraction,
  msqrt: (element) => `\\sqrt{${sequence(element).trim()}}`,
  mroot: (element) => `\\sqrt[${part(element, 1)}]{${part(element, 0)}}`,
  msup: (element) => `${based(part(element, 0))}^{${part(element, 1)}}`,
  msub: (element) => `${based(part(element, 0))}_{${part(element, 1)}}`,
  msubsup: (element) => `${based(part(element, 0))}_{${part(element, 1)}}^{${part(element, 2)}}`,
  mmultiscripts: scripts,
  munder: below,
  mover: above,
  munderover: belowAndAbove,
  mtable: table,
  mfenced: fenced,
  menclose: (element) => `\\boxed{${sequence(element).trim()}}`,
  mphantom: () => '',
  none: () => '',
  semantics: (element) => part(element, 0),
  annotation: () => '',
  'annotation-xml': () => '',
}

const convert = (element: Element): string => (CONVERTERS[element.tagName] ?? sequence)(element)

/** LaTeX, without delimiters, of a `math` element. */
export const mathmlToLatex = (math: Element): string => sequence(math).replace(/ {2,}/g, ' ').trim()
