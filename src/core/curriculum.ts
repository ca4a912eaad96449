// Structured knowledge that a team already has as JSON (knowledge points, rubrics) becomes a document without a model:
// sections to read and search, and the entities and relations the file itself states. Rubrics are read in rubric.ts.
import type { Block, ParsedDocument, StatedKnowledge } from './blocks.ts'
import { findPoints, firstOf, ID, NAME, type Point } from './curriculum-points.ts'
import { type Fields, fieldsOf, isRecord, localisedOf, pick, recordsOf, textOf, versionsOf } from './knowledge-fields.ts'
import { nameKey } from './names.ts'
import { readRubrics } from './rubric.ts'
import { detectLanguage } from './text.ts'

/** A code rather than a name: `KP-07`, `12`, `kp_linear`. An unresolved one is a broken reference, not a new entity. */
const CODE_LIKE = /^[A-Za-z]*[-_.:]?\d[\w.:-]*$|^[A-Za-z0-9]+(?:[_:][A-Za-z0-9]+)+$/

type Named = { name: string; english: string }
type Draft = {
  blocks: Block[]
  stated: StatedKnowledge
  warnings: string[]
  /** Key of an id, code, name or alias → what it means; both Chinese scripts have one key. */
  names: Map<string, Named>
  strands: Map<string, Named>
  /** Names that have an entity already. */
  known: Set<string>
}
type Kind = 'prerequisite' | 'related'

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
  let above = ''
  for (const point of found.points) {
    const strand = strandOf(draft, point)
    const heading = headingOf(strand)
    if (heading !== above && heading !== '') draft.blocks.push({ type: 'heading', text: heading, level: 1, headings: [] })
    above = heading
    writePoint(draft, point, strand)
  }
  draft.warnings.push(...cycleWarnings(draft.stated))
  return {
    title: title || fallback,
    mediaType: 'application/json',
    blocks: draft.blocks,
    assets: [],
    warnings: draft.warnings,
    stated: draft.stated,
  }
}

/** Every id, code, name and alias to the point it means. Ids come first: a point may be named like another one's alias. */
function namesOf(points: readonly Point[], top: Fields): Map<string, Named> {
  const names = new Map<string, Named>()
  const add = (text: string, named: Named) => {
    if (text !== '' && !names.has(nameKey(text))) names.set(nameKey(text), named)
  }
  for (const point of points) add(point.id, point)
  for (const point of points) add(point.code, point)
  for (const point of points) add(point.name, point)
  for (const point of points) for (const alias of point.aliases) add(alias, point)
  const references = pick(top, ['references'])
  for (const [id, value] of isRecord(references) ? Object.entries(references) : []) {
    const named = isRecord(value) ? namedBy(fieldsOf(value)) : { name: textOf(value), english: '' }
    if (named !== undefined) add(named.name === '' ? '' : id, named)
  }
  return names
}

/** Top-level `strands: [{id, name_zh, name_en}]` define what the points' `strand` ids are called. */
function strandsOf(top: Fields): Map<string, Named> {
  const strands = new Map<string, Named>()
  for (const record of recordsOf(pick(top, ['strands'])).records) {
    const fields = fieldsOf(record)
    const named = namedBy(fields)
    if (named !== undefined) strands.set(nameKey(textOf(pick(fields, ID)) || named.name), named)
  }
  return strands
}

function namedBy(fields: Fields): Named | undefined {
  const names = localisedOf(fields, NAME)
  const name = names.plain || names.hant || names.hans || names.en
  return name === '' ? undefined : { name, english: names.en === name ? '' : names.en }
}

const strandOf = (draft: Draft, point: Point): Named => draft.strands.get(nameKey(point.strand)) ?? { name: point.strand, english: '' }

const headingOf = (strand: Named): string => [strand.name, strand.english].filter(Boolean).join(' ')

/** One section: names, what it belongs to, descriptions, formulas, examples, misconceptions, and what it refers to. */
function writePoint(draft: Draft, point: Point, strand: Named): void {
  const above = strand.name === '' ? [] : [headingOf(strand)]
  const headings = [...above, point.name]
  draft.blocks.push({ type: 'heading', text: point.name, level: above.length + 1, headings: above })
  const write = (type: Block['type'], text: string, more: Partial<Block> = {}) => draft.blocks.push({ type, text, headings, ...more }) - 1
  const parents = [strand.name, point.parent].filter((parent) => parent !== '' && parent !== point.name)
  const lines = [identityOf(point), ...parents.map((parent) => partOf(point, parent))]
  const block = write('paragraph', lines.join('\n'), { record: recordOf(point) })
  for (const text of point.descriptions) write('paragraph', text)
  for (const latex of point.formulas) write('equation', `$$${latex}$$`, { latex })
  for (const text of point.examples) write('paragraph', text)
  if (point.misconceptions.length > 0)
    write('list', `${mistakesLabel(point)}\n${point.misconceptions.map((text) => `- ${text}`).join('\n')}`)
  const description = point.descriptions.join('\n') || identityOf(point)
  draft.stated.entities.push({ name: point.name, type: 'knowledge_point', description, aliases: point.aliases, block })
  stateStrand(draft, strand, point, block)
  for (const parent of parents) {
    draft.stated.relations.push({ source: point.name, target: parent, keywords: ['part_of'], description: partOf(point, parent), block })
  }
  writeReferences(draft, point, 'prerequisite', headings)
  writeReferences(draft, point, 'related', headings)
}

function stateStrand(draft: Draft, strand: Named, point: Point, block: number): void {
  if (strand.name === '' || draft.known.has(strand.name)) return
  draft.known.add(strand.name)
  const aliases = strand.english === '' ? [] : [strand.english]
  draft.stated.entities.push({ name: strand.name, type: 'topic', description: partOf(point, strand.name), aliases, block })
}

/** `二次函數 (二次函数, quadratic functions) [NA-20, S4-S6]: parabola`: every name and code in one line, so that each can be searched for. */
function identityOf(point: Point): string {
  const also = point.aliases.length === 0 ? '' : ` (${point.aliases.join(', ')})`
  const tags = [point.code || point.id, point.level].filter(Boolean).join(', ')
  return `${point.name}${also}${tags === '' ? '' : ` [${tags}]`}${point.keywords.length === 0 ? '' : `: ${point.keywords.join(', ')}`}`
}

/** One sentence that names what is referred to, so that every stated relation has words to stand on, and the relations. */
function writeReferences(draft: Draft, point: Point, kind: Kind, headings: string[]): void {
  const resolved = resolve(draft, point, kind === 'prerequisite' ? point.prerequisites : point.related)
  if (resolved.length === 0) return
  const lines = sentences(point, kind, resolved)
  const block = draft.blocks.push({ type: 'paragraph', text: lines.join('\n'), headings }) - 1
  const description = firstOf(lines)
  for (const { name, english, weight } of resolved) {
    if (!draft.known.has(name)) {
      draft.known.add(name)
      const aliases = english === '' ? [] : [english]
      draft.stated.entities.push({ name, type: 'knowledge_point', description, aliases, block })
    }
    const ends = kind === 'prerequisite' ? { source: name, target: point.name } : { source: point.name, target: name }
    draft.stated.relations.push({ ...ends, keywords: [kind], description, block, ...(weight === undefined ? {} : { weight }) })
  }
}

function resolve(draft: Draft, point: Point, references: Point['related']): (Named & { weight: number | undefined })[] {
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

/** In the script of the point's own text, and in English as well where every name has an English form. */
function sentences(point: Point, kind: Kind, others: readonly Named[]): string[] {
  const names = others.map((other) => other.name)
  const inEnglish = (own: string, list: readonly string[]) =>
    kind === 'prerequisite' ? `Before ${own}, learn: ${list.join(', ')}.` : `Related to ${own}: ${list.join(', ')}.`
  if (!isChinese(point)) return [inEnglish(point.name, names)]
  const traditional = isTraditional(point)
  const required = traditional ? `學習${point.name}之前須先掌握` : `学习${point.name}之前须先掌握`
  const related = traditional ? `${point.name}的相關知識點` : `${point.name}的相关知识点`
  const chinese = `${kind === 'prerequisite' ? required : related}：${names.join('、')}。`
  const translated = others.map((other) => other.english)
  return point.english !== '' && translated.every(Boolean) ? [chinese, inEnglish(point.english, translated)] : [chinese]
}

function partOf(point: Point, parent: string): string {
  if (!isChinese(point)) return `${point.name} is part of ${parent}.`
  return `${point.name}${isTraditional(point) ? '屬於' : '属于'}「${parent}」。`
}

/** Without it a wrong idea would read like a fact. */
function mistakesLabel(point: Point): string {
  if (!isChinese(point)) return 'Common mistakes:'
  return isTraditional(point) ? '常見錯誤：' : '常见错误：'
}

const isChinese = (point: Point) => /\p{Script=Han}/u.test(point.name)
/** Judged by its Chinese alone: a long English description says nothing about the script. */
const isTraditional = (point: Point) =>
  detectLanguage((point.name + point.descriptions.join('')).replace(/[^\p{Script=Han}]+/gu, '')) === 'zh-Hant'

function recordOf(point: Point): Record<string, unknown> {
  const { id, code, name, english, strand, level } = point
  return Object.fromEntries(Object.entries({ id, code, name, name_en: english, strand, level }).filter(([, value]) => value !== ''))
}

/** Takes away points without open prerequisites again and again; what is left lies on a cycle or behind one. Linear in the relations. */
function cycleWarnings(stated: StatedKnowledge): string[] {
  const open = new Map<string, number>()
  const next = new Map<string, string[]>()
  for (const { source, target, keywords } of stated.relations) {
    if (keywords[0] !== 'prerequisite') continue
    open.set(source, open.get(source) ?? 0)
    open.set(target, (open.get(target) ?? 0) + 1)
    const targets = next.get(source)
    if (targets === undefined) next.set(source, [target])
    else targets.push(target)
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
  if (open.size === 0) return []
  return [
    `Prerequisites go round in a circle; these points lie on it or behind it: ${[...open.keys()].slice(0, 5).join(', ')}${open.size > 5 ? ' …' : ''}.`,
  ]
}
