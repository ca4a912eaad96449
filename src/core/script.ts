// Traditional → simplified Chinese and the regional wordings of Hong Kong and Taiwan, by longest match over OpenCC's dictionaries.
// text.ts and names.ts build their search and identity keys on it; displayed text is never converted.
import { from, to } from 'opencc-js/preset/t2cn'
import simplifiedToTraditional from 'opencc-js/dict/STCharacters'
import type { DictGroup } from 'opencc-js/core'

/** `starts[unit]`: 0 nothing begins with this UTF-16 unit, 1 a single character does, 2 a phrase does, 3 both. */
type Table = {
  starts: Uint8Array
  characters: Map<number, string>
  /** By first unit, longest source first. */ phrases: Map<number, [string, string][]>
}

const CHARACTER = 1
const PHRASE = 2

function emptyTable(): Table {
  return { starts: new Uint8Array(0x10000), characters: new Map(), phrases: new Map() }
}

function add(table: Table, source: string, value: string): void {
  const unit = source.charCodeAt(0)
  if (source.length === 1) {
    table.starts[unit] = (table.starts[unit] ?? 0) | CHARACTER
    table.characters.set(unit, value)
    return
  }
  table.starts[unit] = (table.starts[unit] ?? 0) | PHRASE
  const list = table.phrases.get(unit) ?? []
  list.push([source, value])
  table.phrases.set(unit, list)
}

function sortPhrases(table: Table): Table {
  for (const list of table.phrases.values()) list.sort((a, b) => b[0].length - a[0].length)
  return table
}

/** One pass, longest match first. Cost: O(length); a unit no entry begins with costs one array read. */
function convert(text: string, table: Table): string {
  let out = ''
  let copied = 0
  let i = 0
  while (i < text.length) {
    const unit = text.charCodeAt(i)
    const kind = table.starts[unit] ?? 0
    if (kind === 0) {
      i += 1
      continue
    }
    let length = 1
    let value = kind & CHARACTER ? table.characters.get(unit) : undefined
    if (kind & PHRASE) {
      const hit = table.phrases.get(unit)?.find(([source]) => text.startsWith(source, i))
      if (hit !== undefined) [length, value] = [hit[0].length, hit[1]]
    }
    if (value !== undefined) {
      out += text.slice(copied, i) + value
      copied = i + length
    }
    i += length
  }
  return copied === 0 ? text : out + text.slice(copied)
}

function pairs(group: DictGroup | undefined, index: number): [string, string][] {
  const dictionary = group?.[index]
  if (typeof dictionary !== 'string') throw new Error('the opencc-js dictionaries have another shape than this version expects')
  return entriesOf(dictionary)
}

function entriesOf(dictionary: string): [string, string][] {
  return dictionary.split('|').map((entry): [string, string] => {
    const space = entry.indexOf(' ')
    return [entry.slice(0, space), entry.slice(space + 1)]
  })
}

/** 么 → 幺 and 著 → 着 are right only in one of several readings, so the variant tables may not decide them alone. */
const AMBIGUOUS_VARIANTS = new Set(['么', '著'])

function scriptTable(): Table {
  const table = emptyTable()
  const phrases = pairs(to['cn']?.[0], 0)
  for (const [source, value] of phrases) add(table, source, value)
  const characters = new Map(pairs(to['cn']?.[0], 1))
  // 薴 → 苧 → 苎: a result that is itself a source is followed, so that converting twice changes nothing more.
  for (const [source, value] of characters) add(table, source, characters.get(value) ?? value)
  sortPhrases(table)
  // 萧乾, the simplified form of 蕭乾, holds 乾 on purpose: phrases protect their results as well.
  const results = new Set(phrases.map(([, value]) => value))
  for (const value of results) if (convert(value, table) !== value) add(table, value, value)
  sortPhrases(table)
  // Regional glyph variants (枱, 粧, 綫 …) go through the standard traditional character.
  for (const group of [from['hk']?.[0], from['tw']?.[0]]) {
    for (const [variant, standard] of pairs(group, 1)) {
      const value = convert(standard, table)
      const known = (table.starts[variant.charCodeAt(0)] ?? 0) & CHARACTER
      if (variant.length === 1 && !known && value !== variant && !AMBIGUOUS_VARIANTS.has(variant)) add(table, variant, value)
    }
  }
  return table
}

const SCRIPT = scriptTable()

/** Wordings of Hong Kong and Taiwan classrooms that the general dictionaries lack, in simplified characters. */
const SCHOOL_WORDING: [string, string][] = [
  ['或然率', '概率'],
  ['机会率', '概率'],
  ['机率', '概率'],
  ['几率', '概率'],
  ['毕氏定理', '勾股定理'],
  ['商高定理', '勾股定理'],
  ['程式编写', '编程'],
  ['程式设计', '编程'],
  ['程序设计', '编程'],
  ['程式', '程序'],
  ['座标', '坐标'],
  ['联立方程式', '方程组'],
  ['联立方程', '方程组'],
  ['因式分解法', '因式分解'],
  ['著', '着'],
]

/** A general entry that would join two words which a classroom keeps apart (an indicator is not a pointer, a journey not a process). */
const NOT_REGIONAL = new Set(['指标', '行程', '消息', '程序', '永珍', '影像', '宣告', '核心', '感测', '正规化'])

/**
 * The wording table is keyed by simplified characters and applied after script conversion, so that 資料 and 资料 fold alike
 * and a query keeps its meaning whichever script it is typed in. Words that are another entry's result are left out: the fold is stable.
 */
function wordingTable(): Table {
  const entries = new Map<string, string>()
  for (const group of [from['twp']?.[0], from['hkp']?.[0]]) {
    for (const [source, value] of pairs(group, 0)) {
      entries.set(convert(source, SCRIPT).toLowerCase(), convert(value, SCRIPT).toLowerCase())
    }
  }
  for (const [source, value] of SCHOOL_WORDING) entries.set(source, value)
  const results = new Set([...entries].filter(([source, value]) => source !== value).map(([, value]) => value))
  const table = emptyTable()
  for (const [source, value] of entries) {
    // An entry equal to its result only protects a longer word from a shorter rule.
    if (source !== value && (results.has(source) || NOT_REGIONAL.has(source))) continue
    add(table, source, value)
  }
  return sortPhrases(table)
}

const WORDING = wordingTable()

/** Traditional characters to simplified, phrase-aware (乾坤 keeps 乾). Simplified text passes unchanged. */
export function toSimplified(text: string): string {
  return convert(text, SCRIPT)
}

/** Hong Kong and Taiwan wordings to the mainland's; expects simplified, lower-case text. For search only: it merges near-synonyms. */
export function foldWording(text: string): string {
  return convert(text, WORDING)
}

/** 1 for a character only traditional text uses, -1 for one only simplified text uses, 0 for all others. */
export function scriptOf(unit: number): -1 | 0 | 1 {
  if (SCRIPT.characters.has(unit)) return 1
  return SIMPLIFIED_ONLY.has(unit) ? -1 : 0
}

/** These stand in traditional text too, with another meaning or as a common short form. */
const BOTH_SCRIPTS = new Set(
  Array.from('里后干面台云只发几松斗谷系表范制周回注占布出丰余才伙冲杰幸卷了折舍游着升向扎采岩志托念仇雇巨吊蔑胡须别当克于', (c) =>
    c.charCodeAt(0),
  ),
)

const SIMPLIFIED_ONLY = new Set(
  entriesOf(simplifiedToTraditional)
    .filter(([simple, traditional]) => simple.length === 1 && simple !== traditional)
    .map(([simple]) => simple.charCodeAt(0))
    .filter((unit) => !SCRIPT.characters.has(unit) && !BOTH_SCRIPTS.has(unit)),
)
