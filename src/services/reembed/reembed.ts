// Moves a workspace to another embedding space without downtime: fill beside the one that serves, compare, switch in one transaction.
import { AppError } from '../../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as jobs from '../../store/jobs.ts'
import * as reembed from '../../store/reembed.ts'
import { withScope } from '../../store/scope.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { workspaceRow } from '../ingest/ready.ts'

export const REEMBED = 'reembed'

export type ReembedQuestion = {
  query: string
  /** Of a knowledge base; recall is measured where they are given. */ expected_item_ids?: string[]
}

export type ReembedOptions = {
  /** Compared in both spaces; without them the knowledge base's preview queries, else texts of the workspace itself. */
  questions?: ReembedQuestion[]
  /** Stops after the comparison, until a person promotes or drops the candidate. */
  hold?: boolean
}

export type ReembedStatus = {
  workspace: string
  state: reembed.ReembeddingRow['state']
  done: number
  total: number
  comparison: Record<string, unknown> | null
  error: string | null
}

/**
 * Queues the re-embedding of a workspace with the configured model. A stopped one goes on where it was.
 *
 * @returns `jobId` undefined when the workspace lies in that space already.
 * @throws AppError `not_found` | `already_running`
 */
export async function reembedWorkspace(
  deps: EngineDeps,
  workspace: WorkspaceId,
  options: ReembedOptions = {},
): Promise<{ jobId: string | undefined }> {
  const { model, dim } = deps.models.embedding
  const target = await workspaces.ensureSpace(deps.database.db, model, dim)
  const jobId = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    const row = await workspaceRow(tx, workspace)
    if (row.space_id === target) return undefined
    const job = await jobs.enqueue(tx, workspace, { kind: REEMBED, subject: workspace, payload: {}, secret: undefined })
    if (!job.fresh) throw new AppError('already_running', 'This workspace is being re-embedded already.', { details: { jobId: job.jobId } })
    await reembed.start(tx, workspace, { jobId: job.jobId, from: row.space_id, to: target, options })
    return job.jobId
  })
  if (jobId !== undefined) deps.wake('jobs')
  return { jobId }
}

/** What became of the last re-embedding; undefined when there never was one. */
export async function reembedStatus(deps: EngineDeps, workspace: WorkspaceId): Promise<ReembedStatus | undefined> {
  const row = await withScope(deps.database, workspaceScope(workspace), (tx) => reembed.get(tx, workspace))
  if (row === undefined) return undefined
  const { state, done, total, comparison, error } = row
  return { workspace, state, done, total, comparison, error }
}

/** Switches to a held candidate, after filling what came meanwhile. */
export async function promoteCandidate(deps: EngineDeps, workspace: WorkspaceId): Promise<{ jobId: string }> {
  const jobId = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    const held = await reembed.get(tx, workspace)
    if (held?.state !== 'held') throw new AppError('conflict', 'No compared candidate of this workspace is waiting.')
    const job = await jobs.enqueue(tx, workspace, { kind: REEMBED, subject: workspace, payload: {}, secret: undefined })
    await reembed.start(tx, workspace, {
      jobId: job.jobId,
      from: held.from_space_id,
      to: held.space_id,
      options: { ...held.options, hold: false },
    })
    return job.jobId
  })
  deps.wake('jobs')
  return { jobId }
}

/** Drops a held, failed or running candidate; the space that serves is not touched. */
export async function dropCandidate(deps: EngineDeps, workspace: WorkspaceId): Promise<void> {
  await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    const candidate = await reembed.get(tx, workspace)
    const row = await workspaceRow(tx, workspace)
    if (candidate === undefined || candidate.space_id === row.space_id)
      throw new AppError('conflict', 'This workspace has no candidate space.')
    await jobs.cancel(tx, workspace, REEMBED, workspace)
    await reembed.dropSpace(tx, workspace, {
      shard: row.shard,
      space_id: candidate.space_id,
      dim: await reembed.dimOf(tx, candidate.space_id),
    })
    await reembed.settle(tx, workspace, { state: 'dropped' })
  })
}
