// A LightRAG library as documents of ours: the text of each document in blocks, and each entity and relation on the passages that
// LightRAG says it came from. Pure; the folder is read in parsers/lightrag-folder.ts.
import { splitSentences } from './chunk-text.ts'
import { READY_FORMAT, type ReadyDocument } from './ready-document.ts'
import { normaliseForSearch } from './text.ts'
import { countTokens } from './tokens.ts'

export type LightRagNode = { name: string; type: string; description: string; chunkIds: string[] }
export type LightRagEdge = { source: string; target: string; keywords: string; description: string; weight: number; chunkIds: string[] }
export type LightRagChunk = { id: string; documentId: string; ordinal: number; text: string; filePath: string }

export type LightRagLibrary = {
  /** Full texts by document id; documents without one are put together from their chunks. */
  texts: ReadonlyMap<string, string>
  chunks: readonly LightRagChunk[]
  nodes: readonly LightRagNode[]
  edges: readonly LightRagEdge[]
}

export type LightRagDocument = { documentId: string; filePath: string; ready: ReadyDocument }

/** Blocks are small, so that a mention stands on the passage that says it and not on 1,200 tokens around it. */
const BLOCK_TOKENS = 250
const MAX_QUOTE = 300
/** Characters that two chunks may share; fewer are chance. */
const MIN_OVERLAP = 8
const MAX_OVERLAP = 2000

type Passage = { text: string; /** Of a heading. */ level?: number; from: number; to: number; search: string }
/** Where one chunk of LightRAG lies among the blocks of its document: first and last, both inclusive. */
type Place = { document: Draft; from: number; to: number }
type Draft = { documentId: string; filePath: string; passages: Passage[]; entities: Map<string, Mention>; relations: Map<string, Stated> }
type Mention = NonNullable<ReadyDocument['entities']>[number]
type Stated = NonNullable<ReadyDocument['relations']>[number]

/** @returns the documents, and how many entities and relations stand on no passage that is left and therefore stay behind. */
export function documentsOf(library: LightRagLibrary): {
  documents: LightRagDocument[]
  unsupported: { entities: number; relations: number }
} {
  const places = new Map<string, Place>()
  const drafts = [...Map.groupBy(library.chunks, (chunk) => chunk.documentId)].map(([documentId, chunks]) =>
    draftOf(
      documentId,
      library.texts.get(documentId),
      chunks.toSorted((a, b) => a.ordinal - b.ordinal),
      places,
    ),
  )
  const nodes = new Map(library.nodes.map((node) => [node.name, node]))
  const placed = (chunkIds: readonly string[]): Place[] => chunkIds.flatMap((id) => places.get(id) ?? [])
  let [entities, relations] = [0, 0]
  for (const node of library.nodes) {
    const found = placed(node.chunkIds)
    if (found.length === 0) entities += 1
    for (const place of found) for (const at of blocksWith(place, [node.name])) mention(place.document, node, at)
  }
  for (const edge of library.edges) {
    const found = placed(edge.chunkIds)
    if (found.length === 0) relations += 1
    for (const place of found) relate(place, edge, found.length, nodes)
  }
  return { documents: drafts.map(finished), unsupported: { entities, relations } }
}

function draftOf(documentId: string, text: string | undefined, chunks: readonly LightRagChunk[], places: Map<string, Place>): Draft {
  const passages = text === undefined ? [] : passagesOf(text, 0)
  const draft: Draft = { documentId, filePath: chunks[0]?.filePath ?? '', passages, entities: new Map(), relations: new Map() }
  let searched = 0
  let before = ''
  for (const chunk of chunks) {
    // A chunk cut inside a character begins or ends with the sign for a broken one.
    const wanted = chunk.text.replaceAll(/^\uFFFD+|\uFFFD+$/g, '').trim()
    if (wanted === '') continue
    const at = text === undefined ? -1 : text.indexOf(wanted, searched)
    if (at === -1) {
      // Descriptions of pictures and tables are chunks that stand nowhere in the text; without a full text all chunks are such.
      const from = passages.length
      passages.push(...passagesOf(text === undefined ? withoutOverlap(wanted, before) : wanted, Number.NaN))
      before = wanted
      places.set(chunk.id, { document: draft, from: Math.min(from, passages.length - 1), to: passages.length - 1 })
      continue
    }
    searched = at
    const inside = passages.flatMap((passage, index) => (passage.from < at + wanted.length && passage.to > at ? [index] : []))
    places.set(chunk.id, { document: draft, from: inside[0] ?? 0, to: inside.at(-1) ?? 0 })
  }
  return draft
}

/** LightRAG repeats the end of a chunk at the start of the next; the repetition is dropped where it is exact. */
function withoutOverlap(text: string, before: string): string {
  for (let size = Math.min(before.length, text.length - 1, MAX_OVERLAP); size >= MIN_OVERLAP; size -= 1)
    if (text.startsWith(before.slice(-size))) return text.slice(size).trimStart()
  return text
}

/** A heading of Markdown alone, or lines up to the next empty line or heading. */
const PARAGRAPH = /^#{1,6}[ \t][^\n]*|[^\n]+(?:\n(?!#{1,6}[ \t]|[^\S\n]*$)[^\n]+)*/gm

/** Paragraphs, long ones cut between sentences. */
function passagesOf(text: string, offset: number): Passage[] {
  const passages: Passage[] = []
  const add = (from: number, to: number): void => {
    const piece = text.slice(from, to).trim()
    const [, marks, title] = /^(#{1,6})\s+([^\n]{1,200})$/.exec(piece) ?? []
    const shown = title === undefined ? { text: piece } : { text: title, level: marks?.length ?? 1 }
    if (piece !== '') passages.push({ ...shown, from: offset + from, to: offset + to, search: normaliseForSearch(piece) })
  }
  for (const { 0: paragraph, index } of text.matchAll(PARAGRAPH)) {
    let [from, at, tokens] = [index, index, 0]
    for (const sentence of splitSentences(paragraph)) {
      const size = countTokens(sentence)
      if (tokens > 0 && tokens + size > BLOCK_TOKENS) {
        add(from, at)
        from = at
        tokens = 0
      }
      at += sentence.length
      tokens += size
    }
    add(from, at)
  }
  return passages
}

/** The blocks of a chunk in which all names stand; the first block of the chunk when there is none. */
function blocksWith({ document, from, to }: Place, names: readonly string[]): number[] {
  const wanted = names.map((name) => normaliseForSearch(name))
  const found: number[] = []
  for (let at = from; at <= to; at += 1) if (wanted.every((name) => document.passages[at]?.search.includes(name))) found.push(at)
  return found.length > 0 ? found : [from]
}

function mention({ entities, passages }: Draft, { name, type, description }: LightRagNode, block: number): void {
  entities.set(`${block}\n${name}`, { name, type, description, block, quote: quoteOf(passages[block], [name]) })
}

/** Once for each chunk that says it, so that the weights add up to LightRAG's. */
function relate(place: Place, edge: LightRagEdge, chunks: number, nodes: ReadonlyMap<string, LightRagNode>): void {
  const { source, target, description } = edge
  const [block = place.from] = blocksWith(place, [source, target])
  const ends = [source, target].map((name) => nodes.get(name) ?? { name, type: 'other', description: '', chunkIds: [] })
  for (const end of ends) mention(place.document, end, block)
  const key = `${block}\n${source}\n${target}`
  place.document.relations.set(key, {
    source,
    target,
    keywords: edge.keywords.split(/[,，]|<SEP>/).flatMap((word) => word.trim() || []),
    description,
    weight: (place.document.relations.get(key)?.weight ?? 0) + edge.weight / chunks,
    block,
    quote: quoteOf(place.document.passages[block], [source, target]),
  })
}

/** The first sentence with most of the names, in the document's own words. */
function quoteOf(passage: Passage | undefined, names: readonly string[]): string {
  const wanted = names.map((name) => normaliseForSearch(name))
  let best = { sentence: '', found: 0 }
  for (const sentence of splitSentences(passage?.text ?? '')) {
    const search = normaliseForSearch(sentence)
    const found = wanted.filter((name) => search.includes(name)).length
    if (found > best.found) best = { sentence: sentence.trim(), found }
  }
  return [...best.sentence].slice(0, MAX_QUOTE).join('')
}

function finished({ documentId, filePath, passages, entities, relations }: Draft): LightRagDocument {
  const title =
    filePath
      .split(/[\\/]/)
      .at(-1)
      ?.replace(/\.[A-Za-z0-9]{1,8}$/, '') ?? ''
  const blocks = passages.map(({ text, level }) => (level === undefined ? { text } : { type: 'heading' as const, level, text }))
  const ready: ReadyDocument = {
    format: READY_FORMAT,
    title,
    extractor: 'lightrag',
    blocks,
    entities: [...entities.values()],
    relations: [...relations.values()],
  }
  return { documentId, filePath, ready }
}
