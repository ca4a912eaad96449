// Structured knowledge that a team already has as JSON (knowledge points, rubrics) becomes a document without a model:
// sections to read and search, and the entities and relations the file itself states. Rubrics are read in rubric.ts.
import type { Block, ParsedDocument, StatedKnowledge } from './blocks.ts'
import { type Fields, fieldsOf, isRecord, listOf, localisedOf, NAME_SEPARATOR, pick, recordsOf, textOf, versionsOf } from './knowledge-fields.ts'
import { readRubrics } from './rubric.ts'

const NAME = ['name', 'title', 'label', 'knowledgepoint', 'knowledgepointname', 'pointname', 'topicname', 'concept', '知识点', '知識點', '知识点名称', '知識點名稱', '名称', '名稱', '标题', '標題']
const ID = ['id', 'kpid', 'pointid', 'knowledgepointid', 'uid', 'key', '编号', '編號', '序号', '序號']
const CODE = ['code', 'kpcode', 'syllabuscode', '代码', '代碼', '编码', '編碼']
const DESCRIPTION = ['description', 'desc', 'content', 'detail', 'details', 'definition', 'summary', 'explanation', '描述', '说明', '說明', '内容', '內容', '定义', '定義', '简介', '簡介']
const PREREQUISITES = ['prerequisites', 'prerequisite', 'prereq', 'prereqs', 'prerequisiteids', 'requires', 'dependson', 'dependencies', '前置', '前置知识', '前置知識', '先修', '先修知识', '先修知識']
const RELATED = ['related', 'relatedids', 'relatedpoints', 'relatedto', 'seealso', '关联', '關聯', '相关', '相關', '关联知识点', '相关知识点', '相關知識點']
const ALIASES = ['aliases', 'alias', 'synonyms', 'aka', 'othernames', '别名', '別名', '同义词', '同義詞']
const KEYWORDS = ['keywords', 'keyword', 'tags', '关键词', '關鍵詞', '标签', '標籤']
const FORMULAS = ['formulas', 'formula', 'formulae', 'equations', 'latex', '公式']
const EXAMPLES = ['examples', 'example', 'workedexamples', '例子', '例题', '例題', '示例']
const MISCONCEPTIONS = ['commonmisconceptions', 'misconceptions', 'commonmistakes', 'commonerrors', 'pitfalls', '误区', '誤區', '常见错误', '常見錯誤', '易错点', '易錯點']
const STRAND = ['strand', 'topic', 'chapter', 'unit', 'module', 'category', 'domain', '范畴', '範疇', '章节', '章節', '单元', '單元', '模块', '主题', '主題']
const LEVEL = ['level', 'grade', 'form', 'keystage', 'difficulty', '年级', '年級', '级别', '級別', '难度', '難度']
const CHILDREN = ['children', 'subpoints', 'subtopics', '子知识点', '子知識點']
const LISTS = ['knowledgepoints', 'knowledgepoint', 'points', 'kps', 'items', 'data', 'list', 'records', '知识点', '知識點', '知识点列表', '知識點列表']
const GROUPS = ['strands', 'chapters', 'units', 'modules', 'topics', 'sections', '章节', '章節', '单元', '單元']

const LANGUAGES = ['zh', 'zhhant', 'zhhans', 'zhcn', 'zhtw', 'zhhk', 'cn', 'tc', 'sc', 'en']
/** What makes a named record a knowledge point rather than a person, a product or a setting. */
const EVIDENCE = new Set([...withLanguages(DESCRIPTION), ...PREREQUISITES, ...RELATED, ...ALIASES, ...FORMULAS, ...MISCONCEPTIONS])
const KNOWN = new Set([
  ...[...EVIDENCE, ...withLanguages(NAME), ...ID, ...CODE, ...withLanguages(EXAMPLES), ...withLanguages(STRAND), ...LEVEL, ...CHILDREN, ...LISTS, ...GROUPS],
  ...['subject', 'subjects', 'course', 'framework', 'version', 'source', ...KEYWORDS, 'type', 'order', 'weight', 'importance', 'createdat', 'updatedat', 'references', '学科', '學科', '科目'],
])

/** More points than any curriculum has; the rest is left out with a warning rather than holding the reader up. */
const MAX_POINTS = 10_000
const MAX_DEPTH = 8
/** A code rather than a name: `KP-07`, `12`, `kp_linear`. An unresolved one is a broken reference, not a new entity. */
const CODE_LIKE = /^[A-Za-z]*[-_.:]?\d[\w.:-]*$|^[A-Za-z0-9]+(?:[_:][A-Za-z0-9]+)+$/
/** Frequent characters that only traditional script has; decides the script of the sentences written here. */
const TRADITIONAL = /[個們這來時說為會與對後過還學國經數點關應開間實體現種無變線圖證題]/

type Reference = { text: string; weight: number | undefined }
type Point = {
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
type Named = { name: string; english: string; point?: Point }
type Draft = { blocks: Block[]; stated: StatedKnowledge; warnings: string[]; names: Map<string, Named>; strands: Map<string, Named>; known: Set<string> }

/**
 * Reads a JSON value as knowledge points or rubrics. Cost: linear in the size of the value.
 *
 * Recognised: an array of records, one record, `{knowledge_points | points | items | data: …}` (list or object keyed by id),
 * or groups such as `{chapters: [{title, points: […]}]}`; field names in English or Chinese. References resolve by id, code, name
 * or alias, also through a top-level `references` object (id → name) for points that live in another file.
 *
 * @param value    parsed JSON of any shape; never trusted.
 * @param fileName gives the title where the value has none.
 * @returns        undefined for a shape it does not know; never throws.
 */
export function readKnowledgeJson(value: unknown, fileName: string): ParsedDocument | undefined {
  const fallback = fileName.replace(/^.*[\\/]/, '').replace(/\.[^.]+$/, '') || 'knowledge'
  const rubrics = readRubrics(value, fallback)
  if (rubrics !== undefined) return rubrics
  const found = findPoints(value)
  if (found.points.length === 0) return undefined
  const top = isRecord(value) ? fieldsOf(value) : new Map<string, unknown>()
  const title = found.single ? '' : firstOf(versionsOf(localisedOf(top, ['title', 'name'])))
  const draft: Draft = {
    blocks: [],
    stated: { entities: [], relations: [] },
    warnings: [...found.warnings],
    names: namesOf(found.points, top),
    strands: strandsOf(top),
    known: new Set(found.points.map((point) => point.name)),
  }
  let strand = ''
  for (const point of found.points) {
    if (point.strand !== strand) {
      strand = point.strand
      if (strand !== '') writeStrand(draft, strand)
    }
    writePoint(draft, point)
  }
  draft.warnings.push(...cycleWarnings(draft.stated))
  return { title: title || fallback, mediaType: 'application/json', blocks: draft.blocks, assets: [], warnings: draft.warnings, stated: draft.stated }
}

// ---- finding the points ----

type Found = { points: Point[]; warnings: string[]; single: boolean }

function findPoints(value: unknown): Found {
  const found: Found = { points: [], warnings: [], single: false }
  if (isRecord(value)) {
    const fields = fieldsOf(value)
    const groups = recordsOf(pick(fields, GROUPS)).records.filter((group) => listIn(fieldsOf(group)) !== undefined)
    if (groups.length > 0) {
      for (const group of groups) collect(found, listIn(fieldsOf(group)), firstOf(versionsOf(localisedOf(fieldsOf(group), NAME))))
      return found
    }
    const list = listIn(fields)
    if (list !== undefined) collect(found, list, '')
    else if (isPoint(value)) collect({ ...found, single: true }, [value], '')
    if (list === undefined && isPoint(value)) return { ...found, single: true }
    // An object keyed by id, without a container around it.
    if (list === undefined && Object.values(value).every(isRecord)) collect(found, value, '')
    return found
  }
  if (Array.isArray(value)) collect(found, value, '')
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

function mostlyPoints(value: unknown): boolean {
  const { records, rejected } = recordsOf(value)
  return records.length > 0 && records.filter(isPoint).length * 2 >= records.length + rejected
}

function isPoint(record: Record<string, unknown>): boolean {
  const keys = [...fieldsOf(record).keys()]
  const named = versionsOf(localisedOf(fieldsOf(record), NAME)).length > 0
  return named && keys.some((key) => EVIDENCE.has(key)) && keys.filter((key) => KNOWN.has(key)).length * 2 > keys.length
}

function collect(found: Found, list: unknown, strand: string): void {
  if (!mostlyPoints(list)) return
  const { records, rejected } = recordsOf(list)
  if (rejected > 0) found.warnings.push(`${rejected} entries are not objects and were left out.`)
  const stack = records.map((record) => ({ record, parent: '', depth: 0 })).reverse()
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
    if (children.length > 0 && entry.depth === MAX_DEPTH) found.warnings.push(`Points nested deeper than ${MAX_DEPTH} levels below ${point.name} were left out.`)
    else for (const record of children.reverse()) stack.push({ record, parent: point.name, depth: entry.depth + 1 })
  }
  if (unnamed > 0) found.warnings.push(`${unnamed} entries have no name and were left out.`)
}

function pointOf(fields: Fields, parent: string, strand: string): Point | undefined {
  const names = localisedOf(fields, NAME)
  const all = [...new Set([names.plain, names.hant, names.hans, names.en])].filter((name) => name !== '' && name.length <= 200)
  const name = all[0]
  if (name === undefined) return undefined
  return {
    id: textOf(pick(fields, ID)),
    code: textOf(pick(fields, CODE)),
    name,
    english: names.en === name ? '' : names.en,
    aliases: [...new Set([...all, ...listOf(pick(fields, ALIASES), NAME_SEPARATOR)])].filter((alias) => alias !== name),
    keywords: listOf(pick(fields, KEYWORDS), NAME_SEPARATOR),
    strand: firstOf(versionsOf(localisedOf(fields, STRAND))) || strand,
    level: textOf(pick(fields, LEVEL)),
    descriptions: versionsOf(localisedOf(fields, DESCRIPTION)),
    formulas: listOf(pick(fields, FORMULAS)).map((formula) => formula.replace(/^\$+|\$+$/g, '').trim()).filter(Boolean),
    examples: [...listOf(pick(fields, EXAMPLES)), ...listOf(pick(fields, ['exampleszh'])), ...listOf(pick(fields, ['examplesen']))],
    misconceptions: listOf(pick(fields, MISCONCEPTIONS)),
    prerequisites: referencesOf(pick(fields, PREREQUISITES)),
    related: referencesOf(pick(fields, RELATED)),
    parent,
  }
}

/** Ids, names, or records that hold one (`{id, strength}`), also as one text separated by commas. */
function referencesOf(value: unknown): Reference[] {
  if (!Array.isArray(value)) return isRecord(value) ? referencesOf([value]) : listOf(value, NAME_SEPARATOR).map((text) => ({ text, weight: undefined }))
  return value.slice(0, 500).flatMap((member): Reference[] => {
    if (!isRecord(member)) return listOf(member).map((text) => ({ text, weight: undefined }))
    const fields = fieldsOf(member)
    const weight = pick(fields, ['weight', 'strength', '权重', '權重'])
    const text = textOf(pick(fields, [...NAME, 'namezh', 'nameen', ...ID, ...CODE, 'target', 'ref']))
    return text === '' ? [] : [{ text, weight: typeof weight === 'number' && weight > 0 && weight <= 100 ? weight : undefined }]
  })
}

// ---- names ----

const nameKey = (text: string) => text.normalize('NFKC').trim().toLowerCase()

/** Every id, code, name and alias to the point it means. Ids come first: a point may be named like another one's alias. */
function namesOf(points: readonly Point[], top: Fields): Map<string, Named> {
  const names = new Map<string, Named>()
  const add = (text: string, named: Named) => {
    if (text !== '' && !names.has(nameKey(text))) names.set(nameKey(text), named)
  }
  const named = points.map((point) => ({ name: point.name, english: point.english, point }))
  for (const entry of named) add(entry.point.id, entry)
  for (const entry of named) add(entry.point.code, entry)
  for (const entry of named) add(entry.name, entry)
  for (const entry of named) for (const alias of entry.point.aliases) add(alias, entry)
  const references = pick(top, ['references'])
  for (const [id, value] of isRecord(references) ? Object.entries(references) : []) {
    const [name, english] = isRecord(value) ? versionsOf(localisedOf(fieldsOf(value), NAME)) : [textOf(value)]
    if (name !== undefined && name !== '') add(id, { name, english: english ?? '' })
  }
  return names
}

/** Top-level `strands: [{id, name_zh, name_en}]` define what the points' `strand` ids are called. */
function strandsOf(top: Fields): Map<string, Named> {
  const strands = new Map<string, Named>()
  for (const record of recordsOf(pick(top, ['strands'])).records) {
    const fields = fieldsOf(record)
    const [name, english] = versionsOf(localisedOf(fields, NAME))
    if (name !== undefined) strands.set(nameKey(textOf(pick(fields, ID)) || name), { name, english: english ?? '' })
  }
  return strands
}

const firstOf = (texts: readonly string[]) => texts[0] ?? ''

function withLanguages(names: readonly string[]): string[] {
  return names.flatMap((name) => [name, ...LANGUAGES.map((language) => name + language)])
}

// ---- writing ----

function writeStrand(draft: Draft, strand: string): void {
  const { name, english } = draft.strands.get(nameKey(strand)) ?? { name: strand, english: '' }
  const text = english === '' ? name : `${name} ${english}`
  const block = draft.blocks.push({ type: 'heading', text, level: 1, headings: [] }) - 1
  draft.stated.entities.push({ name, type: 'topic', description: text, aliases: english === '' ? [] : [english], block })
}

function writePoint(draft: Draft, point: Point): void {
  const strand = draft.strands.get(nameKey(point.strand)) ?? { name: point.strand, english: '' }
  const above = point.strand === '' ? [] : [strand.english === '' ? strand.name : `${strand.name} ${strand.english}`]
  const headings = [...above, point.name]
  draft.blocks.push({ type: 'heading', text: point.name, level: above.length + 1, headings: above })
  const write = (type: Block['type'], text: string, more: Partial<Block> = {}) => draft.blocks.push({ type, text, headings, ...more }) - 1
  const also = point.aliases.length === 0 ? '' : ` (${point.aliases.join(', ')})`
  const tags = [point.code || point.id, point.level].filter(Boolean).join(', ')
  const block = write('paragraph', `${point.name}${also}${tags === '' ? '' : ` [${tags}]`}${point.keywords.length === 0 ? '' : `: ${point.keywords.join(', ')}`}`, { record: recordOf(point) })
  for (const text of point.descriptions) write('paragraph', text)
  for (const latex of point.formulas) write('equation', `$$${latex}$$`, { latex })
  for (const text of point.examples) write('paragraph', text)
  if (point.misconceptions.length > 0) write('list', point.misconceptions.map((text) => `- ${text}`).join('\n'))
  const description = point.descriptions.join('\n') || [...draft.blocks[block]?.text ?? point.name].slice(0, 500).join('')
  draft.stated.entities.push({ name: point.name, type: 'knowledge_point', description, aliases: point.aliases, block })
  const relate = (source: string, target: string, keyword: string, text: string, at: number) =>
    draft.stated.relations.push({ source, target, keywords: [keyword], description: text, block: at })
  if (strand.name !== '' && strand.name !== point.name) relate(point.name, strand.name, 'part_of', `${point.name} ∈ ${strand.name}`, block)
  if (point.parent !== '' && point.parent !== point.name) relate(point.name, point.parent, 'part_of', `${point.name} ∈ ${point.parent}`, block)
  writeReferences(draft, point, 'prerequisite')
  writeReferences(draft, point, 'related')
}

/** One sentence that names what is referred to, so that every stated relation has words to stand on, and the relations. */
function writeReferences(draft: Draft, point: Point, kind: 'prerequisite' | 'related'): void {
  const resolved = resolve(draft, point, kind === 'prerequisite' ? point.prerequisites : point.related)
  if (resolved.length === 0) return
  const headings = [...(draft.blocks.at(-1)?.headings ?? [])]
  const text = sentence(point, kind, resolved)
  const block = draft.blocks.push({ type: 'paragraph', text, headings }) - 1
  for (const { name, weight } of resolved) {
    const single = sentence(point, kind, [{ name, english: '' }])
    if (!draft.known.has(name)) {
      draft.known.add(name)
      draft.stated.entities.push({ name, type: 'knowledge_point', description: single, aliases: [], block })
    }
    const ends = kind === 'prerequisite' ? { source: name, target: point.name } : { source: point.name, target: name }
    draft.stated.relations.push({ ...ends, keywords: [kind], description: single, block, ...(weight === undefined ? {} : { weight }) })
  }
}

function resolve(draft: Draft, point: Point, references: readonly Reference[]): (Named & { weight: number | undefined })[] {
  const seen = new Set([point.name])
  return references.flatMap(({ text, weight }) => {
    const named = draft.names.get(nameKey(text))
    if (named === undefined && (CODE_LIKE.test(text) || text.length > 200)) {
      draft.warnings.push(`${point.name} refers to ${text.slice(0, 60)}, which this file does not define.`)
      return []
    }
    const { name, english } = named ?? { name: text, english: '' }
    if (name === point.name) draft.warnings.push(`${point.name} refers to itself; the reference was left out.`)
    if (seen.has(name)) return []
    seen.add(name)
    return [{ name, english, weight }]
  })
}

function sentence(point: Point, kind: 'prerequisite' | 'related', others: readonly Named[]): string {
  const names = others.map((other) => other.name)
  const english = (own: string, list: readonly string[]) =>
    kind === 'prerequisite' ? `Before ${own}, learn: ${list.join(', ')}.` : `Related to ${own}: ${list.join(', ')}.`
  if (!/\p{Script=Han}/u.test(point.name)) return english(point.name, names)
  const traditional = TRADITIONAL.test(point.name + point.descriptions.join(''))
  const lead = traditional ? { prerequisite: '之前須先掌握', related: '的相關知識點' } : { prerequisite: '之前须先掌握', related: '的相关知识点' }
  const chinese = `${kind === 'prerequisite' ? (traditional ? '學習' : '学习') : ''}${point.name}${lead[kind]}：${names.join('、')}。`
  const translated = others.map((other) => other.english)
  return point.english !== '' && translated.every((name) => name !== '') ? `${chinese}\n${english(point.english, translated)}` : chinese
}

function recordOf(point: Point): Record<string, unknown> {
  const { id, code, name, english, strand, level } = point
  return Object.fromEntries(Object.entries({ id, code, name, name_en: english, strand, level }).filter(([, value]) => value !== ''))
}

/** Names one point of every cycle among prerequisites: what is left when points without open prerequisites are taken away again and again. */
function cycleWarnings(stated: StatedKnowledge): string[] {
  const edges = stated.relations.filter((relation) => relation.keywords[0] === 'prerequisite')
  const open = new Map<string, number>()
  const next = new Map<string, string[]>()
  for (const { source, target } of edges) {
    open.set(source, open.get(source) ?? 0)
    open.set(target, (open.get(target) ?? 0) + 1)
    next.set(source, [...(next.get(source) ?? []), target])
  }
  const ready = [...open].filter(([, count]) => count === 0).map(([name]) => name)
  for (let name = ready.pop(); name !== undefined; name = ready.pop()) {
    open.delete(name)
    for (const target of next.get(name) ?? []) {
      const count = (open.get(target) ?? 0) - 1
      open.set(target, count)
      if (count === 0) ready.push(target)
    }
  }
  const left = [...open.keys()].slice(0, 5)
  return left.length === 0 ? [] : [`Prerequisites form a cycle among or before: ${left.join(', ')}${open.size > 5 ? ' …' : ''}.`]
}
