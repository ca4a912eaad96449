// Summaries of what many passages say about one thing: a job of the workspace, some time after its documents, so that what comes in a
// burst is read together. Never on the path of a document: until there is a summary, readers see the folded description.
import { createHash } from 'node:crypto'
import pLimit from 'p-limit'
import { needsSummary } from '../core/fold.ts'
import { AppError } from '../core/errors.ts'
import { cleanText } from '../core/text.ts'
import { workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import type { Summariser } from '../ports/models.ts'
import * as jobs from '../store/jobs.ts'
import { withScope, type ScopedTx } from '../store/scope.ts'
import * as summaries from '../store/summaries.ts'
import * as workspaces from '../store/workspaces.ts'
import { requireBudget } from './budget.ts'
import type { EngineDeps } from './deps.ts'

export const SUMMARISE = 'summarise'

const KINDS = ['entity', 'relation'] as const
const BATCH = 16
const PARALLEL = 4
/** Longer than any summary that was asked for; a model that runs on is cut. */
const MAX_CHARACTERS = 6000

/** Folds that a change of evidence touched. */
export type Folded = { readonly entityIds: ReadonlySet<string>; readonly relationIds: ReadonlySet<string> }

/** Queues the job in the caller's transaction when a fold it touched has outgrown its thresholds. Without a language model nothing happens. */
export async function requestSummaries(deps: EngineDeps, tx: ScopedTx, workspace: WorkspaceId, folded: Folded): Promise<void> {
  if (deps.models.summariserFor({}) === undefined) return
  const entities = await summaries.outgrown(tx, workspace, 'entity', { limit: 1, among: [...folded.entityIds] })
  const relations = await summaries.outgrown(tx, workspace, 'relation', { limit: 1, among: [...folded.relationIds] })
  if (entities.length + relations.length === 0) return
  const delayMs = deps.limits.summaryDelayMs ?? 0
  await jobs.enqueue(tx, workspace, { kind: SUMMARISE, subject: 'graph', payload: {}, secret: undefined, delayMs })
}

type Task = { workspace: WorkspaceId; summariser: Summariser; signal: AbortSignal }
type Fold = summaries.Outgrown & { kind: summaries.Summarised }

/** Works until nothing is outgrown. @throws AppError `budget_exhausted`, upon which the job waits. */
export async function runSummaries(deps: EngineDeps, row: jobs.JobRow, signal: AbortSignal): Promise<void> {
  const workspace = row.workspace_id
  const [home] = await workspaces.inScope(deps.database.db, [workspace])
  const summariser = deps.models.summariserFor(home?.settings.profile ?? {})
  const tried: Record<summaries.Summarised, string[]> = { entity: [], relation: [] }
  const open = async (tx: ScopedTx): Promise<Fold[]> => {
    const found: Fold[] = []
    if (summariser === undefined) return found
    for (const kind of KINDS) {
      const folds = await summaries.outgrown(tx, workspace, kind, { limit: BATCH, without: tried[kind] })
      found.push(...folds.map((fold) => ({ ...fold, kind })))
    }
    return found
  }
  const limit = pLimit(PARALLEL)
  for (;;) {
    signal.throwIfAborted()
    const folds = await withScope(deps.database, workspaceScope(workspace), open)
    for (const { kind, id } of folds) tried[kind].push(id)
    if (folds.length > 0 && summariser !== undefined) {
      const stop = new AbortController()
      const task = { workspace, summariser, signal: AbortSignal.any([signal, stop.signal]) }
      const started = folds.map((fold) => limit(() => summarise(deps, task, fold)))
      try {
        await Promise.all(started)
      } finally {
        stop.abort(new Error('another summary failed'))
        await Promise.allSettled(started)
      }
      continue
    }
    const ended = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
      // What is published from here on finds no running job and queues its own.
      await workspaces.lockForPublish(tx, workspace)
      return (await open(tx)).length > 0 ? false : (await jobs.finish(tx, row), true)
    })
    if (ended) return
  }
}

export async function giveUpSummaries(deps: EngineDeps, row: jobs.JobRow, error: AppError): Promise<void> {
  await jobs.failForGood(deps.database.db, row, `${error.code}: ${error.message}`)
}

async function summarise(deps: EngineDeps, { workspace, summariser, signal }: Task, fold: Fold): Promise<void> {
  signal.throwIfAborted()
  const scope = workspaceScope(workspace)
  const read = await withScope(deps.database, scope, (tx) => summaries.mentionsOf(tx, workspace, fold.kind, fold.id))
  const mentionsHash = hashOf(summariser, read)
  const descriptions = [...new Set(read.map((mention) => mention.description))].filter((text) => text !== '')
  const isKnown = mentionsHash === fold.mentions_hash
  const summary = isKnown || !needsSummary(descriptions) ? null : await write(deps, { workspace, summariser, signal }, fold, descriptions)
  await withScope(deps.database, scope, async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    if (isKnown) return summaries.confirm(tx, workspace, fold.kind, fold.id, fold.mentions)
    const [wanted] = await summaries.outgrown(tx, workspace, fold.kind, { limit: 1, among: [fold.id] })
    // Nothing that was read has gone while the model wrote; what came meanwhile is read the next time.
    if (wanted === undefined || !(await summaries.allThere(tx, workspace, fold.kind, fold.id, read))) return
    await summaries.save(tx, workspace, fold.kind, { id: fold.id, mentionsHash, mentions: fold.mentions, summary })
    if (summary !== null) await workspaces.bumpRevision(tx, workspace)
  })
}

/** Null when the provider refuses this very text: others must not suffer for it, and it is not asked about again. */
async function write(
  deps: EngineDeps,
  { workspace, summariser, signal }: Task,
  fold: Fold,
  descriptions: readonly string[],
): Promise<string | null> {
  await requireBudget(deps, workspace)
  try {
    const { text } = await summariser.summarise(fold.name, descriptions, signal)
    return cleanText(text).trim().slice(0, MAX_CHARACTERS) || null
  } catch (error) {
    const reason = error instanceof AppError ? error.details?.['reason'] : undefined
    if (reason === 'content_filter' || reason === 'too_long') return null
    throw error
  }
}

const hashOf = (summariser: Summariser, read: readonly summaries.ReadMention[]): string =>
  createHash('sha256')
    .update(JSON.stringify([summariser.id, ...read.map((mention) => JSON.stringify(mention)).toSorted()]))
    .digest('hex')
