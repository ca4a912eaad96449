// A planned document as rows: chunks, their terms, and what they say to the graph.
import { setImmediate as breathe } from 'node:timers/promises'
import { indexTerms, tsvectorLiteral } from '../../core/terms.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import type * as chunks from '../../store/chunks.ts'
import type { NewEvidence } from '../graph/evidence.ts'
import type { IngestJob } from './job.ts'
import type { PlannedChunk } from './plan.ts'
import type { Publication } from './publication.ts'

type DocumentChunk = chunks.ChunkRow & { file_id: string }
export type ContentRows = { chunks: DocumentChunk[]; terms: chunks.TermsRow[] }

/** Chunks cut into terms at a time, 2 ms each; the thread serves others in between. */
const CHUNKS_AT_ONCE = 4

export async function contentRows(
  publication: Publication,
  { workspace, fileId }: Pick<IngestJob, 'workspace' | 'fileId'>,
  wanted: (chunk: PlannedChunk) => boolean,
): Promise<ContentRows> {
  const rows: ContentRows = { chunks: [], terms: [] }
  for (const chunk of publication.planned.filter(wanted)) {
    if (rows.chunks.length > 0 && rows.chunks.length % CHUNKS_AT_ONCE === 0) await breathe()
    rows.chunks.push(chunkRow(fileId, chunk, publication))
    rows.terms.push(termsRow(workspace, chunk.chunkId, chunk.embedText))
  }
  return rows
}

export function chunkRow(
  fileId: string,
  chunk: PlannedChunk,
  { collection, metadata }: Pick<Publication, 'collection' | 'metadata'>,
): DocumentChunk {
  return {
    file_id: fileId,
    chunk_id: chunk.chunkId,
    ordinal: chunk.ordinal,
    content: chunk.content,
    header: chunk.header,
    headings: chunk.headings,
    page: chunk.page ?? null,
    page_end: chunk.pageEnd ?? null,
    tokens: chunk.tokens,
    text_hash: chunk.textHash,
    embed_hash: chunk.embedHash,
    extractor: chunk.extractor,
    collection,
    metadata: chunk.metadata ?? metadata,
  }
}

/** @param text header and content. */
export function termsRow(workspace: WorkspaceId, chunkId: string, text: string): chunks.TermsRow {
  const terms = indexTerms(text)
  return {
    chunk_id: chunkId,
    terms: tsvectorLiteral(terms, workspace),
    length: [...terms.values()].reduce((sum, frequency) => sum + frequency, 0),
  }
}

export function newEvidence(publication: Publication, reextract: readonly PlannedChunk[]): NewEvidence[] {
  return reextract.flatMap((chunk): NewEvidence[] => {
    const knowledge = publication.knowledge.get(chunk.chunkId)
    if (knowledge === undefined || chunk.extractor === null) return []
    const rank = chunk.extractor.startsWith('stated-') ? 0 : chunk.extractor.startsWith('builtin') ? 2 : 1
    return [{ chunkId: chunk.chunkId, knowledge, rank, extractor: chunk.extractor }]
  })
}
