// Marking rubrics given as JSON become sections (one per criterion) and stated entities: the rubric and its criteria.
import type { Block, ParsedDocument, StatedKnowledge } from './blocks.ts'
import {
  fieldNames,
  fieldsOf,
  isRecord,
  listOf,
  localisedOf,
  NAME_SEPARATOR,
  pick,
  recordsOf,
  textOf,
  versionsOf,
} from './knowledge-fields.ts'

const TITLE = fieldNames('title name rubric rubricname 标题 標題 名称 名稱 评分标准 評分標準')
const CRITERIA = fieldNames('criteria criterion dimensions dimension indicators 评分项 評分項 评分维度 評分維度 维度 維度 准则 準則')
/** A list that could hold anything: its members are criteria only when they have levels. */
const ITEMS = fieldNames('items rows')
const WEIGHT = fieldNames('weight marks mark maxscore maxmarks points score 权重 權重 分值 满分 滿分 分数 分數')
const LEVELS = fieldNames('levels level descriptors bands scale 等级 等級 级别 級別 描述')
const SCORE = fieldNames('score level marks band grade label name 分数 分數 等级 等級')
const DESCRIPTOR = fieldNames('descriptor description desc text 描述 说明 說明')
const SUBJECT = fieldNames('subject course 科目 学科 學科')
const CONTAINERS = fieldNames('rubrics rubric data 评分标准 評分標準')
const MAX_RUBRICS = 1_000
const MAX_CRITERIA = 200

type Level = { score: string; descriptor: string }
type Criterion = { name: string; weight: string; description: string; levels: Level[] }
type Rubric = { id: string; title: string; aliases: string[]; subject: string; criteria: Criterion[] }

/** @returns the document, or undefined when the value does not hold at least one rubric and nothing but rubrics. */
export function readRubrics(value: unknown, fallbackTitle: string): ParsedDocument | undefined {
  const records = rubricRecords(value)
  const rubrics = records.slice(0, MAX_RUBRICS).map((record) => rubricOf(record, fallbackTitle))
  const read = rubrics.filter((rubric) => rubric !== undefined)
  const first = read[0]
  if (first === undefined || read.length * 2 < rubrics.length) return undefined
  const blocks: Block[] = []
  const stated: StatedKnowledge = { entities: [], relations: [] }
  for (const rubric of read) writeRubric(blocks, stated, rubric)
  const missing = records.length - read.length
  const warnings = missing === 0 ? [] : [`${missing} entries are not rubrics or too many and were left out.`]
  return { title: read.length === 1 ? first.title : fallbackTitle, mediaType: 'application/json', blocks, assets: [], warnings, stated }
}

function rubricRecords(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.filter(isRecord)
  if (!isRecord(value)) return []
  if (rubricOf(value, 'rubric') !== undefined) return [value]
  const inner = pick(fieldsOf(value), CONTAINERS)
  if (isRecord(inner) && rubricOf(inner, 'rubric') !== undefined) return [inner]
  return recordsOf(inner).records
}

function rubricOf(record: Record<string, unknown>, fallbackTitle: string): Rubric | undefined {
  const fields = fieldsOf(record)
  const sure = recordsOf(pick(fields, CRITERIA)).records
  const records = (sure.length > 0 ? sure : recordsOf(pick(fields, ITEMS)).records).slice(0, MAX_CRITERIA)
  const criteria = records
    .flatMap((criterion) => criterionOf(criterion) ?? [])
    .filter((criterion) => sure.length > 0 || criterion.levels.length > 0)
  if (criteria.length === 0 || criteria.length * 2 < records.length) return undefined
  const title = localisedOf(fields, TITLE)
  const names = [...new Set([title.plain, title.hant, title.hans, title.en])].filter((name) => name !== '' && name.length <= 200)
  const aliases = [...names.slice(1), ...listOf(pick(fields, ['aliases', '别名', '別名']), NAME_SEPARATOR)]
  return {
    id: textOf(pick(fields, ['id', 'rubricid'])),
    title: names[0] ?? fallbackTitle,
    aliases,
    subject: textOf(pick(fields, SUBJECT)),
    criteria,
  }
}

/** A criterion is a named record with marks or levels; a name alone could be anything. */
function criterionOf(record: Record<string, unknown>): Criterion | undefined {
  const fields = fieldsOf(record)
  const name = versionsOf(
    localisedOf(fields, ['name', 'title', 'criterion', 'dimension', '名称', '名稱', '维度', '維度', '评分项', '評分項']),
  ).join(' ')
  const weight = textOf(pick(fields, WEIGHT))
  const levels = levelsOf(pick(fields, LEVELS))
  if (name === '' || name.length > 200 || (weight === '' && levels.length === 0)) return undefined
  return { name, weight, description: versionsOf(localisedOf(fields, ['description', 'desc', '说明', '說明'])).join('\n'), levels }
}

/** `[{score, descriptor}]`, `["…"]` or `{"5": "…"}`. */
function levelsOf(value: unknown): Level[] {
  const pairs: [string, unknown][] = isRecord(value)
    ? Object.entries(value)
    : Array.isArray(value)
      ? value.slice(0, MAX_CRITERIA).map((level): [string, unknown] => ['', level])
      : []
  return pairs.flatMap(([key, level]) => {
    if (!isRecord(level)) return textOf(level) === '' ? [] : [{ score: key, descriptor: textOf(level) }]
    const fields = fieldsOf(level)
    const descriptor = versionsOf(localisedOf(fields, DESCRIPTOR)).join(' ')
    return descriptor === '' ? [] : [{ score: textOf(pick(fields, SCORE)) || key, descriptor }]
  })
}

function writeRubric(blocks: Block[], stated: StatedKnowledge, rubric: Rubric): void {
  blocks.push({ type: 'heading', text: rubric.title, level: 1, headings: [] })
  const names = rubric.criteria.map((criterion) => criterion.name).join('; ')
  const about = [rubric.aliases.join(', '), rubric.subject, names].filter(Boolean).join('. ')
  const record = Object.fromEntries(
    Object.entries({ id: rubric.id, title: rubric.title, subject: rubric.subject }).filter(([, text]) => text !== ''),
  )
  const block = blocks.push({ type: 'paragraph', text: `${rubric.title}. ${about}`, headings: [rubric.title], record }) - 1
  stated.entities.push({ name: rubric.title, type: 'rubric', description: about, aliases: rubric.aliases, block })
  for (const criterion of rubric.criteria) writeCriterion(blocks, stated, rubric, criterion)
}

function writeCriterion(blocks: Block[], stated: StatedKnowledge, rubric: Rubric, criterion: Criterion): void {
  blocks.push({ type: 'heading', text: criterion.name, level: 2, headings: [rubric.title] })
  const headings = [rubric.title, criterion.name]
  const intro = `${criterion.name}${criterion.weight === '' ? '' : ` (${criterion.weight})`}${criterion.description === '' ? '' : `: ${criterion.description}`}`
  const record = {
    rubric: rubric.id || rubric.title,
    criterion: criterion.name,
    ...(criterion.weight === '' ? {} : { weight: criterion.weight }),
  }
  const block = blocks.push({ type: 'paragraph', text: intro, headings, record }) - 1
  const levels = criterion.levels.map((level) => `- ${level.score === '' ? '' : `${level.score}: `}${level.descriptor}`).join('\n')
  if (levels !== '') blocks.push({ type: 'list', text: levels, headings })
  // Two rubrics may both have a criterion called "Content"; the rubric's name keeps them apart.
  const name = `${rubric.title}: ${criterion.name}`
  stated.entities.push({ name, type: 'criterion', description: levels === '' ? intro : `${intro}\n${levels}`, aliases: [], block })
  stated.relations.push({ source: name, target: rubric.title, keywords: ['part_of'], description: intro, block })
}
