// Entries of glossaries as they stand in a chunk: rows of tables whose columns are terms, translations and definitions, and lines
// `term: definition`. Undefined as soon as one line is something else.
import { splitSentences } from './chunk-text.ts'
import { displayName, hasHan, nameKey } from './names.ts'
import { toSimplified } from './text.ts'
import { countTokens } from './tokens.ts'

export type Entry = {
  term: string
  /** Translations, abbreviations, other names. */
  aliases: string[]
  /** '' where the entry only translates. */
  definition: string
  /** The entry as it stands in the chunk. */
  quote: string
}

type Role = 'term' | 'language' | 'script' | 'other name' | 'definition' | 'beside' | 'lesson'

/** Names of columns, in simplified characters and lower case, letters only. */
const COLUMNS: Record<Role, string> = {
  term: '术语 名词 词汇 词语 单词 生词 词条 概念 专有名词 专业术语 关键词 term terms keyterm word words vocabulary expression phrase entry concept keyword',
  language:
    '中文 英文 英语 汉语 华语 译文 翻译 英译 中译 译名 中文名 英文名 中文名称 英文名称 中文术语 英文术语 中文词汇 英文词汇 中文译名 英文译名 english chinese englishterm chineseterm englishname chinesename translation chinesetranslation englishtranslation',
  script: '繁体 简体 繁体中文 简体中文 traditionalchinese simplifiedchinese',
  'other name': '缩写 简称 别名 又称 同义词 abbreviation abbr acronym synonym synonyms alias aliases alsoknownas',
  definition: '定义 解释 释义 含义 意思 意义 说明 definition meaning explanation description',
  beside:
    '序号 编号 号 页 页码 词性 拼音 粤拼 注音 音标 读音 符号 no number page pages pos partofspeech pinyin jyutping ipa pronunciation symbol',
  lesson: '单元 章节 unit chapter',
}
const ROLES = new Map(
  (Object.entries(COLUMNS) as [Role, string][]).flatMap(([role, names]) => names.split(' ').map((name) => [name, role] as const)),
)

/** A definition says what a thing is; what is longer tells more, and may hold what only a reader finds. */
const MAX_DEFINITION_TOKENS = 80
const MAX_SENTENCES = 2
const MAX_TERM = 60
const MAX_WORDS = 8

const roleOf = (name: string): Role | undefined =>
  ROLES.get(
    toSimplified(name.normalize('NFKC'))
      .toLowerCase()
      .replace(/[^\p{L}]/gu, ''),
  )

const hasWord = (text: string): boolean => /\p{Script=Latin}{3}/u.test(text)

/** What parts of papers and timetables are called. */
const LABEL =
  /^(?:term|semester|week|day|unit|chapter|lesson|module|part|section|paper|question|item|no\.?)(?:\s*\d+|\s+(?:[a-z]|[ivx]+))$|^第?[\d一二三四五六七八九十]+[学學]?(?:期|周|週|天|节|節|课|課|章|单元|單元|部分|题|題)$/iu

/** A name, and no sentence, formula, question or gap to fill. */
const isName = (text: string): boolean =>
  text.length <= MAX_TERM &&
  text.split(/\s+/).length <= MAX_WORDS &&
  !/[。！？!?；;：:=＝]|__|\.\s|\s.*\.$|，/u.test(text) &&
  /\p{L}{2}|\p{Script=Han}/u.test(text) &&
  displayName(text) !== ''

const isTerm = (text: string): boolean => isName(text) && !LABEL.test(text)

const isDefinition = (text: string): boolean =>
  text !== '' &&
  countTokens(text) <= MAX_DEFINITION_TOKENS &&
  splitSentences(text).filter((sentence) => sentence.trim() !== '').length <= MAX_SENTENCES &&
  !/__|[?？]\s*$/.test(text)

/** `n. force; power` → force, power. */
const namesIn = (cell: string): string[] =>
  cell
    .split(/\s*[;；、/]\s*/)
    .map((name) => name.replace(/^(?:n|v|vt|vi|adj|adv|prep|conj)\.\s*/, '').trim())
    .filter(isName)

const cellsOf = (row: string): string[] =>
  row
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.replaceAll('\\|', '|').trim())
const quoteOf = (row: string): string => row.replace(/^\|\s*|\s*\|$/g, '')
const isRule = (row: string): boolean => /^\|(?:\s*:?-{3,}:?\s*\|)+$/.test(row)

/** @param named a heading above calls it a glossary. */
export function tableEntries(rows: readonly string[], named: boolean): Entry[] | undefined {
  const [header = '', ...rest] = rows
  if (!rows.every((row) => row.startsWith('|') && row.endsWith('|'))) return undefined
  const body = rest.filter((row) => !isRule(row))
  const roles = rolesOf(cellsOf(header), named)
  if (roles !== undefined) return everyEntry(body, (row) => rowEntry(row, roles))
  const isHeaded = isRule(rest[0] ?? '')
  return isHeaded
    ? undefined
    : pairEntries(
        rows.map((row) => ({ pair: cellsOf(row).filter((cell) => !/^\d*\.?$/.test(cell)), quote: quoteOf(row) })),
        named,
      )
}

/** Undefined unless every column is known, one is the term's, and another tells of it. */
function rolesOf(names: readonly string[], named: boolean): Role[] | undefined {
  const known = names.map((name) => (name === '' || name === '#' ? 'beside' : roleOf(name)))
  const roles = known.filter((role) => role !== undefined)
  if (roles.length < names.length || roles.filter((role) => role === 'term').length > 1) return undefined
  // A plan of lessons in Chinese and English looks like a glossary by units.
  if (roles.includes('lesson') && !roles.includes('term') && !named) return undefined
  // Without a column of terms the first language's words are the terms.
  const first = roles.includes('term') ? roles.indexOf('term') : roles.findIndex((role) => role === 'language' || role === 'script')
  const settled = roles.map((role, at): Role => (at === first ? 'term' : role))
  return first >= 0 && settled.some((role) => role === 'language' || role === 'script' || role === 'definition') ? settled : undefined
}

function rowEntry(row: string, roles: readonly Role[]): Entry | undefined {
  const cells = cellsOf(row)
  const of = (...wanted: Role[]): string[] => cells.filter((cell, at) => cell !== '' && wanted.includes(roles[at] ?? 'beside'))
  const [term = ''] = of('term')
  const names = of('language', 'script', 'other name')
  const definitions = of('definition')
  const aliases = names.flatMap(namesIn)
  if (cells.length !== roles.length || !isTerm(term)) return undefined
  // Marks in two languages stand in such columns too, and do not translate each other.
  const translates = (name: string): boolean => hasHan(name) !== hasHan(term) || nameKey(name) === nameKey(term)
  if (!of('language').flatMap(namesIn).every(translates)) return undefined
  // A cell of names that holds no name holds a sentence.
  if (!names.every((cell) => namesIn(cell).length > 0) || !definitions.every(isDefinition)) return undefined
  return aliases.length + definitions.length === 0 ? undefined : { term, aliases, definition: definitions.join('\n'), quote: quoteOf(row) }
}

const LINE = /^(?:[-*•·]\s*|\(?\d{1,3}[.)、．]\s*)?(.+?)\s*(?:[:：]|——|\s[—–-]\s)\s*(.+)$/u

/** @param named a heading above calls it a glossary. */
export function listEntries(lines: readonly string[], named: boolean): Entry[] | undefined {
  const pairs = lines.map((line) => {
    const [, left = '', right = ''] = LINE.exec(line) ?? []
    return { pair: [left, right], quote: line.replace(/^(?:[-*•·]\s*|\(?\d{1,3}[.)、．]\s*)/, '') }
  })
  return pairEntries(pairs, named)
}

type Pair = { pair: readonly string[]; quote: string }

/** Two cells or sides without names of their own: what stands for what is known from a heading alone. Forms and dialogues look the same. */
function pairEntries(pairs: readonly Pair[], named: boolean): Entry[] | undefined {
  if (!named) return undefined
  return everyEntry(pairs, ({ pair, quote }) => {
    const [term = '', definition = ''] = pair
    if (pair.length !== 2 || !isTerm(term) || !isDefinition(definition)) return undefined
    return isTranslation(term, definition)
      ? { term, aliases: namesIn(definition), definition: '', quote }
      : { term, aliases: [], definition, quote }
  })
}

const isTranslation = (term: string, other: string): boolean =>
  namesIn(other).length > 0 && (hasHan(term) ? !hasHan(other) && hasWord(other) : hasWord(term) && hasHan(other) && !hasWord(other))

function everyEntry<T>(rows: readonly T[], read: (row: T) => Entry | undefined): Entry[] | undefined {
  const entries: Entry[] = []
  for (const row of rows) {
    const entry = read(row)
    if (entry === undefined) return undefined
    entries.push(entry)
  }
  return entries
}
