// From a model's reply about some chunks to what those chunks say: records are cleaned, tied to their chunk, held to its text,
// and limited. Tolerant of every form replies come in; never throws; counts what it dropped.
import { findSpan, occurs, searchable, sentenceWith } from './evidence.ts'
import type { SearchableText } from './evidence.ts'
import type { ExtractedEntity, ExtractedRelation, Extraction } from './extraction.ts'
import { readRecords } from './extraction-records.ts'
import type { LooseReading, LooseRecord } from './extraction-records.ts'
import { displayName, nameKey, splitBracketedAlias } from './names.ts'

/** A chunk as it was shown to the model: the id it was to use, and the text that evidence must come from. */
export type ExtractionSource = { id: string; text: string }

/** Per chunk; LightRAG's limits. A model that lists more is inventing or repeating. */
export const MAX_ENTITIES = 40
export const MAX_RECORDS = 100

const MAX_DESCRIPTION = 2000
const MAX_KEYWORDS = 8
const MAX_WEIGHT = 10

/** One extraction per chunk, in their order. */
export function parseExtraction(reply: string, chunks: readonly ExtractionSource[]): Extraction[] {
  return attributeRecords(
    readRecords(
      reply,
      chunks.map(({ id }) => id),
    ),
    chunks,
  )
}

/** Ties what was read to the chunks. A record without a chunk goes to every one whose text shows it. */
export function attributeRecords(reading: LooseReading, chunks: readonly ExtractionSource[]): Extraction[] {
  const drafts = chunks.map((chunk) => ({ id: chunk.id, text: searchable(chunk.text), records: [] as LooseRecord[], extra: 0 }))
  const first = drafts[0]
  if (!first) return []
  first.extra += reading.malformed
  for (const record of reading.records) {
    const claimed = drafts.find(({ id }) => id === record.chunk)
    const meant = claimed ? [claimed] : drafts.length === 1 ? [first] : drafts.filter(({ text }) => isShownBy(text, record))
    for (const draft of meant) draft.records.push(record)
    if (meant.length === 0) first.extra += 1
  }
  return drafts.map(({ text, records, extra }) => {
    const built = buildExtraction(text, records)
    return { ...built, dropped: built.dropped + extra, truncated: reading.truncated }
  })
}

function isShownBy(text: SearchableText, record: LooseRecord): boolean {
  if (record.quote !== '') return findSpan(text, record.quote) !== undefined
  return occurs(text, record.name) && (record.kind === 'entity' || occurs(text, record.target))
}

function buildExtraction(text: SearchableText, records: readonly LooseRecord[]): Extraction {
  const entities = new Map<string, ExtractedEntity>()
  const names = new Map<string, string>()
  let dropped = 0
  for (const record of records.filter(({ kind }) => kind === 'entity')) {
    const entity = entityFrom(text, record)
    const key = entity ? nameKey(entity.name) : ''
    if (!entity || (entities.size >= MAX_ENTITIES && !entities.has(key))) {
      dropped += 1
      continue
    }
    const known = entities.get(key)
    entities.set(key, known ? mergedEntity(known, entity) : entity)
    for (const alias of entity.aliases) if (!names.has(nameKey(alias))) names.set(nameKey(alias), key)
  }
  const resolve = (raw: string): string | undefined => {
    const display = displayName(raw)
    const keys = [display, splitBracketedAlias(display).name].map(nameKey)
    const key = keys.find((one) => entities.has(one)) ?? keys.map((one) => names.get(one)).find((one) => one !== undefined)
    return key === undefined ? undefined : entities.get(key)?.name
  }
  const relations = new Map<string, ExtractedRelation>()
  for (const record of records.filter(({ kind }) => kind === 'relation')) {
    const relation = relationFrom(text, record, resolve)
    const key = relation ? `${relation.source}\n${relation.target}` : ''
    const known = relations.get(key)
    if (!relation || (!known && entities.size + relations.size >= MAX_RECORDS)) dropped += 1
    else relations.set(key, known ? mergedRelation(known, relation) : relation)
  }
  return { entities: [...entities.values()], relations: [...relations.values()], dropped, truncated: false }
}

function entityFrom(text: SearchableText, record: LooseRecord): ExtractedEntity | undefined {
  const split = splitBracketedAlias(displayName(record.name))
  const name = displayName(split.name)
  if (name === '') return undefined
  const quote = record.quote === '' ? (sentenceWith(text, [name]) ?? findSpan(text, name)) : findSpan(text, record.quote)
  if (quote === undefined) return undefined
  const aliases = [...(split.alias ? [split.alias] : []), ...record.aliases].map(displayName)
  return {
    name,
    type: entityType(record.type),
    description: cleanDescription(record.description) || quote,
    // An alias the chunk does not contain is the model's own knowledge, not the document's.
    aliases: [...new Set(aliases)].filter((alias) => alias !== '' && nameKey(alias) !== nameKey(name) && occurs(text, alias)),
    quote,
  }
}

function relationFrom(
  text: SearchableText,
  record: LooseRecord,
  resolve: (name: string) => string | undefined,
): ExtractedRelation | undefined {
  const source = resolve(record.name)
  const target = resolve(record.target)
  if (source === undefined || target === undefined || source === target) return undefined
  const quote = record.quote === '' ? shownTogether(text, source, target) : findSpan(text, record.quote)
  if (quote === undefined) return undefined
  const keywords = [...new Set(record.keywords.map(cleanKeyword).filter((keyword) => keyword !== ''))].slice(0, MAX_KEYWORDS)
  return {
    source,
    target,
    keywords: keywords.length > 0 ? keywords : ['related'],
    description: cleanDescription(record.description) || quote,
    quote,
    weight: Math.min(record.weight ?? 1, MAX_WEIGHT),
  }
}

/** Evidence for a relation that came without a quote: a sentence naming both, else the first naming its source, if the text names both at all. */
function shownTogether(text: SearchableText, source: string, target: string): string | undefined {
  const together = sentenceWith(text, [source, target])
  if (together !== undefined || !occurs(text, source) || !occurs(text, target)) return together
  return sentenceWith(text, [source])
}

const mergedEntity = (known: ExtractedEntity, again: ExtractedEntity): ExtractedEntity => ({
  ...(again.description.length > known.description.length ? again : known),
  name: known.name,
  aliases: [...new Set([...known.aliases, ...again.aliases])],
})

const mergedRelation = (known: ExtractedRelation, again: ExtractedRelation): ExtractedRelation => ({
  ...(again.description.length > known.description.length ? again : known),
  keywords: [...new Set([...known.keywords, ...again.keywords])].slice(0, MAX_KEYWORDS),
  weight: Math.max(known.weight, again.weight),
})

/** Lower-case snake_case; the first of several; `concept` where there is none or it is no word. */
function entityType(raw: string): string {
  const [first = ''] = raw.normalize('NFKC').split(/[,、;/|]/, 1)
  const type = first
    .trim()
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[\s-]+/g, '_')
  return /^[\p{L}\p{N}_]{1,40}$/u.test(type) ? type : 'concept'
}

const cleanKeyword = (keyword: string): string => displayName(keyword).toLowerCase().slice(0, 80)

function cleanDescription(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the database refuses some of these, readers want none
  const clean = text
    .replace(/[\u0000-\u001f\u007f]|\p{Cs}/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  return clean.slice(0, MAX_DESCRIPTION).replace(/[\ud800-\udbff]$/, '')
}
