// List labels of a Word document as a reader sees them: levels, formats, restarts and resumed lists. ECMA-376 part 1, 17.9.
import { child, childrenNamed, type XmlElement } from './xml.ts'

type Level = { format: string; text: string; start: number }
type Numbering = { counters: string; levels: Map<number, Level>; starts: Map<number, number> }

export type Numberings = {
  /** Advances the list and gives the label, e.g. `1.2`, `(a)`, `-`; undefined for no list. */
  next(numId: string, level: number): string | undefined
}

const CHINESE_DIGITS = Array.from('〇一二三四五六七八九')
const CIRCLED = Array.from('①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳')
const STEMS = Array.from('甲乙丙丁戊己庚辛壬癸')

function chinese(number: number): string {
  if (number < 10) return CHINESE_DIGITS[number] ?? String(number)
  if (number < 20) return `十${number === 10 ? '' : CHINESE_DIGITS[number - 10]}`
  if (number < 100) return `${CHINESE_DIGITS[Math.floor(number / 10)]}十${number % 10 === 0 ? '' : CHINESE_DIGITS[number % 10]}`
  return String(number)
}

function roman(number: number): string {
  const parts: [number, string][] = [
    [1000, 'm'],
    [900, 'cm'],
    [500, 'd'],
    [400, 'cd'],
    [100, 'c'],
    [90, 'xc'],
    [50, 'l'],
    [40, 'xl'],
    [10, 'x'],
    [9, 'ix'],
    [5, 'v'],
    [4, 'iv'],
    [1, 'i'],
  ]
  let rest = number
  let text = ''
  for (const [worth, letters] of parts) for (; rest >= worth; rest -= worth) text += letters
  return text
}

/** a … z, aa, bb …: Word repeats the letter. */
const letter = (number: number): string => String.fromCharCode(97 + ((number - 1) % 26)).repeat(Math.floor((number - 1) / 26) + 1)

export function formatNumber(number: number, format: string): string {
  if (format === 'lowerLetter') return letter(number)
  if (format === 'upperLetter') return letter(number).toUpperCase()
  if (format === 'lowerRoman') return roman(number)
  if (format === 'upperRoman') return roman(number).toUpperCase()
  if (format === 'decimalZero') return String(number).padStart(2, '0')
  if (format === 'decimalEnclosedCircle' || format === 'decimalEnclosedCircleChinese') return CIRCLED[number - 1] ?? String(number)
  if (format === 'ideographTraditional') return STEMS[(number - 1) % 10] ?? String(number)
  if (/^(?:chinese|taiwanese|japanese|ideographDigital)/.test(format)) return chinese(number)
  if (format === 'none') return ''
  return String(number)
}

const wval = (element: XmlElement | undefined): string | undefined => element?.attributes['w:val']

function readLevel(element: XmlElement): [number, Level] {
  const level = {
    format: wval(child(element, 'w:numFmt')) ?? 'decimal',
    text: wval(child(element, 'w:lvlText')) ?? '',
    start: Number(wval(child(element, 'w:start')) ?? 1),
  }
  return [Number(element.attributes['w:ilvl'] ?? 0), level]
}

/** @param root `w:numbering`, or undefined when the document has no lists. */
export function readNumberings(root: XmlElement | undefined): Numberings {
  const abstracts = new Map<string, Map<number, Level>>()
  for (const abstract of childrenNamed(root, 'w:abstractNum')) {
    abstracts.set(abstract.attributes['w:abstractNumId'] ?? '', new Map(childrenNamed(abstract, 'w:lvl').map(readLevel)))
  }
  const lists = new Map<string, Numbering>()
  for (const num of childrenNamed(root, 'w:num')) {
    const abstractId = wval(child(num, 'w:abstractNumId')) ?? ''
    const id = num.attributes['w:numId'] ?? ''
    const levels = new Map(abstracts.get(abstractId))
    const starts = new Map<number, number>()
    for (const override of childrenNamed(num, 'w:lvlOverride')) {
      const level = Number(override.attributes['w:ilvl'] ?? 0)
      const replaced = child(override, 'w:lvl')
      if (replaced !== undefined) levels.set(...readLevel(replaced))
      const start = wval(child(override, 'w:startOverride'))
      if (start !== undefined) starts.set(level, Number(start))
    }
    // Lists of one definition count on together, unless one of them says where it starts.
    lists.set(id, { counters: starts.size > 0 ? `num ${id}` : `abstract ${abstractId}`, levels, starts })
  }
  const counters = new Map<string, number[]>()
  return {
    next(numId, level) {
      const list = lists.get(numId)
      const own = list?.levels.get(level)
      if (list === undefined || own === undefined) return numId === '0' ? undefined : '-'
      const counts = counters.get(list.counters) ?? []
      counters.set(list.counters, counts)
      const startOf = (at: number): number => list.starts.get(at) ?? list.levels.get(at)?.start ?? 1
      for (let at = 0; at < level; at += 1) counts[at] ??= startOf(at)
      counts[level] = (counts[level] ?? startOf(level) - 1) + 1
      counts.length = level + 1
      if (own.format === 'bullet') return '-'
      return own.text.replace(/%(\d)/g, (_, at: string) =>
        formatNumber(counts[Number(at) - 1] ?? 1, list.levels.get(Number(at) - 1)?.format ?? 'decimal'),
      )
    },
  }
}
