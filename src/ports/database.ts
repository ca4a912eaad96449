// One PostgreSQL, real or embedded, behind Kysely. Everything above this seam is the same for both.
import type { Kysely } from 'kysely'

export type Engine = 'postgres' | 'pglite'

export type PoolLoad = { name: string; total: number; idle: number; /** Calls. */ waiting: number }

/** The connections of a process. Statements outside a transaction go to `db`; tenant tables only through `withScope`. */
export type Database = {
  readonly engine: Engine
  readonly db: Kysely<unknown>
  /** For heartbeats and health: never waits for a connection that publishes. The same as `db` on the embedded engine. */
  readonly side: Kysely<unknown>
  /** `halfvec` or `vector`, and its type number in this database; needed to send vectors in binary. */
  readonly vectorType: 'halfvec' | 'vector'
  readonly vectorOid: number
  /** Undefined: the primary answers searches too. */
  readonly replica: Replica | undefined
  readonly searches: Admission
  /** How busy each pool is now. */
  pools(): PoolLoad[]
  close(): Promise<void>
}

/** A streaming replica, which may be behind or away. `store/newest.ts` decides when it answers. */
export type Replica = {
  readonly db: Kysely<unknown>
  /** Searches it answered, and those it did not because it was behind or failed. */
  readonly counts: Readonly<Record<'replica' | 'behind' | 'failed', number>>
  /** False for a while after a failure, and while it is not known to be the primary's replica. */
  usable(): Promise<boolean>
  /** It had everything that the primary had. */
  answered(): void
  behind(): void
  failed(error: unknown): void
  /** Tells whether the primary answers. True when the replica may answer without it: it was seen to be up to date shortly before. */
  primaryAnswers(answers: boolean): boolean
}

/** Lets so many in at once; a tenant with many waiting does not delay the others. */
export type Admission = {
  /** @throws AppError `overloaded` when the wait would be too long, or has been; the signal's reason when the caller went away first. */
  run<T>(tenant: string, signal: AbortSignal, work: () => Promise<T>): Promise<T>
}
