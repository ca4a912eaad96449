// The pipe in, in one straight line: fetch → parse → see → chunk → extract → embed → publish. Slow work first and stored as it
// arrives; one transaction at the end.
import type { ParsedDocument } from '../../core/blocks.ts'
import { AppError } from '../../core/errors.ts'
import type { ChunkKnowledge } from '../../core/knowledge.ts'
import { entityId } from '../../core/names.ts'
import { workspaceScope } from '../../core/workspace.ts'
import type { Extractor } from '../../ports/models.ts'
import * as chunks from '../../store/chunks.ts'
import * as documents from '../../store/documents.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as readings from '../../store/readings.ts'
import * as vectors from '../../store/vectors.ts'
import type { EngineDeps } from '../deps.ts'
import { step } from '../steps.ts'
import { fetchFile, type FetchedFile } from './fetch.ts'
import { begin, progressOf, type IngestJob } from './job.ts'
import {
  CHUNKING_VERSION,
  diffChunks,
  EXPLAINED_VERSION,
  OCR_VERSION,
  PARSER_VERSION,
  planChunks,
  sha256,
  type PlannedChunk,
} from './plan.ts'
import { type Publication, Superseded, VectorsMissing } from './publication.ts'
import { publish, publishUnchanged } from './publish.ts'
import { homeFor, workspaceRow } from './ready.ts'
import { seePictures, seerOf } from './see.ts'
import { embedTexts, extractKnowledge, type Home } from './think.ts'

/** Another document may let go of a name between thinking and publishing; more often than this is a bug. */
const MAX_PUBLISH_TRIES = 5

/** Runs one ingest job to its end. Throws what made it fail; the worker decides about another try. */
export async function runIngest(deps: EngineDeps, job: IngestJob): Promise<void> {
  const { document, row } = await begin(deps, job, async (tx) => ({
    document: await current(tx, job),
    row: await workspaceRow(tx, job.workspace),
  }))
  const home = homeFor(deps, job.workspace, row)
  const extractor = deps.models.extractorFor(row.settings.profile ?? {})
  const timings: Record<string, number> = {}
  const timed = async <T>(stage: string, work: () => Promise<T>): Promise<T> => {
    const started = performance.now()
    const result = await step('stage', stage, work)
    timings[stage] = Math.round(performance.now() - started)
    return result
  }
  const progress = progressOf(deps, job)
  const file = await timed('fetch', () => fetchFile(deps, job, document.file_name))
  const recipe = recipeOf(deps, job, home, extractor, file.declaredType)
  const models = { embed: home.model.model, ...(extractor ? { extract: extractor.id } : {}) }
  const { unchanged, before, readBefore } = await compare(deps, job, file, recipe)
  if (unchanged) {
    const live = await liveFacts(deps, job)
    return publishUnchanged(deps, job, { ...live, fileId: job.fileId, jobId: job.row.job_id, sha256: file.sha256, recipe, timings, models })
  }
  await progress('parsing', 0.1)
  const read = await timed('parse', () => parse(deps, job, file, readBefore))
  const { parsed, ...seen } = await timed('see', () => seePictures(deps, job, read, (share) => progress('describing', 0.15 + share * 0.1)))
  const planned = await planChunks(job.workspace, job.fileId, parsed, {
    maxTokens: deps.limits.chunkMaxTokens,
    extractor: extractor?.id ?? null,
  })
  if (planned.length === 0) throw seen.failure ?? new AppError('unprocessable_document', 'The document is empty: it holds no text.')
  const diff = diffChunks(before, planned)
  await progress('extracting', 0.25)
  const { knowledge, truncated } = await timed('extract', () =>
    extractKnowledge(deps, job, extractor, diff.reextract, (share) => progress('extracting', 0.25 + share * 0.4)),
  )
  await progress('embedding', 0.65)
  const { texts, attemptNow } = await textsToEmbed(deps, job, home, diff.revector, knowledge)
  const vectorsByHash = await timed('embed', () => embedTexts(deps, job, home, texts, (share) => progress('embedding', 0.65 + share * 0.3)))
  const live = {
    title: parsed.title,
    mediaType: parsed.mediaType,
    sha256: file.sha256,
    // What lacks a description, or was cut short, is not unchanged when it is sent again: the model may do better by then.
    recipe: `${recipe}${seen.failure === undefined ? '' : '-unseen'}${truncated.size === 0 ? '' : '-truncated'}`,
    warnings: parsed.warnings,
    timings,
    models: seen.described === 0 || deps.models.vision === undefined ? models : { ...models, vision: deps.models.vision.model },
  }
  const marked = planned.map((chunk) => (truncated.has(chunk.chunkId) ? { ...chunk, extractor: `${chunk.extractor}!truncated` } : chunk))
  const publication = { parsed, planned: marked, knowledge, home, collection: attemptNow.collection, metadata: attemptNow.metadata, live }
  await step('stage', 'publish', () => publishWithVectors(deps, job, { ...publication, vectorsByHash }))
}

async function publishWithVectors(
  deps: EngineDeps,
  job: IngestJob,
  publication: Publication & { vectorsByHash: Map<string, Float32Array> },
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      job.signal.throwIfAborted()
      return await publish(deps, job, publication)
    } catch (error) {
      if (!(error instanceof VectorsMissing) || tries === MAX_PUBLISH_TRIES) throw error
      const made = await embedTexts(deps, job, publication.home, error.texts, async () => undefined)
      for (const [hash, vector] of made) publication.vectorsByHash.set(hash, vector)
    }
  }
}

async function current(tx: ScopedTx, job: IngestJob): Promise<documents.DocumentRow> {
  const row = await documents.get(tx, job.workspace, job.fileId)
  if (row?.job_id !== job.row.job_id) throw new Superseded()
  return row
}

function recipeOf(
  deps: EngineDeps,
  job: IngestJob,
  home: Home,
  extractor: Extractor | undefined,
  declaredType: string | undefined,
): string {
  const parts = [PARSER_VERSION, CHUNKING_VERSION, EXPLAINED_VERSION, deps.limits.chunkMaxTokens, job.payload.options, declaredType ?? null]
  return sha256(JSON.stringify([...parts, extractor?.id ?? null, home.model.model, home.dim, seerOf(deps.models.vision)]))
}

type Before = { unchanged: boolean; before: chunks.LiveChunk[]; readBefore: Map<string, unknown> }

/**
 * Same bytes, same options, same models, same description by the caller; the chunks that are live, for what they need not be asked again;
 * and the pages that OCR has read in an earlier try.
 */
function compare(deps: EngineDeps, job: IngestJob, file: FetchedFile, recipe: string): Promise<Before> {
  return withScope(deps.database, workspaceScope(job.workspace), async (tx) => {
    const document = await current(tx, job)
    const unchanged = document.content_sha256 === file.sha256 && document.recipe === recipe && document.described
    if (unchanged) return { unchanged, before: [], readBefore: new Map() }
    return {
      unchanged,
      before: await chunks.live(tx, job.workspace, job.fileId),
      readBefore: await readings.known(tx, job.workspace, readingSource(job, file)),
    }
  })
}

const readingSource = (job: IngestJob, file: FetchedFile): readings.Source => ({
  fileId: job.fileId,
  sha256: file.sha256,
  reader: OCR_VERSION,
})

async function liveFacts(deps: EngineDeps, job: IngestJob): Promise<{ title: string; mediaType: string; warnings: string[] }> {
  return withScope(deps.database, workspaceScope(job.workspace), (tx) => documents.liveFacts(tx, job.workspace, job.fileId))
}

/** Pages that OCR read are stored as they come, however the parsing ends: the next try goes on after them. */
async function parse(deps: EngineDeps, job: IngestJob, file: FetchedFile, known: ReadonlyMap<string, unknown>): Promise<ParsedDocument> {
  const { options } = job.payload
  const picturesAreRead = deps.models.vision !== undefined && options.processImages
  const source = readingSource(job, file)
  const kept: Promise<unknown>[] = []
  const keep = (part: string, reading: unknown): void => {
    const storing = withScope(deps.database, workspaceScope(job.workspace), (tx) =>
      readings.stage(tx, job.workspace, source, part, reading),
    )
    // A page that could not be stored is only read again.
    kept.push(storing.catch(() => undefined))
  }
  const input = { bytes: file.bytes, fileName: file.fileName, options, picturesAreRead, readings: { known, keep } }
  try {
    return await deps.parser.parse(file.declaredType === undefined ? input : { ...input, declaredType: file.declaredType }, job.signal)
  } finally {
    await Promise.all(kept)
  }
}

/** Chunk texts, and the names and facts that no live document has embedded yet; with the attempt as the caller describes it now. */
async function textsToEmbed(
  deps: EngineDeps,
  job: IngestJob,
  home: Home,
  revector: readonly PlannedChunk[],
  knowledge: ReadonlyMap<string, ChunkKnowledge>,
): Promise<{ texts: string[]; attemptNow: documents.DocumentRow }> {
  const names = new Map<string, string>()
  const facts = new Map<string, string>()
  for (const { entities, relations, aliases } of knowledge.values()) {
    for (const key of [...entities.map((entity) => entity.key), ...aliases.flatMap((alias) => [alias.key, alias.aliasKey])])
      names.set(entityId(key), key)
    for (const relation of relations) facts.set(relation.factId, relation.factText)
  }
  const [attemptNow, haveNames, haveFacts] = await withScope(deps.database, workspaceScope(job.workspace), async (tx) => [
    await current(tx, job),
    await vectors.present(tx, job.workspace, home, 'entity', [...names.keys()]),
    await vectors.present(tx, job.workspace, home, 'relation', [...facts.keys()]),
  ])
  const open = (map: Map<string, string>, have: Set<string>): string[] => [...map].filter(([id]) => !have.has(id)).map(([, text]) => text)
  return {
    attemptNow,
    texts: [...new Set([...revector.map((chunk) => chunk.embedText), ...open(names, haveNames), ...open(facts, haveFacts)])],
  }
}
