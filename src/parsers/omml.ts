// Office equations (OMML) to LaTeX that KaTeX parses. Reference: ECMA-376 part 1, chapter 22.1.
import { ACCENTS, ALPHABETS, FUNCTIONS, SYMBOLS } from './omml-symbols.ts'
import { child, childrenNamed, elementsOf, textOf, type XmlElement } from './xml.ts'

/** A backslash command swallows following letters, so it ends with a space unless something else does. */
function symbol(character: string): string {
  const command = SYMBOLS[character]
  if (command === undefined)
    return '#%&$_{}'.includes(character)
      ? `\\${character}`
      : character === '\\'
        ? '\\backslash '
        : character === '~'
          ? '\\sim '
          : character === '^'
            ? '\\wedge '
            : character
  return /^\\[A-Za-z]+$/.test(command) ? `${command} ` : command
}

/** Mathematical alphanumerics (𝑥, 𝐀) are italic or bold letters of their own in Unicode; LaTeX wants the plain letter. */
const plainLetters = (text: string): string => text.replace(/[\u{1d400}-\u{1d7ff}]/gu, (letter) => letter.normalize('NFKC'))

/** LaTeX of characters as they stand: symbols by their commands, Chinese as text. */
export function literal(text: string): string {
  return plainLetters(text)
    .split(/([\p{Script=Han}\u3000-\u303f\uff00-\uffef]+)/u)
    .map((part, index) => (index % 2 === 1 ? `\\text{${part}}` : Array.from(part, symbol).join('')))
    .join('')
}

const value = (properties: XmlElement | undefined, name: string): string | undefined => child(properties, name)?.attributes['m:val']
const isOn = (properties: XmlElement | undefined, name: string): boolean => {
  const flag = child(properties, name)
  return flag !== undefined && !['0', 'off', 'false'].includes(flag.attributes['m:val'] ?? '1')
}
const part = (element: XmlElement, name: string): string => {
  const inner = child(element, name)
  return inner === undefined ? '' : sequence(inner).trim()
}
const sequence = (element: XmlElement): string => elementsOf(element).map(convert).join('')

/** A base of more than one symbol needs braces before a script is set on it. */
export const based = (base: string): string => (/^(?:[^\\{}]|\\[A-Za-z]+|\{.*\})$/.test(base) ? base : `{${base}}`)

function run(element: XmlElement): string {
  const properties = child(element, 'm:rPr')
  const raw = childrenNamed(element, 'm:t').map(textOf).join('')
  if (isOn(properties, 'm:nor') && /[\p{L}]{2}/u.test(raw))
    return FUNCTIONS.has(raw.trim()) ? `\\${raw.trim()} ` : `\\text{${raw.replace(/[#%&$_{}]/g, '\\$&')}}`
  const alphabet = ALPHABETS[value(properties, 'm:scr') ?? '']
  const latex = literal(raw)
  if (alphabet !== undefined) return `${alphabet}{${latex.trim()}}`
  if (value(properties, 'm:sty') === 'b') return `\\mathbf{${latex.trim()}}`
  return FUNCTIONS.has(raw.trim()) ? `\\${raw.trim()} ` : latex
}

function nary(element: XmlElement): string {
  const properties = child(element, 'm:naryPr')
  const operator = symbol(value(properties, 'm:chr') ?? '∫').trim()
  const sub = isOn(properties, 'm:subHide') ? '' : part(element, 'm:sub')
  const sup = isOn(properties, 'm:supHide') ? '' : part(element, 'm:sup')
  const limits = value(properties, 'm:limLoc') === 'undOvr' && operator.includes('int') ? '\\limits' : ''
  return `${operator}${limits}${sub === '' ? '' : `_{${sub}}`}${sup === '' ? '' : `^{${sup}}`} ${part(element, 'm:e')}`
}

function delimited(element: XmlElement): string {
  const properties = child(element, 'm:dPr')
  const fence = (name: string, fallback: string): string => {
    const mark = value(properties, name)
    return mark === '' ? '.' : symbol(mark ?? fallback).trim() || '.'
  }
  const parts = childrenNamed(element, 'm:e').map((inner) => sequence(inner).trim())
  const separator = symbol(value(properties, 'm:sepChr') ?? '|').trim()
  const inner = parts.join(separator === '|' ? ' \\mid ' : separator)
  return `\\left${fence('m:begChr', '(')} ${inner} \\right${fence('m:endChr', ')')}`
}

function matrix(element: XmlElement): string {
  const rows = childrenNamed(element, 'm:mr').map((row) =>
    childrenNamed(row, 'm:e')
      .map((cell) => sequence(cell).trim())
      .join(' & '),
  )
  return `\\begin{matrix} ${rows.join(' \\\\ ')} \\end{matrix}`
}

function equationArray(element: XmlElement): string {
  const rows = childrenNamed(element, 'm:e').map((row) => sequence(row).trim().replaceAll('\\&', '&'))
  return `\\begin{aligned} ${rows.join(' \\\\ ')} \\end{aligned}`
}

function functionCall(element: XmlElement): string {
  const name = part(element, 'm:fName')
  const known = /^[A-Za-z]+$/.test(name) ? (FUNCTIONS.has(name) ? `\\${name}` : `\\operatorname{${name}}`) : name
  return `${known} ${part(element, 'm:e')}`
}

/** `lim` and its kind put the lower limit below; other bases get an explicit underset. */
function limit(element: XmlElement, below: boolean): string {
  const base = part(element, 'm:e')
  const small = part(element, 'm:lim')
  if (below && /^\\(?:lim|max|min|sup|inf|gcd|Pr|det)$/.test(base)) return `${base}_{${small}}`
  return below ? `\\underset{${small}}{${base}}` : `\\overset{${small}}{${base}}`
}

function groupCharacter(element: XmlElement): string {
  const properties = child(element, 'm:groupChrPr')
  const mark = value(properties, 'm:chr') ?? '⏟'
  const above = value(properties, 'm:pos') === 'top'
  const base = part(element, 'm:e')
  if (mark === '⏟' || mark === '⏞') return `\\${above || mark === '⏞' ? 'overbrace' : 'underbrace'}{${base}}`
  return above ? `\\overset{${symbol(mark).trim()}}{${base}}` : `\\underset{${symbol(mark).trim()}}{${base}}`
}

function fraction(element: XmlElement): string {
  const kind = value(child(element, 'm:fPr'), 'm:type')
  const [top, bottom] = [part(element, 'm:num'), part(element, 'm:den')]
  if (kind === 'lin' || kind === 'skw') return `${based(top)}/${based(bottom)}`
  return kind === 'noBar' ? `\\genfrac{}{}{0pt}{}{${top}}{${bottom}}` : `\\frac{${top}}{${bottom}}`
}

function radical(element: XmlElement): string {
  const degree = isOn(child(element, 'm:radPr'), 'm:degHide') ? '' : part(element, 'm:deg')
  return `\\sqrt${degree === '' ? '' : `[${degree}]`}{${part(element, 'm:e')}}`
}

function accent(element: XmlElement): string {
  const mark = value(child(element, 'm:accPr'), 'm:chr') ?? '\u0302'
  const base = part(element, 'm:e')
  const command = ACCENTS[mark] ?? '\\hat'
  const wide =
    base.length > 1 && !base.startsWith('\\')
      ? { '\\hat': '\\widehat', '\\tilde': '\\widetilde', '\\bar': '\\overline', '\\vec': '\\overrightarrow' }[command]
      : undefined
  return `${wide ?? command}{${base}}`
}

const CONVERTERS: Readonly<Record<string, (element: XmlElement) => string>> = {
  'm:r': run,
  'm:f': fraction,
  'm:rad': radical,
  'm:sSup': (element) => `${based(part(element, 'm:e'))}^{${part(element, 'm:sup')}}`,
  'm:sSub': (element) => `${based(part(element, 'm:e'))}_{${part(element, 'm:sub')}}`,
  'm:sSubSup': (element) => `${based(part(element, 'm:e'))}_{${part(element, 'm:sub')}}^{${part(element, 'm:sup')}}`,
  'm:sPre': (element) => `{}_{${part(element, 'm:sub')}}^{${part(element, 'm:sup')}}${based(part(element, 'm:e'))}`,
  'm:nary': nary,
  'm:d': delimited,
  'm:m': matrix,
  'm:eqArr': equationArray,
  'm:func': functionCall,
  'm:limLow': (element) => limit(element, true),
  'm:limUpp': (element) => limit(element, false),
  'm:acc': accent,
  'm:bar': (element) => `\\${value(child(element, 'm:barPr'), 'm:pos') === 'bot' ? 'underline' : 'overline'}{${part(element, 'm:e')}}`,
  'm:groupChr': groupCharacter,
  'm:borderBox': (element) => `\\boxed{${part(element, 'm:e')}}`,
  'm:phant': (element) => part(element, 'm:e'),
}

function convert(element: XmlElement): string {
  const converter = CONVERTERS[element.name]
  if (converter !== undefined) return converter(element)
  if (element.name.endsWith('Pr')) return ''
  if (element.name === 'm:t') return literal(textOf(element))
  return element.name === 'w:del' ? '' : sequence(element)
}

/** LaTeX, without delimiters, of an `m:oMath` element. */
export function ommlToLatex(element: XmlElement): string {
  return sequence(element).replace(/ {2,}/g, ' ').trim()
}
