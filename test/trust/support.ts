// Models that can be held at a point and let go, and small questions to the database that several trust tests ask.
import { sql } from 'kysely'
import type { Database } from '../../src/ports/database.ts'
import type { Models } from '../../src/ports/models.ts'
import { testModels } from '../support/engine.ts'

export type HeldModels = {
  models: Models
  /** Resolves when `count` calls have been held. */
  held: (count: number) => Promise<void>
  /** Lets every held call go, and those to come. */
  letGo: () => void
}

/**
 * Embedding waits until it is let go; like every model it ends at once when its signal is aborted, unless it is deaf, as a
 * paused process is. Only the first `calls` are held.
 */
export function heldModels(options: { deaf?: boolean; calls?: number } = {}): HeldModels {
  const plain = testModels()
  const gate = Promise.withResolvers<void>()
  let count = 0
  const watchers: { wanted: number; done: () => void }[] = []
  const embedding: Models['embedding'] = {
    ...plain.embedding,
    embed: async (texts, kind, signal) => {
      count += 1
      for (const watcher of watchers) if (count >= watcher.wanted) watcher.done()
      const aborted = Promise.withResolvers<never>()
      const abort = (): void => aborted.reject(signal.reason as Error)
      if (!options.deaf) signal.addEventListener('abort', abort, { once: true })
      if (count <= (options.calls ?? Infinity)) await Promise.race([gate.promise, aborted.promise])
      signal.removeEventListener('abort', abort)
      return plain.embedding.embed(texts, kind, options.deaf ? new AbortController().signal : signal)
    },
  }
  return {
    models: { ...plain, embedding, embeddingFor: () => embedding },
    held: (wanted) => {
      if (count >= wanted) return Promise.resolve()
      const { promise, resolve } = Promise.withResolvers<void>()
      watchers.push({ wanted, done: resolve })
      return promise
    },
    letGo: () => gate.resolve(),
  }
}

/** Looks again and again until the question is answered with something. */
export async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

export type JobState = { state: string; attempts: number; sealed: boolean; last_error: string | null }

export async function jobOf(database: Database, workspace: string, subject: string): Promise<JobState | undefined> {
  const found = await sql<JobState>`
    select state, attempts, secret is not null as sealed, last_error from jobs
    where workspace_id = ${workspace} and subject = ${subject} order by id desc limit 1`.execute(database.db)
  return found.rows[0]
}

/** Rows of every table that belongs to a workspace, by table; only tables that have any. */
export async function rowsOf(database: Database, workspace: string): Promise<Record<string, number>> {
  const tables = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind in ('r', 'p')
      and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped)
    order by 1`.execute(database.db)
  const found: Record<string, number> = {}
  for (const { name } of tables.rows) {
    // The owner is held by row-level security too, unless it is a superuser as in tests; the scope serves both.
    const rows = await database.db.transaction().execute(async (tx) => {
      await sql`select set_config('insight.scope', ${workspace}, true)`.execute(tx)
      return sql<{ n: number }>`select count(*)::int as n from ${sql.table(name)} where workspace_id = ${workspace}`.execute(tx)
    })
    if ((rows.rows[0]?.n ?? 0) > 0) found[name] = rows.rows[0]?.n ?? 0
  }
  return found
}
