// A library for measuring: chunks of made-up Chinese with a natural spread of words, vectors around topics, and a graph with hubs.
// Rows are written straight into the tables, as publishing would leave them; folding them one document at a time would take hours.
import { sql } from 'kysely'
import { seededRandom } from '../src/core/evaluation.ts'
import { fact } from '../src/core/knowledge.ts'
import { entityId, orderedPair, relationId } from '../src/core/names.ts'
import { indexTerms, tsvectorLiteral } from '../src/core/terms.ts'
import { type WorkspaceId, workspaceScope } from '../src/core/workspace.ts'
import type { Database } from '../src/ports/database.ts'
import { type ScopedTx, withScope } from '../src/store/scope.ts'
import { attachOwn, pointTo } from '../src/store/tiers.ts'
import * as vectors from '../src/store/vectors.ts'
import * as workspaces from '../src/store/workspaces.ts'

export type LibrarySize = { chunks: number; entities: number; relations: number }

/** A whole number of documents. */
const BATCH = 2000
const CHUNKS_PER_DOCUMENT = 20

export class Library {
  readonly #random: () => number
  readonly #words: string[]
  readonly #topics: Float32Array[]
  /** The ways in which texts on one topic differ. Embeddings of text have a few dozen, whatever their dimension. */
  readonly #ways: Float32Array[]
  readonly dim: number

  constructor(seed: number, dim: number) {
    this.#random = seededRandom(seed)
    this.dim = dim
    // 20,000 words of two to four of the 3,000 commonest characters.
    const character = (): string => String.fromCodePoint(0x4e00 + Math.floor(this.#random() * 3000))
    this.#words = Array.from({ length: 20_000 }, () => Array.from({ length: 2 + Math.floor(this.#random() * 3) }, character).join(''))
    const direction = (): Float32Array => Float32Array.from({ length: dim }, () => this.#random() - 0.5)
    this.#topics = Array.from({ length: 200 }, direction)
    this.#ways = Array.from({ length: 24 }, direction)
  }

  /** Zipf's law: the n-th word is about n times rarer than the first. */
  word(): string {
    return this.#words[Math.floor(this.#words.length ** this.#random()) - 1] ?? ''
  }

  sentence(words: number): string {
    return `${Array.from({ length: words }, () => this.word()).join('')}。`
  }

  question(): string {
    // People ask with words that mean something: none of the fifty commonest.
    const word = (): string => this.#words[50 + Math.floor((this.#words.length - 50) ** this.#random()) - 1] ?? ''
    return Array.from({ length: 3 }, word).join('')
  }

  vector(): Float32Array {
    const vector = Float32Array.from(this.#topics[Math.floor(this.#random() * this.#topics.length)] ?? [])
    for (const way of this.#ways) {
      // About normal: the sum of three uniform numbers.
      const far = (this.#random() + this.#random() + this.#random() - 1.5) * 0.7
      for (let index = 0; index < this.dim; index += 1) vector[index] = (vector[index] ?? 0) + far * (way[index] ?? 0)
    }
    for (let index = 0; index < this.dim; index += 1) vector[index] = (vector[index] ?? 0) + (this.#random() - 0.5) * 0.3
    return vector
  }

  /** Skewed towards the small numbers: hubs. */
  skewed(count: number): number {
    return Math.floor(count * this.#random() ** 3)
  }
}

/** Gives a library that will be large its own partitions before it is written, so that nothing is copied; the index comes when all is there. */
export async function moveEmpty(database: Database, workspace: WorkspaceId, spaceId: number, dim: number): Promise<void> {
  await withScope(database, workspaceScope(workspace), (tx) => workspaces.ensure(tx, workspace, spaceId))
  for (const kind of vectors.VECTOR_KINDS) await attachOwn(database, workspace, kind, dim)
  await withScope(database, workspaceScope(workspace), (tx) => pointTo(tx, workspace, workspace))
}

/** Fills one workspace; vectors go where it lives, so that a large one is best moved while it is empty. */
export async function fillLibrary(
  database: Database,
  workspace: WorkspaceId,
  spaceId: number,
  size: LibrarySize,
  library: Library,
): Promise<void> {
  const scope = workspaceScope(workspace)
  await withScope(database, scope, (tx) => workspaces.ensure(tx, workspace, spaceId))
  // The rows are written to the shard that the workspace names.
  const home = { shard: 'small', space_id: spaceId, dim: library.dim }
  const inBatches = async (count: number, work: (tx: ScopedTx, from: number, to: number) => Promise<void>): Promise<void> => {
    for (let from = 0; from < count; from += BATCH) await withScope(database, scope, (tx) => work(tx, from, Math.min(count, from + BATCH)))
  }
  const names = Array.from({ length: size.entities }, (_unused, index) => `${library.word()}${index}`)
  const ids = names.map(entityId)
  const mentioned = Array.from({ length: size.chunks }, () => [...new Set(Array.from({ length: 6 }, () => library.skewed(size.entities)))])
  await inBatches(size.chunks, (tx, from, to) => writeChunks(tx, workspace, library, home, from, to))
  await writeGraph(inBatches, workspace, size, library, home, { names, ids, mentioned })
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_unused, index) => from + index)
const chunkId = (index: number): string => `c${String(index).padStart(7, '0')}`

async function writeChunks(
  tx: ScopedTx,
  workspace: WorkspaceId,
  library: Library,
  home: vectors.VectorHome,
  from: number,
  to: number,
): Promise<void> {
  const rows = range(from, to).map((index) => {
    const content = library.sentence(60 + Math.floor(index % 60))
    const terms = indexTerms(content)
    const document = Math.floor(index / CHUNKS_PER_DOCUMENT)
    return {
      chunk_id: chunkId(index),
      file_id: `d${document}`,
      ordinal: index % CHUNKS_PER_DOCUMENT,
      content,
      // By which one document in 2, 10, 100 and 1,000 can be asked for.
      metadata: { half: document % 2, tenth: document % 10, hundredth: document % 100, thousandth: document % 1000 },
      terms: tsvectorLiteral(terms, workspace),
      length: [...terms.values()].reduce((sum, count) => sum + count, 0),
    }
  })
  const body = JSON.stringify(rows)
  await sql`
    insert into documents (workspace_id, file_id, file_name, job_id, parse_status, live_name, live_collection, live_metadata, chunk_count)
    select ${workspace}, file_id, file_id || '.txt', gen_random_uuid(), 'completed', file_id || '.txt', 'default', min(metadata::text)::jsonb, count(*)
    from jsonb_to_recordset(${body}::jsonb) as r(file_id text, metadata jsonb) group by file_id`.execute(tx)
  await sql`
    insert into chunks (workspace_id, chunk_id, file_id, ordinal, content, header, headings, tokens, text_hash, embed_hash, collection, metadata)
    select ${workspace}, chunk_id, file_id, ordinal, content, file_id, '{}', 300, chunk_id, chunk_id, 'default', metadata
    from jsonb_to_recordset(${body}::jsonb) as r(chunk_id text, file_id text, ordinal int, content text, metadata jsonb)`.execute(tx)
  await sql`
    insert into chunk_terms (workspace_id, chunk_id, length, terms)
    select ${workspace}, id, length, terms::tsvector
    from unnest(${rows.map((row) => row.chunk_id)}::text[], ${rows.map((row) => row.length)}::int[], ${rows.map((row) => row.terms)}::text[]) as r(id, length, terms)`.execute(
    tx,
  )
  await vectors.upsert(tx, workspace, home, 'chunk', new Map(rows.map((row) => [row.chunk_id, library.vector()])))
}

type Graph = { names: string[]; ids: string[]; mentioned: number[][] }
type InBatches = (count: number, work: (tx: ScopedTx, from: number, to: number) => Promise<void>) => Promise<void>

async function writeGraph(
  inBatches: InBatches,
  workspace: WorkspaceId,
  size: LibrarySize,
  library: Library,
  home: vectors.VectorHome,
  { names, ids, mentioned }: Graph,
): Promise<void> {
  const mentions = new Int32Array(size.entities)
  for (const entities of mentioned) for (const entity of entities) mentions[entity] = (mentions[entity] ?? 0) + 1
  const relations = new Map<string, { a: number; b: number; chunk: number }>()
  while (relations.size < size.relations) {
    const chunk = Math.floor(library.skewed(size.chunks * 2) % size.chunks)
    const [one, two] = [mentioned[chunk]?.[relations.size % 3], library.skewed(size.entities)]
    if (one === undefined || one === two) continue
    relations.set(relationId(names[one] ?? '', names[two] ?? ''), { a: one, b: two, chunk })
  }
  const degree = new Int32Array(size.entities)
  for (const { a, b } of relations.values()) for (const end of [a, b]) degree[end] = (degree[end] ?? 0) + 1
  await inBatches(size.entities, async (tx, from, to) => {
    const rows = range(from, to).map((index) => ({
      entity_id: ids[index],
      key: names[index],
      mentions: mentions[index],
      degree: degree[index],
    }))
    await sql`
      insert into entities (workspace_id, entity_id, key, name, type, description, aliases, mentions, degree)
      select ${workspace}, entity_id, key, key, 'concept', key, '{}', mentions, degree
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(entity_id text, key text, mentions int, degree int)`.execute(tx)
    await vectors.upsert(tx, workspace, home, 'entity', new Map(range(from, to).map((index) => [ids[index] ?? '', library.vector()])))
  })
  await inBatches(size.chunks, async (tx, from, to) => {
    const rows = range(from, to).flatMap((index) =>
      (mentioned[index] ?? []).map((entity) => ({ chunk_id: chunkId(index), key: names[entity], entity_id: ids[entity] })),
    )
    await sql`
      insert into entity_mentions (workspace_id, chunk_id, key, entity_id, name, type, description, quote, rank, extractor)
      select ${workspace}, chunk_id, key, entity_id, key, 'concept', key, key, 1, 'bench'
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as r(chunk_id text, key text, entity_id text)`.execute(tx)
  })
  const entries = [...relations]
  await inBatches(entries.length, (tx, from, to) => writeRelations(tx, workspace, library, home, entries.slice(from, to), { names, ids }))
}

async function writeRelations(
  tx: ScopedTx,
  workspace: WorkspaceId,
  library: Library,
  home: vectors.VectorHome,
  entries: readonly [string, { a: number; b: number; chunk: number }][],
  { names, ids }: Pick<Graph, 'names' | 'ids'>,
): Promise<void> {
  const rows = entries.map(([id, { a, b, chunk }]) => {
    const [source, target] = [names[a] ?? '', names[b] ?? '']
    const [first, second] = orderedPair(ids[a] ?? '', ids[b] ?? '')
    return {
      relation_id: id,
      a_id: first,
      b_id: second,
      source,
      target,
      chunk_id: chunkId(chunk),
      fact_id: fact(source, ['related'], target).factId,
    }
  })
  const body = JSON.stringify(rows)
  await sql`
    insert into relations (workspace_id, relation_id, a_id, b_id, forward, keywords, description, weight, mentions)
    select ${workspace}, relation_id, a_id, b_id, true, '{related}', source || target, 1, 1
    from jsonb_to_recordset(${body}::jsonb) as r(relation_id text, a_id text, b_id text, source text, target text)`.execute(tx)
  await sql`
    insert into relation_mentions (workspace_id, chunk_id, source_key, target_key, relation_id, fact_id, forward, keywords, description, quote, weight, rank, extractor)
    select ${workspace}, chunk_id, source, target, relation_id, fact_id, true, '{related}', '', '', 1, 1, 'bench'
    from jsonb_to_recordset(${body}::jsonb) as r(relation_id text, source text, target text, chunk_id text, fact_id text)
    on conflict do nothing`.execute(tx)
  await vectors.upsert(tx, workspace, home, 'relation', new Map(rows.map((row) => [row.fact_id, library.vector()])))
}
