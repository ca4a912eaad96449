// Cuts a parsed document into chunks: what is embedded, searched and cited. The cuts follow the document's own structure.
import { createHash } from 'node:crypto'
import type { Block, ParsedDocument } from './blocks.ts'
import { cutByContent, type CutLimits } from './chunk-cut.ts'
import { splitSentences } from './chunk-text.ts'
import { blockUnits, type Unit } from './chunk-units.ts'
import { countTokens, truncateTokens } from './tokens.ts'

export type ChunkOptions = {
  /** Tokens of header and content together, ≥ 64; the limit of the embedding model. Default 512. */
  maxTokens?: number
  /** Size of a chunk's content at which cutting stops. Default 400. */
  targetTokens?: number
  /** Tokens of whole sentences repeated from the chunk before, within one section. Default 0. */
  overlap?: number
}

export type ChunkDraft = {
  ordinal: number
  content: string
  /** `title › heading › heading › p. 3`: embedded and searched with the content, but no part of it. */
  header: string
  /** Headings of the section, outermost first; of their common ancestor when the chunk holds several sections. */
  headings: string[]
  page?: number
  pageEnd?: number
  /** First and last block ordinal, both inclusive. */
  blocks: [number, number]
  /** Of the content, without the header. */
  tokens: number
  /** SHA-256 in hex of header, line feed, content. */
  contentHash: string
}

/** A section: its own heading and blocks, and its subsections, in reading order. */
type Section = { path: string[]; parts: (SectionBlock | Section)[]; tokens: number }
type SectionBlock = { block: Block; ordinal: number; path: string[]; units: Unit[] }

type Sizes = CutLimits & { max: number; header: number; overlap: number }

const isSection = (part: SectionBlock | Section): part is Section => 'parts' in part

function sizesFor(options: ChunkOptions): Sizes {
  const max = Math.max(64, options.maxTokens ?? 512)
  const overlap = Math.min(options.overlap ?? 0, Math.floor(max / 4))
  const header = Math.floor((max * 3) / 16)
  const most = max - header - overlap - 2
  const target = Math.min(options.targetTokens ?? 400, most)
  return { target, least: Math.floor(target / 3), most, max, header, overlap }
}

/**
 * Chunks in reading order, each at most `maxTokens` with its header (a single longer equation is the one exception).
 * A chunk never spans sections of different parents; tables and equations stay whole, and a table too long for that is cut between rows
 * and repeats its header; small neighbouring sections of one parent share a chunk; a heading stays with what follows it.
 * Cuts depend on the content around them only, so an edited paragraph usually changes one chunk, rarely more than two.
 * Deterministic; no block's text is lost.
 */
export function chunkDocument(document: ParsedDocument, options: ChunkOptions = {}): ChunkDraft[] {
  return [...chunkSteps(document, options)].flat()
}

/** The same in steps of a block or a chunk, for a thread that has to serve others in between. */
export function* chunkSteps(document: ParsedDocument, options: ChunkOptions = {}): Generator<ChunkDraft[]> {
  const sizes = sizesFor(options)
  const root = yield* sectionTree(document.blocks, sizes)
  glueForward(root, sizes)
  const groups: SectionBlock[][] = []
  const overlaps: string[] = []
  collect(root, sizes, groups, overlaps)
  for (const [ordinal, group] of groups.entries()) yield [draft(document.title, group, overlaps[ordinal] ?? '', ordinal, sizes)]
}

function* sectionTree(blocks: readonly Block[], sizes: Sizes): Generator<[], Section> {
  const root: Section = { path: [], parts: [], tokens: 0 }
  const stack: Section[] = [root]
  const open = (name: string): void => {
    const parent = stack.at(-1) ?? root
    const child: Section = { path: [...parent.path, name], parts: [], tokens: 0 }
    parent.parts.push(child)
    stack.push(child)
  }
  for (const [ordinal, block] of blocks.entries()) {
    yield []
    const units = yield* blockUnits(block, ordinal, sizes.most, sizes.target)
    if (units.length === 0) continue
    const path = stack.at(-1)?.path ?? []
    const shared = block.headings.findIndex((heading, depth) => path[depth] !== heading)
    stack.length = (shared === -1 ? block.headings.length : shared) + 1
    for (const heading of block.headings.slice(stack.length - 1)) open(heading)
    if (block.type === 'heading') open(block.text)
    const section = stack.at(-1) ?? root
    section.parts.push({ block, ordinal, path: section.path, units })
    const tokens = units.reduce((sum, unit) => sum + unit.tokens, 0)
    for (const ancestor of stack) ancestor.tokens += tokens
  }
  return root
}

/** Moves a heading without a body, or with a few words only, to the front of the subsection that follows, so that it does not stand alone. */
function glueForward(section: Section, sizes: Sizes): void {
  const first = section.parts.findIndex(isSection)
  const child = section.parts[first]
  if (first === -1 || child === undefined || !isSection(child)) return
  const lead = section.parts.slice(0, first).filter((part): part is SectionBlock => !isSection(part))
  const tokens = lead.flatMap((part) => part.units).reduce((sum, unit) => sum + unit.tokens, 0)
  const small = tokens <= sizes.target / 8 || lead.every((part) => part.block.type === 'heading')
  if (section.tokens > sizes.target && lead.length > 0 && small) {
    section.parts.splice(0, first)
    child.parts.unshift(...lead)
    child.tokens += tokens
  }
  for (const part of section.parts) if (isSection(part)) glueForward(part, sizes)
}

/** All blocks of a section and its subsections in reading order. */
function flatten(section: Section): SectionBlock[] {
  return section.parts.flatMap((part) => (isSection(part) ? flatten(part) : [part]))
}

function collect(section: Section, sizes: Sizes, groups: SectionBlock[][], overlaps: string[]): void {
  if (section.tokens <= sizes.target) {
    const whole = flatten(section)
    if (whole.length > 0) groups.push(whole)
    return
  }
  let body: SectionBlock[] = []
  let siblings: Section[] = []
  const flush = (): void => {
    collectBody(body, sizes, groups, overlaps)
    collectSiblings(siblings, sizes, groups)
    body = []
    siblings = []
  }
  for (const part of section.parts) {
    const small = isSection(part) && part.tokens <= sizes.target
    if (small ? body.length > 0 : siblings.length > 0) flush()
    if (!isSection(part)) body.push(part)
    else if (small) siblings.push(part)
    else {
      flush()
      collect(part, sizes, groups, overlaps)
    }
  }
  flush()
}

/** Small sections of one parent, several to a chunk. */
function collectSiblings(sections: readonly Section[], sizes: Sizes, groups: SectionBlock[][]): void {
  const units = sections.map((section) => ({ size: section.tokens, anchor: section.path.at(-1) ?? '', hold: 0 as const }))
  for (const { from, to } of cutByContent(units, sizes)) groups.push(sections.slice(from, to).flatMap(flatten))
}

/** The blocks of one section, without subsections, cut into as many chunks as they need. */
function collectBody(blocks: readonly SectionBlock[], sizes: Sizes, groups: SectionBlock[][], overlaps: string[]): void {
  const pieces = blocks.flatMap((block, index) => {
    const before = blocks[index - 1]
    return block.units.map((unit, part) => ({
      ...block,
      units: [part === 0 && before !== undefined && leadsOn(before, sizes) ? { ...unit, hold: 2 as const } : unit],
    }))
  })
  const units = pieces.map(({ units: [unit] }) => ({ size: unit?.tokens ?? 0, anchor: unit?.text ?? '', hold: unit?.hold ?? 0 }))
  cutByContent(units, sizes).forEach(({ from, to }, index) => {
    if (index > 0 && sizes.overlap > 0) overlaps[groups.length] = tail(pieces[from - 1]?.units[0]?.text ?? '', sizes.overlap)
    groups.push(pieces.slice(from, to))
  })
}

/** A heading, or a short line ending in a colon, belongs to what follows it. */
function leadsOn(before: SectionBlock, sizes: Sizes): boolean {
  const size = before.units.reduce((sum, unit) => sum + unit.tokens, 0)
  return before.block.type === 'heading' || (/[:：]\s*$/.test(before.block.text) && size < sizes.least)
}

/** The last whole sentences of a text, at most `tokens` long; may be empty. */
function tail(text: string, tokens: number): string {
  let result = ''
  for (const sentence of splitSentences(text).toReversed()) {
    if (countTokens(sentence + result) > tokens) break
    result = sentence + result
  }
  return result.trim()
}

/** The headings that all of the chunk's text stands under; headings themselves count only when there is nothing else. */
function commonPath(group: readonly SectionBlock[]): string[] {
  const bodies = group.filter(({ block }) => block.type !== 'heading')
  const paths = (bodies.length > 0 ? bodies : group).map(({ path }) => path)
  const [first = []] = paths
  const differs = first.findIndex((heading, depth) => paths.some((path) => path[depth] !== heading))
  return differs === -1 ? first : first.slice(0, differs)
}

/** Title, headings and page joined by ` › `; the title is not repeated by an equal heading, outer headings give way when it gets too long. */
function headerFor(title: string, headings: readonly string[], page: string | undefined, maxTokens: number): string {
  const names = [title, ...headings]
    .map((name) => name.replace(/\s+/g, ' ').trim())
    .filter((name, index, all) => name !== '' && name !== all[index - 1])
  const last = page === undefined ? [] : [`p. ${page}`]
  for (let dropped = 0; dropped < names.length; dropped += 1) {
    const kept = dropped === 0 ? names : [names[0] ?? '', '…', ...names.slice(dropped + 1)]
    const header = [...kept, ...last].join(' › ')
    if (countTokens(header) <= maxTokens) return header
  }
  return [truncateTokens(names[0] ?? '', Math.max(1, maxTokens - 8)), ...last].join(' › ')
}

/** A unit as it reads below another one. */
function following(before: Unit | undefined, unit: Unit): string {
  if (before === undefined) return unit.text
  const sameTable = before.rows !== undefined && unit.rows !== undefined && before.block === unit.block
  return sameTable ? `\n${unit.rows}` : unit.joint + unit.text
}

function draft(title: string, group: readonly SectionBlock[], overlap: string, ordinal: number, sizes: Sizes): ChunkDraft {
  const units = group.flatMap((part) => part.units)
  const body = units.map((unit, index) => following(units[index - 1], unit)).join('')
  const content = (overlap === '' ? body : `${overlap}\n\n${body}`).trim()
  const pages = units.flatMap((unit) => (unit.page === undefined ? [] : [unit.page]))
  const headings = commonPath(group)
  const first = group.find(({ block }) => block.page !== undefined)?.block
  const tokens = countTokens(content)
  // Blank lines cost a fifth of a token more than they are counted for when blocks are gathered: where there are dozens, the header gives way.
  const room = sizes.max - tokens - 1
  const header = headerFor(
    title,
    headings,
    first?.pageLabel ?? first?.page?.toString(),
    room > 0 ? Math.min(sizes.header, room) : sizes.header,
  )
  return {
    ordinal,
    content,
    header,
    headings,
    ...(pages[0] === undefined ? {} : { page: pages[0], pageEnd: Math.max(...pages) }),
    blocks: [Math.min(...units.map((unit) => unit.block)), Math.max(...units.map((unit) => unit.block))],
    tokens,
    contentHash: createHash('sha256').update(`${header}\n${content}`).digest('hex'),
  }
}
