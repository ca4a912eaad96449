// Finds the knowledge points in a JSON value, whatever a team called its fields and however it wrapped the list.
// What counts as a point is decided by evidence, so that a score sheet or a product list does not become curriculum.
import {
  fieldNames,
  type Fields,
  fieldsOf,
  isRecord,
  listOf,
  localisedOf,
  MAX_LIST,
  NAME_SEPARATOR,
  pick,
  recordsOf,
  textOf,
  versionsOf,
} from './knowledge-fields.ts'

/** Names that only a list of knowledge uses; they are evidence by themselves. */
const POINT_NAME = fieldNames('knowledgepoint knowledgepointname pointname topicname concept 知识点 知識點 知识点名称 知識點名稱')
export const NAME = [...fieldNames('name title label 名称 名稱 标题 標題'), ...POINT_NAME]
export const ID = fieldNames('id kpid pointid knowledgepointid uid key 编号 編號 序号 序號')
const CODE = fieldNames('code kpcode syllabuscode 代码 代碼 编码 編碼')
const DEFINITION = fieldNames('description desc definition explanation 描述 说明 說明 定义 定義 简介 簡介')
const DESCRIPTION = [...DEFINITION, ...fieldNames('content detail details summary 内容 內容')]
const PREREQUISITES = fieldNames(
  'prerequisites prerequisite prereq prereqs prerequisiteids requires dependson dependencies 前置 前置知识 前置知識 先修 先修知识 先修知識',
)
const RELATED = fieldNames('related relatedids relatedpoints relatedto seealso 关联 關聯 相关 相關 关联知识点 相关知识点 相關知識點')
const ALIASES = fieldNames('aliases alias synonyms aka othernames 别名 別名 同义词 同義詞')
const KEYWORDS = fieldNames('keywords keyword tags 关键词 關鍵詞 标签 標籤')
const FORMULAS = fieldNames('formulas formula formulae equations latex 公式')
const EXAMPLES = fieldNames('examples example workedexamples 例子 例题 例題 示例')
const MISCONCEPTIONS = fieldNames(
  'commonmisconceptions misconceptions commonmistakes commonerrors pitfalls 误区 誤區 常见错误 常見錯誤 易错点 易錯點',
)
const STRAND = fieldNames('strand topic chapter unit module category domain 范畴 範疇 章节 章節 单元 單元 模块 主题 主題')
const LEVEL = fieldNames('level grade form keystage difficulty 年级 年級 级别 級別 难度 難度')
const CHILDREN = fieldNames('children subpoints subtopics 子知识点 子知識點')
const LISTS = fieldNames('knowledgepoints knowledgepoint points kps items data list records 知识点 知識點 知识点列表 知識點列表')
const GROUPS = fieldNames('strands chapters units modules topics sections 章节 章節 单元 單元')

const LANGUAGES = fieldNames('zh zhhant zhhans zhcn zhtw zhhk cn tc sc en')
/** What makes a named record a knowledge point rather than a person, a product or a setting. */
const EVIDENCE = new Set([
  ...POINT_NAME,
  ...withLanguages(DEFINITION),
  ...PREREQUISITES,
  ...RELATED,
  ...ALIASES,
  ...FORMULAS,
  ...MISCONCEPTIONS,
])
const OTHER = fieldNames(
  'subject subjects course framework version source type order weight importance createdat updatedat references 学科 學科 科目',
)
const KNOWN = new Set([
  ...EVIDENCE,
  ...[NAME, DESCRIPTION, EXAMPLES, STRAND].flatMap(withLanguages),
  ...[ID, CODE, KEYWORDS, LEVEL, CHILDREN, LISTS, GROUPS, OTHER].flat(),
])

/** More points than any curriculum has; the rest is left out with a warning rather than holding the reader up. */
const MAX_POINTS = 10_000
const MAX_DEPTH = 8
const SAMPLE = 200

export type Reference = { text: string; weight: number | undefined }
export type Point = {
  id: string
  code: string
  name: string
  /** The English name when the record gives one apart from `name`. */
  english: string
  aliases: string[]
  /** Terms taught with the point; words to find it by, not other names for it. */
  keywords: string[]
  strand: string
  level: string
  descriptions: string[]
  formulas: string[]
  examples: string[]
  misconceptions: string[]
  prerequisites: Reference[]
  related: Reference[]
  parent: string
}

export type FoundPoints = {
  points: Point[]
  warnings: string[]
  /** The value is one point and nothing around it, so its name is not the title of a collection. */
  single: boolean
}

/** Every knowledge point of a JSON value, in reading order; `points` is empty for a shape that is none of the known ones. */
export function findPoints(value: unknown): FoundPoints {
  const found: FoundPoints = { points: [], warnings: [], single: false }
  if (Array.isArray(value)) collect(found, value, '')
  if (!isRecord(value)) return found
  const fields = fieldsOf(value)
  const groups = recordsOf(pick(fields, GROUPS)).records.map(fieldsOf)
  for (const group of groups) collect(found, listIn(group), firstOf(versionsOf(localisedOf(group, NAME))))
  if (found.points.length > 0) return found
  const list = listIn(fields)
  found.single = list === undefined && isPoint(value)
  if (list !== undefined) collect(found, list, '')
  else if (found.single) collect(found, [value], '')
  // Without a container: an object keyed by id, and nothing else in it.
  else if (Object.values(value).every(isRecord)) collect(found, value, '')
  return found
}

/** The list of points an object carries: the first container field whose members are mostly knowledge points. */
function listIn(fields: Fields): unknown {
  for (const name of LISTS) {
    const value = fields.get(name)
    if (mostlyPoints(value)) return value
    if (isRecord(value)) {
      const inner = listIn(fieldsOf(Object.fromEntries(Object.entries(value).filter(([, member]) => Array.isArray(member)))))
      if (inner !== undefined) return inner
    }
  }
  return undefined
}

/** Judged by the first members, which is enough to tell one kind of list from another. */
function mostlyPoints(value: unknown): boolean {
  const { records, rejected } = recordsOf(Array.isArray(value) ? value.slice(0, SAMPLE) : value)
  const sample = records.slice(0, SAMPLE)
  return sample.length > 0 && sample.filter(isPoint).length * 2 >= sample.length + rejected
}

function isPoint(record: Record<string, unknown>): boolean {
  const keys = [...fieldsOf(record).keys()]
  const named = versionsOf(localisedOf(fieldsOf(record), NAME)).length > 0
  return named && keys.some((key) => EVIDENCE.has(key)) && keys.filter((key) => KNOWN.has(key)).length * 2 > keys.length
}

function collect(found: FoundPoints, list: unknown, strand: string): void {
  if (!mostlyPoints(list)) return
  const { records, rejected } = recordsOf(list)
  if (rejected > 0) found.warnings.push(`${rejected} entries are not objects and were left out.`)
  const stack = records.map((record) => ({ record, parent: '', depth: 0 })).toReversed()
  let unnamed = 0
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    if (found.points.length === MAX_POINTS) {
      found.warnings.push(`Only the first ${MAX_POINTS} knowledge points were read; ${stack.length + 1} or more were left out.`)
      break
    }
    const fields = fieldsOf(entry.record)
    const point = pointOf(fields, entry.parent, strand)
    if (point === undefined) {
      unnamed += 1
      continue
    }
    found.points.push(point)
    const children = recordsOf(pick(fields, CHILDREN)).records
    if (children.length > 0 && entry.depth === MAX_DEPTH)
      found.warnings.push(`Points nested deeper than ${MAX_DEPTH} levels below ${point.name} were left out.`)
    else for (const record of children.toReversed()) stack.push({ record, parent: point.name, depth: entry.depth + 1 })
  }
  if (unnamed > 0) found.warnings.push(`${unnamed} entries have no name and were left out.`)
}

function pointOf(fields: Fields, parent: string, strand: string): Point | undefined {
  const names = localisedOf(fields, NAME)
  const all = [...new Set([names.plain, names.hant, names.hans, names.en].map(oneLine))].filter(isName)
  const name = all[0]
  if (name === undefined) return undefined
  return {
    id: textOf(pick(fields, ID)),
    code: textOf(pick(fields, CODE)),
    name,
    english: all.includes(oneLine(names.en)) && oneLine(names.en) !== name ? oneLine(names.en) : '',
    aliases: [...new Set([...all, ...listOf(pick(fields, ALIASES), NAME_SEPARATOR)])].filter((alias) => alias !== name && isName(alias)),
    keywords: listOf(pick(fields, KEYWORDS), NAME_SEPARATOR),
    strand: firstOf(versionsOf(localisedOf(fields, STRAND))) || strand,
    level: textOf(pick(fields, LEVEL)),
    descriptions: versionsOf(localisedOf(fields, DESCRIPTION)),
    formulas: listOf(pick(fields, FORMULAS))
      .map((formula) => formula.replace(/^\$+|\$+$/g, '').trim())
      .filter(Boolean),
    examples: [...listOf(pick(fields, EXAMPLES)), ...listOf(pick(fields, ['exampleszh'])), ...listOf(pick(fields, ['examplesen']))],
    misconceptions: listOf(pick(fields, MISCONCEPTIONS)),
    prerequisites: referencesOf(pick(fields, PREREQUISITES)),
    related: referencesOf(pick(fields, RELATED)),
    parent,
  }
}

/** Ids, names, or records that hold one (`{id, strength}`), also as one text separated by commas. */
function referencesOf(value: unknown): Reference[] {
  if (!Array.isArray(value))
    return isRecord(value) ? referencesOf([value]) : listOf(value, NAME_SEPARATOR).map((text) => ({ text, weight: undefined }))
  return value.slice(0, MAX_LIST).flatMap((member): Reference[] => {
    if (!isRecord(member)) return listOf(member).map((text) => ({ text, weight: undefined }))
    const fields = fieldsOf(member)
    const weight = pick(fields, ['weight', 'strength', '权重', '權重'])
    const text = textOf(pick(fields, [...NAME, 'namezh', 'nameen', ...ID, ...CODE, 'target', 'ref']))
    return text === '' ? [] : [{ text, weight: typeof weight === 'number' && weight > 0 && weight <= 100 ? weight : undefined }]
  })
}

const oneLine = (text: string) => text.replace(/\s+/g, ' ')

/** A number, a rule or a paragraph is not a name. */
const isName = (text: string) => text.length <= 200 && /\p{L}/u.test(text)

export const firstOf = (texts: readonly string[]) => texts[0] ?? ''

/** `name` with every language suffix: `namezh`, `nameen` … */
function withLanguages(names: readonly string[]): string[] {
  return names.flatMap((name) => [name, ...LANGUAGES.map((language) => name + language)])
}
