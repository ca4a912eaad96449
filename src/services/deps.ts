// What the use cases are given by the composition root.
import type { Database } from '../ports/database.ts'
import type { FileDownload, JavaBackend } from '../ports/java.ts'
import type { Models, Usage } from '../ports/models.ts'
import type { DocumentParser } from '../ports/parser.ts'

/** Seals what must not lie in the database in clear: JWTs and signed addresses. */
export type Vault = { seal(text: string, context: string): Buffer; open(sealed: Buffer, context: string): string }

/** Structured logging without content: codes, ids, durations. */
export type Log = {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

export type EngineDeps = {
  database: Database
  models: Models
  parser: DocumentParser
  java: JavaBackend | undefined
  download: FileDownload
  vault: Vault
  log: Log
  limits: {
    uploadMaxBytes: number
    /** Tokens of one chunk with its header; the embedding model's limit. */
    chunkMaxTokens: number
    /** Tokens of one text of `/embed`; undefined: what the model reads. */
    embedMaxTokens?: number | undefined
    /** Chunks written in one transaction; a document with more new ones is written behind a curtain before it is published. */
    chunksAtOnce: number
    /** What one workspace may spend on models in a month; undefined: no limit. */
    monthlyBudgetCny?: number | undefined
    /** From a publication to the summaries of what it touched; undefined: at once. */
    summaryDelayMs?: number | undefined
  }
  /** Stage-one API that gives the chunks of courses; undefined: they are handed over with PUT. */
  courseChunksUrl?: string | undefined
  /** Where events of knowledge releases are delivered; undefined: they are only fetched. */
  eventsUrl?: string | undefined
  /** True from the start of the process until its seed material is queued. */
  seeding: { pending: boolean }
  /** Cost of calls in CNY by the catalogue, undefined where it has no price. */
  price?: (model: string, usage: Usage) => number | undefined
  /** What the check at start found wrong with the models and no call has disproved since, in sentences. */
  modelProblems?: () => readonly string[]
  /** Wakes the workers of this process at once instead of at their next poll. */
  wake: (what: 'jobs' | 'outbox') => void
}

/** What a queued document carries in its sealed secret. */
export type JobSecret = { token?: string; signedUrl?: string }
