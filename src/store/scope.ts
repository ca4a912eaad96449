// The only way to the tables of a tenant: a transaction under the application role with its scope set.
import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Database } from '../ports/database.ts'
import type { WorkspaceScope } from '../core/workspace.ts'

declare const scoped: unique symbol
/** A transaction that sees exactly the workspaces of its scope. Handed out by `withScope`, never stored. */
export type ScopedTx = Kysely<unknown> & { readonly [scoped]: true; readonly scope: WorkspaceScope; readonly database: Database }

export type ScopeOptions = {
  /** One read-only snapshot for all statements; what a search needs. */
  snapshot?: boolean
  /** The longest that one statement may take; without it as long as it needs. The embedded engine cannot be interrupted. */
  timeoutMs?: number
  /** Settings of the database for this transaction alone, names and values of ours. */
  settings?: Readonly<Record<string, string>>
}

/**
 * No wait without an end: for a lock that another transaction holds, and for a transaction whose process has died. Said in every
 * transaction, because a pooler that hands out a connection per transaction knows no settings of a session.
 */
export const boundedWaits = (): RawBuilder<unknown> =>
  sql`set_config('lock_timeout', '60s', true), set_config('idle_in_transaction_session_timeout', '120s', true)`

/**
 * Runs `work` in one transaction as the role that owns nothing, with exactly `scope` visible. Role and scope end with
 * the transaction, so a pooled connection keeps neither.
 */
export function withScope<T>(
  database: Database,
  scope: WorkspaceScope,
  work: (tx: ScopedTx) => Promise<T>,
  options: ScopeOptions = {},
): Promise<T> {
  const builder = options.snapshot
    ? database.db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
    : database.db.transaction()
  return builder.execute(async (tx) => {
    const settings = Object.entries(options.settings ?? {}).map(([name, value]) => sql`set_config(${name}, ${value}, true), `)
    // Statements here are lookups by key; compiling one, when its cost is guessed too high, takes half a second.
    await sql`
      select ${sql.join(settings, sql``)}set_config('insight.scope', ${scope.join(',')}, true), set_config('role', 'insight_app', true), set_config('jit', 'off', true),
        ${boundedWaits()},
        set_config('statement_timeout', coalesce(${options.timeoutMs === undefined ? null : String(options.timeoutMs)}::text, current_setting('statement_timeout')), true)`.execute(
      tx,
    )
    return work(Object.assign(tx, { scope, database }) as unknown as ScopedTx)
  })
}
