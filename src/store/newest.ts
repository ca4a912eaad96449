// Where a search reads: on the replica when that has everything the primary had when the search began, else on the primary. So whoever
// was told that a document is published finds it, and a replica that lags costs nothing but its use.
import { AppError } from '../core/errors.ts'
import type { WorkspaceScope } from '../core/workspace.ts'
import type { Database } from '../ports/database.ts'
import { type ScopedTx, type ScopeOptions, withScope } from './scope.ts'
import { inScope, type WorkspaceRow } from './workspaces.ts'

export type Newest = {
  workspaces: WorkspaceRow[]
  /** False: the primary does not answer and the replica was asked, so the last changes may be missing. */
  certain: boolean
}

/**
 * The workspaces as the primary has them, with their revisions.
 *
 * @throws whatever the primary threw, when there is no replica that was up to date shortly before.
 */
export async function newest(database: Database, scope: WorkspaceScope): Promise<Newest> {
  const { replica } = database
  if (replica === undefined) return { workspaces: await inScope(database.db, scope), certain: true }
  try {
    const workspaces = await inScope(database.db, scope)
    replica.primaryAnswers(true)
    return { workspaces, certain: true }
  } catch (error) {
    if (!replica.primaryAnswers(false) || !(await replica.usable())) throw error
    return { workspaces: await inScope(replica.db, scope), certain: false }
  }
}

export type SearchOptions = Omit<ScopeOptions, 'snapshot'> & { signal: AbortSignal }

/**
 * One read-only snapshot that has at least what `known` says; `work` may run twice when the replica fails in the middle.
 *
 * @throws AppError `overloaded` when too many searches wait already.
 */
export function withNewest<T>(
  database: Database,
  scope: WorkspaceScope,
  known: Newest,
  work: (tx: ScopedTx) => Promise<T>,
  { signal, ...options }: SearchOptions,
): Promise<T> {
  return database.searches.run(scope[0], signal, () => readNewest(database, scope, known, work, options))
}

async function readNewest<T>(
  database: Database,
  scope: WorkspaceScope,
  { workspaces, certain }: Newest,
  work: (tx: ScopedTx) => Promise<T>,
  options: Omit<ScopeOptions, 'snapshot'>,
): Promise<T> {
  const { replica } = database
  if (replica === undefined || !(await replica.usable())) return withScope(database, scope, work, { ...options, snapshot: true })
  const read = async (tx: ScopedTx): Promise<{ value: T } | undefined> =>
    isSame(workspaces, await inScope(tx, scope)) ? { value: await work(tx) } : undefined
  try {
    const found = await withScope({ ...database, db: replica.db }, scope, read, { ...options, snapshot: true })
    if (found !== undefined) {
      if (certain) replica.answered()
      return found.value
    }
    replica.behind()
  } catch (error) {
    if (error instanceof AppError) throw error
    replica.failed(error)
  }
  return withScope(database, scope, work, { ...options, snapshot: true })
}

/** By the row's version: one that was deleted and made again, or restored, may count the same revisions. */
function isSame(known: readonly WorkspaceRow[], found: readonly WorkspaceRow[]): boolean {
  return (
    known.length === found.length && known.every((row, at) => row.workspace_id === found[at]?.workspace_id && row.stamp === found[at].stamp)
  )
}
