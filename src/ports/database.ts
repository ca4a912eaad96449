// One PostgreSQL, real or embedded, behind Kysely. Everything above this seam is the same for both.
import type { Kysely } from 'kysely'

export type Engine = 'postgres' | 'pglite'

/** The connections of a process. Statements outside a transaction go to `db`; tenant tables only through `withScope`. */
export type Database = {
  readonly engine: Engine
  readonly db: Kysely<unknown>
  /** For heartbeats and health: never waits for a connection that publishes. The same as `db` on the embedded engine. */
  readonly side: Kysely<unknown>
  /** `halfvec` or `vector`, and its type number in this database; needed to send vectors in binary. */
  readonly vectorType: 'halfvec' | 'vector'
  readonly vectorOid: number
  close(): Promise<void>
}
