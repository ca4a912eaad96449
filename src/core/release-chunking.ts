// Cuts one item as its kind asks: one rule one chunk, a template by its fields, a long text at its headings and turns of matter.
import { splitText } from './chunk-text.ts'
import type { ContentType, KnowledgeItem } from './release-request.ts'
import { likeness, profileOf } from './release-similarity.ts'
import { countTokens } from './tokens.ts'

/** Chunking policies a manifest may name. */
export const CHUNKING_POLICIES: readonly string[] = ['CHUNK_POLICY_V1']

export type ItemChunk = {
  content: string
  /** Title and field or heading: embedded with the content. */ header: string
  headings: string[]
}

export type ItemCutOptions = {
  semantic: boolean
  /** Tokens the embedding model reads of a chunk with its header. */
  maxTokens: number
}

type Range = { least: number; most: number }

/** Tokens by kind of content, as the policy has them; what the embedding model cannot read is capped. */
const RANGES: Readonly<Record<ContentType, Range>> = {
  rule: { least: 150, most: 400 },
  checklist: { least: 150, most: 400 },
  template: { least: 1, most: 400 },
  anti_pattern: { least: 1, most: 250 },
  long_doc: { least: 400, most: 900 },
}

const HEADER_TOKENS = 40

/** Whether the model reads less of a chunk than its kind may hold. */
export const isShortened = (type: ContentType, maxTokens: number): boolean => maxTokens - HEADER_TOKENS < RANGES[type].most

/** Chunks in reading order; at least one for any text that is not blank. Deterministic. */
export function chunkItem(item: Pick<KnowledgeItem, 'content_type' | 'title'> & { text: string }, options: ItemCutOptions): ItemChunk[] {
  const range = RANGES[item.content_type]
  const most = Math.max(32, Math.min(range.most, options.maxTokens - HEADER_TOKENS))
  const limits = { least: Math.min(range.least, Math.floor(most / 2)), most }
  const title = item.title.replace(/\s+/g, ' ').trim()
  const headed = (content: string, headings: string[] = []): ItemChunk => ({
    content,
    headings,
    header: headerOf(item.content_type, title, headings),
  })
  switch (item.content_type) {
    case 'rule':
      return rules(item.text, limits).map((content) => headed(content))
    case 'checklist':
      return pack(entries(item.text), limits).map((content) => headed(content))
    case 'template':
      return fields(item.text).flatMap(({ name, text }) =>
        pack([text], limits).map((content) => headed(content, name === '' ? [] : [name])),
      )
    case 'anti_pattern':
      return pack([item.text], limits).map((content) => headed(content))
    case 'long_doc':
      return cutLongText(item.text, limits, options.semantic).map(({ content, headings }) => headed(content, headings))
  }
}

/** An anti-pattern says in its header what it is, so that it is not read as advice. */
function headerOf(type: ContentType, title: string, headings: readonly string[]): string {
  const emphasis = type === 'anti_pattern' ? ['Do not · 不要'] : []
  return [...emphasis, title, ...headings].filter((part) => part !== '').join(' › ')
}

const LIST_MARK = /^\s*(?:[-*+•]|\d{1,3}[.)、．]|[（(]?[一二三四五六七八九十]{1,3}[）)、.])\s*/

/** Lines of a list, each with what is indented below it; a text without a list is one entry. */
function entries(text: string): string[] {
  const result: string[] = []
  for (const line of text.split('\n')) {
    if (result.length === 0 || (LIST_MARK.test(line) && !/^\s{2,}/.test(line))) result.push(line)
    else result[result.length - 1] += `\n${line}`
  }
  return result.map((entry) => entry.trim()).filter((entry) => entry !== '')
}

/** A text that fits is one rule; a longer list is one rule to a line. */
function rules(text: string, limits: Range): string[] {
  if (countTokens(text) <= limits.least) return [text.trim()]
  const listed = entries(text)
  return listed.length > 1 ? listed.flatMap((entry) => pack([entry], limits)) : pack(listed, limits)
}

/** Neighbours together up to `most` tokens; what is longer alone is split where a reader would pause. */
function pack(parts: readonly string[], { most }: Range): string[] {
  const packed: string[] = []
  let current = ''
  for (const part of parts.flatMap((one) => (countTokens(one) <= most ? [one] : joined(splitText(one, most), most)))) {
    const both = current === '' ? part : `${current}\n${part}`
    if (current !== '' && countTokens(both) > most) {
      packed.push(current)
      current = part
    } else current = both
  }
  if (current.trim() !== '') packed.push(current)
  return packed.map((one) => one.trim())
}

function joined(pieces: readonly string[], most: number): string[] {
  const result: string[] = []
  for (const piece of pieces) {
    const last = result.at(-1)
    if (last !== undefined && countTokens(last + piece) <= most) result[result.length - 1] = last + piece
    else result.push(piece)
  }
  return result
}

const FIELD_NAME =
  'titles?|steps?|examples?|fields?|inputs?|outputs?|notes?|purpose|body|标题|標題|步骤|步驟|例子|示例|範例|范例|欄位|栏位|字段|说明|說明|目的|输入|輸入|输出|輸出|备注|備註'
const FIELD_START = new RegExp(`(?:^|\\n|(?<=[。.;；!！]\\s?))[ \\t]*(?:#{1,6}[ \\t]*)?(${FIELD_NAME})[ \\t]*[:：\\n]`, 'gi')

/** The blocks of a template by the names of its fields; what stands before the first has no name. */
function fields(text: string): { name: string; text: string }[] {
  const starts = [...text.matchAll(FIELD_START)]
  if (starts.length < 2) return [{ name: starts[0]?.[1] ?? '', text: text.trim() }]
  const before = text.slice(0, starts[0]?.index ?? 0).trim()
  const blocks = starts.map((start, index) => ({ name: start[1] ?? '', text: text.slice(start.index, starts[index + 1]?.index).trim() }))
  return before === '' ? blocks : [{ name: '', text: before }, ...blocks]
}

type Unit = {
  text: string
  tokens: number
  /** Level of a heading, 0 for text. */ level: number
  path: string[]
  /** Begins a line of its own. */ line: boolean
}

/** Sections of a text that is too long, cut where the cut costs least, until each has at most `most` tokens. */
function cutLongText(text: string, limits: Range, semantic: boolean): { content: string; headings: string[] }[] {
  const units = unitsOf(text, limits)
  const done: { content: string; headings: string[] }[] = []
  const open: Unit[][] = units.length === 0 ? [] : [units]
  for (let segment = open.pop(); segment !== undefined; segment = open.pop()) {
    const at = tokensOf(segment) <= limits.most ? undefined : cheapestCut(segment, limits, semantic)
    if (at === undefined) done.push({ content: contentOf(segment), headings: segment[0]?.path ?? [] })
    else open.push(segment.slice(at), segment.slice(0, at))
  }
  return done.filter(({ content }) => content !== '')
}

function unitsOf(text: string, { most }: Range): Unit[] {
  const path: { level: number; name: string }[] = []
  return text.split('\n').flatMap((line): Unit[] => {
    const heading = /^(#{1,6})\s+(.+)$/.exec(line)
    if (heading) {
      const level = heading[1]?.length ?? 1
      while ((path.at(-1)?.level ?? 0) >= level) path.pop()
      path.push({ level, name: heading[2]?.trim() ?? '' })
      return [{ text: line, tokens: countTokens(line), level, path: path.map(({ name }) => name), line: true }]
    }
    if (line.trim() === '') return []
    return splitText(line, Math.floor(most / 3)).map((piece, index) => ({
      text: piece,
      tokens: countTokens(piece),
      level: 0,
      path: path.map(({ name }) => name),
      line: index === 0,
    }))
  })
}

const tokensOf = (units: readonly Unit[]): number => units.reduce((sum, unit) => sum + unit.tokens + 1, 0)
const contentOf = (units: readonly Unit[]): string =>
  units
    .map((unit, index) => (index > 0 && unit.line ? `\n${unit.text}` : unit.text))
    .join('')
    .trim()

/** Sentences on each side of a cut that are compared. */
const WINDOW = 3

/**
 * A heading is the best place, then a new line, then a new sentence; with semantic breaks the places between are ranked by how
 * little the sentences on both sides have in common (the idea of TextTiling, Hearst 1997). Ties go to the middle.
 */
function cheapestCut(units: readonly Unit[], { least }: Range, semantic: boolean): number | undefined {
  const total = tokensOf(units)
  const middle = total / 2
  let best: { at: number; cost: number; distance: number } | undefined
  let before = 0
  for (let at = 1; at < units.length; at += 1) {
    before += (units[at - 1]?.tokens ?? 0) + 1
    if (units[at - 1]?.level !== 0) continue
    const balanced = before >= least && total - before >= least
    const cost = costOf(units, at, semantic) + (balanced ? 0 : 100)
    const distance = Math.abs(before - middle)
    if (best === undefined || cost < best.cost || (cost === best.cost && distance < best.distance)) best = { at, cost, distance }
  }
  return best?.at
}

function costOf(units: readonly Unit[], at: number, semantic: boolean): number {
  const unit = units[at]
  if (unit === undefined) return Number.POSITIVE_INFINITY
  if (unit.level > 0) return unit.level / 10
  const place = unit.line ? 1 : 2
  if (!semantic) return place
  const side = (from: number, to: number): ReadonlySet<string> =>
    profileOf(
      units
        .slice(Math.max(0, from), to)
        .map((one) => one.text)
        .join(' '),
    ).pairs
  return 1 + likeness(side(at - WINDOW, at), side(at, at + WINDOW)) + (unit.line ? 0 : 0.05)
}
