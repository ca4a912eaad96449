// From a model's reply to loose records: JSON of any reasonable shape, or rows of delimited fields as LightRAG's prompts ask for.
// Nothing is checked against the text here; extraction-parse.ts does that.
import { readTolerantJson } from './tolerant-json.ts'
import type { JsonObject, JsonValue } from './tolerant-json.ts'

export type LooseRecord = {
  kind: 'entity' | 'relation'
  /** The chunk the reply claims it for; undefined where it claims none. */
  chunk: string | undefined
  /** Entity name, or a relation's source. */
  name: string
  target: string
  type: string
  description: string
  keywords: string[]
  aliases: string[]
  quote: string
  weight: number | undefined
}

export type LooseReading = {
  records: LooseRecord[]
  /** Ids of the chunks that have a section in the reply, also empty ones. */
  sections: string[]
  /** Things that looked like records and were none. */
  malformed: number
  truncated: boolean
  /** False when nothing of the expected shape was found: asking again may help. */
  recognised: boolean
}

const ENTITY_LISTS = ['entities', 'entity', 'nodes', 'entity_list', '实体', '實體']
const RELATION_LISTS = ['relations', 'relationships', 'relation', 'edges', 'relationship', 'triples', '关系', '關係']
const SECTION_LISTS = ['chunks', 'results', 'documents', 'passages', 'output', 'data']
const CHUNK_KEYS = ['chunk', 'chunk_id', 'chunkId', 'id', 'passage', 'passage_id']
const NAMES = ['name', 'entity_name', 'entity', 'title', 'term', '名称', '名稱', '实体名', 'label']
const SOURCES = ['source', 'src', 'source_entity', 'from', 'head', 'subject', 'entity1', 'src_id', '源', '来源']
const TARGETS = ['target', 'tgt', 'target_entity', 'to', 'tail', 'object', 'entity2', 'tgt_id', '目标', '目標']
const TYPES = ['type', 'entity_type', 'category', '类型', '類型']
const DESCRIPTIONS = ['description', 'desc', 'definition', 'summary', 'explanation', '描述', '说明']
const KEYWORDS = ['keywords', 'keyword', 'relation', 'predicate', 'relationship', 'relation_type', 'type', '关键词', '關鍵詞']
const ALIASES = ['aliases', 'alias', 'other_names', 'also_known_as', '别名', '別名']
const QUOTES = ['quote', 'evidence', 'span', 'source_text', 'text', '原文', '引文', '证据']

/** Reads a reply; never throws. `ids` are the chunk ids that were asked about. */
export function readRecords(reply: string, ids: readonly string[]): LooseReading {
  const text = withoutThoughts(reply)
  const reading: LooseReading = { records: [], sections: [], malformed: 0, truncated: false, recognised: false }
  const json = readTolerantJson(text)
  const walker: Walker = { reading, ids: new Set(ids) }
  for (const value of json.values) walk(walker, value, undefined, undefined, 0)
  reading.truncated = json.truncated && reading.recognised
  if (reading.records.length === 0) readRows(reading, text)
  return reading
}

/** Without what the model thought before it answered. A closing tag inside the answer's own text is left alone. */
function withoutThoughts(reply: string): string {
  const text = reply.replace(/^[\ufeff\s]+/, '')
  const close = text.indexOf('</think>')
  if (close === -1) return text
  const isThinking = text.startsWith('<think>') || !text.slice(0, close).includes('{')
  return isThinking ? text.slice(close + '</think>'.length) : text
}

type Walker = { reading: LooseReading; ids: ReadonlySet<string> }
type Kind = LooseRecord['kind']

const isObject = (value: JsonValue | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

function walk(walker: Walker, value: JsonValue, chunk: string | undefined, kind: Kind | undefined, depth: number): void {
  if (depth > 12) return
  if (Array.isArray(value)) return walkList(walker, value, chunk, kind, depth)
  if (typeof value === 'string' && kind !== undefined) return readRows(walker.reading, value, chunk)
  if (!isObject(value)) {
    if (kind !== undefined && value !== null) walker.reading.malformed += 1
    return
  }
  const own = chunkOf(walker, value) ?? chunk
  if (walkLists(walker, value, own, depth)) return
  const record = recordOf(value, own, kind)
  if (record) {
    walker.reading.records.push(record)
    walker.reading.recognised = true
    return
  }
  walkMembers(walker, value, own, kind, depth)
}

function walkList(walker: Walker, list: JsonValue[], chunk: string | undefined, kind: Kind | undefined, depth: number): void {
  if (kind !== undefined) walker.reading.recognised = true
  const isRow = list.length >= 3 && list.every((field) => typeof field === 'string' || typeof field === 'number')
  const row = isRow ? rowRecord(list.map(String), chunk, kind) : undefined
  if (row) {
    walker.reading.records.push(row)
    walker.reading.recognised = true
    return
  }
  for (const element of list) {
    // A bare name is an entity that says nothing about itself.
    if (typeof element === 'string' && kind === 'entity') walker.reading.records.push({ ...emptyRecord('entity', chunk), name: element })
    else walk(walker, element, chunk, kind, depth + 1)
  }
}

/** Descends into the lists an object names; false when it names none. */
function walkLists(walker: Walker, object: JsonObject, chunk: string | undefined, depth: number): boolean {
  let found = false
  const descend = (names: readonly string[], kind: Kind | undefined): void => {
    for (const name of names) {
      const member = object[name]
      const isList =
        Array.isArray(member) || isObject(member) || (typeof member === 'string' && kind !== undefined && DELIMITED.test(member))
      if (!isList || member === undefined) continue
      found = true
      walker.reading.recognised = true
      if (isObject(member) && kind !== undefined && !recordOf(member, chunk, kind)) walkNamed(walker, member, chunk, kind, depth)
      else walk(walker, member, chunk, kind, depth + 1)
    }
  }
  descend(ENTITY_LISTS, 'entity')
  descend(RELATION_LISTS, 'relation')
  if (found && chunk !== undefined && !walker.reading.sections.includes(chunk)) walker.reading.sections.push(chunk)
  descend(SECTION_LISTS, undefined)
  return found
}

/** `{ "勾股定理": { "type": … } }`: the key is the name. */
function walkNamed(walker: Walker, object: JsonObject, chunk: string | undefined, kind: Kind, depth: number): void {
  for (const [key, member] of Object.entries(object)) {
    if (kind === 'entity' && isObject(member))
      walk(walker, Object.assign(Object.create(null), { name: key }, member), chunk, kind, depth + 1)
    else if (kind === 'entity' && typeof member === 'string') {
      walker.reading.records.push({ ...emptyRecord('entity', chunk), name: key, description: member })
    } else walk(walker, member, chunk, kind, depth + 1)
  }
}

function walkMembers(walker: Walker, object: JsonObject, chunk: string | undefined, kind: Kind | undefined, depth: number): void {
  let containers = 0
  for (const [key, member] of Object.entries(object)) {
    if (typeof member !== 'object' || member === null) continue
    containers += 1
    walk(walker, member, walker.ids.has(key) ? key : chunk, kind, depth + 1)
  }
  if (containers === 0 && kind !== undefined) walker.reading.malformed += 1
}

function chunkOf(walker: Walker, object: JsonObject): string | undefined {
  for (const key of CHUNK_KEYS) {
    const value = object[key]
    if (typeof value !== 'string' && typeof value !== 'number') continue
    const id = String(value).trim()
    if (walker.ids.has(id)) return id
    if (walker.ids.has(`c${id}`)) return `c${id}`
  }
  return undefined
}

const emptyRecord = (kind: Kind, chunk: string | undefined): LooseRecord => ({
  kind,
  chunk,
  name: '',
  target: '',
  type: '',
  description: '',
  keywords: [],
  aliases: [],
  quote: '',
  weight: undefined,
})

function recordOf(object: JsonObject, chunk: string | undefined, kind: Kind | undefined): LooseRecord | undefined {
  const source = textOf(object, SOURCES)
  const target = textOf(object, TARGETS)
  const common = {
    chunk,
    description: textOf(object, DESCRIPTIONS),
    quote: textOf(object, QUOTES),
    weight: numberOf(object['weight'] ?? object['strength']),
  }
  if (kind !== 'entity' && source !== '' && target !== '') {
    return { ...emptyRecord('relation', chunk), ...common, name: source, target, keywords: listOf(object, KEYWORDS) }
  }
  const name = textOf(object, NAMES)
  if (kind === 'relation' || name === '') return undefined
  return { ...emptyRecord('entity', chunk), ...common, name, type: textOf(object, TYPES), aliases: listOf(object, ALIASES) }
}

function textOf(object: JsonObject, names: readonly string[]): string {
  for (const name of names) {
    const value = object[name]
    if (typeof value === 'string' && value.trim() !== '') return value.trim()
    if (typeof value === 'number') return String(value)
    // A list of sentences instead of one.
    if (Array.isArray(value) && value.length > 0 && value.every((part) => typeof part === 'string')) return value.join(' ').trim()
  }
  return ''
}

function listOf(object: JsonObject, names: readonly string[]): string[] {
  for (const name of names) {
    const value = object[name]
    if (Array.isArray(value)) return value.filter((part) => typeof part === 'string' || typeof part === 'number').map(String)
    if (typeof value === 'string' && value.trim() !== '') return splitList(value)
  }
  return []
}

const splitList = (text: string): string[] => text.split(/[,，、;；|]/)

function numberOf(value: JsonValue | undefined): number | undefined {
  const number = typeof value === 'string' ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined
}

// ---- rows of delimited fields ----

/** What models make of `<|#|>`, and the plain separators they fall back to. A lone `a <|> b` in prose is left alone. */
const DAMAGED = /<\|\\?#+\|?>?|<\|?#\|?>|<\|#(?=[^|>])|\|#\|>?|<[^\s<>|]{0,2}#\|?>|<\|#:|<\|>(?=\S)|<\|\|(?=\S)|｜#｜/g
const DELIMITER = '<|#|>'
const DELIMITED = /#\s*\|?\s*>|\|\s*#|<\|/
const ROW =
  /(?:^|[\n\r]|\)|##)[ \t]*[("'“\-*\d.]{0,6}[ \t]*(entity|relation|relationship|实体|關係|关系)["'”]?\s*(?=<\||\||<[^\s]{0,3}#|,|，|\t)/gi

function readRows(reading: LooseReading, text: string, chunk?: string): void {
  const starts = [...text.matchAll(ROW)]
  const complete = /<\|?COMPLETE\|?>/i.test(text)
  for (const [position, match] of starts.entries()) {
    const keyword = match[1] ?? ''
    const from = match.index + match[0].toLowerCase().lastIndexOf(keyword.toLowerCase())
    const to = starts[position + 1]?.index ?? text.length
    const row = text.slice(from, to).replace(/<\|?COMPLETE\|?>[\s\S]*/i, '')
    const fields = fieldsOf(row.trim().split(/[\n\r]/, 1)[0] ?? '')
    const record = rowRecord(fields, chunk, undefined)
    reading.recognised = true
    // The last row of a reply without its end mark may be cut in its last field.
    const cut = position === starts.length - 1 && !complete && chunk === undefined && fields.length < 4
    if (record && !cut) reading.records.push(record)
    else reading.malformed += 1
  }
  if (starts.length > 0 && !complete && chunk === undefined) reading.truncated ||= !/[。.!！)）"”\]}]\s*$/.test(text.trimEnd())
  if (complete) reading.recognised = true
}

function fieldsOf(row: string): string[] {
  const repaired = row.replace(DAMAGED, DELIMITER)
  const separator = repaired.includes(DELIMITER) ? DELIMITER : /\|/.test(repaired) ? '|' : /\t/.test(repaired) ? '\t' : /[,，]/
  return repaired.split(separator).map((field) =>
    field
      .trim()
      .replace(/^[("'“]+|[)"'”]+$/g, '')
      .trim(),
  )
}

/** entity, name, type, description · relation, source, target, keywords, description[, weight]. */
function rowRecord(fields: readonly string[], chunk: string | undefined, kind: Kind | undefined): LooseRecord | undefined {
  const [head = '', ...rest] = fields
  const named = /^(?:entity|实体|實體)$/i.test(head)
    ? 'entity'
    : /^(?:relation|relationship|关系|關係)$/i.test(head)
      ? 'relation'
      : undefined
  const parts = named ? rest : fields
  // Five fields under the word entity are a relation that was mislabelled.
  const meant = named === 'entity' && parts.length === 4 ? 'relation' : (named ?? kind)
  if (meant === 'entity' && parts.length >= 2) {
    const [name = '', type = '', ...description] = parts
    return { ...emptyRecord('entity', chunk), name, type, description: description.join(' ') }
  }
  if (meant !== 'relation' || parts.length < 3) return undefined
  const [name = '', target = '', keywords = '', description = '', weight] = parts
  return { ...emptyRecord('relation', chunk), name, target, keywords: splitList(keywords), description, weight: numberOf(weight) }
}
