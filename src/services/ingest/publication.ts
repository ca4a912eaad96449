// What is published of one document, and why a publication may not happen.
import type { ParsedDocument } from '../../core/blocks.ts'
import type { ChunkKnowledge } from '../../core/knowledge.ts'
import type * as documents from '../../store/documents.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { PlannedChunk } from './plan.ts'
import type { Home } from './think.ts'

export type Publication = {
  parsed: ParsedDocument
  planned: readonly PlannedChunk[]
  knowledge: ReadonlyMap<string, ChunkKnowledge>
  /** Unit vectors by the hash of the embedded text: chunks, names and facts. */
  vectorsByHash: ReadonlyMap<string, Float32Array>
  home: Home
  collection: string
  metadata: Record<string, unknown>
  live: Omit<documents.LiveVersion, 'fileId' | 'jobId'>
  /** What else becomes true at the same instant. */
  within?: (tx: ScopedTx) => Promise<void>
  /** The job goes on after this publication; only its lease is checked. */
  keepsJob?: boolean
  /** The vectors lie in a space of their own, not in the workspace's. */
  ownSpace?: boolean
  /** Writes the vectors of unchanged chunks too. */
  rewriteVectors?: boolean
  /** What was written ahead, behind a curtain. */
  staged?: Staged
}

export type Staged = {
  version: number
  /** Chunks that are written with everything they say. */
  chunkIds: ReadonlySet<string>
  /** The first block that is written. */
  blocksFrom: number
  /** Where names led when mentions were written. */
  leads: ReadonlyMap<string, string>
}

/** The lease was lost or the document deleted: nothing was written. */
export class Superseded extends Error {}

/** Texts whose vectors vanished between thinking and publishing, because another document let go of them. */
export class VectorsMissing extends Error {
  readonly texts: string[]

  constructor(texts: string[]) {
    super('vectors are missing')
    this.texts = texts
  }
}
