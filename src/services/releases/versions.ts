// Versions beside each other, the pointer that says which is read, and what becomes of those nobody needs.
import { randomUUID } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import type { Database } from '../../ports/database.ts'
import * as chunkStore from '../../store/chunks.ts'
import * as documents from '../../store/documents.ts'
import * as releases from '../../store/releases.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as vectors from '../../store/vectors.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { workspaceRow } from '../ingest/ready.ts'
import type { Moved } from './api.ts'
import { tell } from './events.ts'

/** A version that never was promoted is kept this long, and so many promoted ones beside the live one. */
const KEEP = { days: 7, keep: 5 } as const

type Mover = { caller: string; overrideReason?: string }

/**
 * Makes a version the one that is read, in one transaction: reads that began before finish on the old one.
 *
 * @throws AppError `gate_failed` with the figures when a gate was not passed and no administrator gives a reason.
 */
export async function promote(deps: EngineDeps, workspace: WorkspaceId, kbVersionId: string, by: Mover): Promise<Moved> {
  return moving(deps, workspace, async (tx) => {
    const version = await built(tx, workspace, kbVersionId)
    const live = await releases.liveVersion(tx, workspace)
    if (version.live) return { kb_version_id: kbVersionId, previous_version_id: live?.kb_version_id ?? null, overridden: false }
    const overridden = version.passed !== true
    if (overridden && (version.passed === null || by.overrideReason === undefined)) {
      throw new AppError('gate_failed', undefined, { details: { kb_version_id: kbVersionId, ...version.figures } })
    }
    await move(deps, tx, version, live, { action: 'promote', by, overridden })
    return { kb_version_id: kbVersionId, previous_version_id: live?.kb_version_id ?? null, overridden }
  })
}

/** From the live version to the one before it, or to a named one that was live once. */
export async function rollback(deps: EngineDeps, workspace: WorkspaceId, kbVersionId: string, by: Mover): Promise<Moved> {
  return moving(deps, workspace, async (tx) => {
    const named = await known(tx, workspace, kbVersionId)
    const live = await releases.liveVersion(tx, workspace)
    const targetId = named.live ? await releases.before(tx, workspace, kbVersionId) : kbVersionId
    const target = targetId === null ? undefined : await releases.version(tx, workspace, targetId)
    if (target === undefined || target.promoted_at === null) {
      throw new AppError(
        'conflict',
        named.live
          ? 'No earlier version is kept that could be gone back to.'
          : 'Only a version that was live once can be gone back to; promote this one.',
      )
    }
    await move(deps, tx, target, live, { action: 'rollback', by, overridden: false })
    return { kb_version_id: target.kb_version_id, previous_version_id: live?.kb_version_id ?? null, overridden: false }
  })
}

/** What was handed over badly never became a version: it is not unknown, it waits for a review. */
async function built(tx: ScopedTx, workspace: WorkspaceId, kbVersionId: string): Promise<releases.VersionRow> {
  const version = await releases.version(tx, workspace, kbVersionId)
  const build = version === undefined ? await releases.lastBuild(tx, workspace, kbVersionId) : undefined
  if (build?.state !== 'REVIEW_REQUIRED') return version ?? unknown()
  throw new AppError('gate_failed', 'The build of this version ended in REVIEW_REQUIRED; its report says why.', {
    details: { kb_version_id: kbVersionId, build_id: build.build_id, review_required_items: build.report?.review_required_items ?? [] },
  })
}

async function known(tx: ScopedTx, workspace: WorkspaceId, kbVersionId: string): Promise<releases.VersionRow> {
  return (await releases.version(tx, workspace, kbVersionId)) ?? unknown()
}

function unknown(): never {
  throw new AppError('not_found', 'There is no such version in this knowledge base.')
}

async function moving(deps: EngineDeps, workspace: WorkspaceId, work: (tx: ScopedTx) => Promise<Moved>): Promise<Moved> {
  const moved = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    return work(tx)
  })
  deps.wake('outbox')
  return moved
}

type Step = { action: 'promote' | 'rollback'; by: Mover; overridden: boolean }

async function move(
  deps: EngineDeps,
  tx: ScopedTx,
  to: releases.VersionRow,
  from: releases.VersionRow | undefined,
  { action, by, overridden }: Step,
): Promise<void> {
  const workspace = to.workspace_id
  const overrideReason = overridden ? (by.overrideReason ?? null) : null
  const step = {
    action,
    kbVersionId: to.kb_version_id,
    from: from?.kb_version_id ?? null,
    overrideReason,
    caller: by.caller,
    figures: to.figures,
  }
  const sequence = await releases.move(tx, workspace, step)
  await workspaces.bumpRevision(tx, workspace)
  const build = await releases.build(tx, workspace, to.build_id)
  if (build === undefined) throw new AppError('not_found', 'The build of this version is not kept any more.')
  const { trace_id, correlation_id, build_id } = build
  const source = {
    workspace,
    project_id: build.request.manifest.project_id,
    trace_id,
    correlation_id,
    run_id: randomUUID(),
    job_id: null,
    build_id,
  }
  const payload = { kb_version_id: to.kb_version_id, previous_version_id: step.from, override_reason: overrideReason, figures: to.figures }
  const type = action === 'promote' ? 'kb.rollout.promoted' : 'kb.rollout.rolled_back'
  await tell(deps, tx, source, [{ type, stage: null, key: String(sequence), payload }])
}

/** Chunks and vectors of a version, from the space it was built in. */
export async function dropContent(tx: ScopedTx, version: releases.VersionRow): Promise<void> {
  const { workspace_id: workspace, space_id, dim, file_id } = version
  const { shard } = await workspaceRow(tx, workspace)
  const ids = (await chunkStore.live(tx, workspace, file_id)).map((chunk) => chunk.chunk_id)
  await vectors.remove(tx, workspace, { shard, space_id, dim }, 'chunk', ids)
  await documents.remove(tx, workspace, file_id)
}

export async function dropVersion(
  deps: EngineDeps,
  workspace: WorkspaceId,
  kbVersionId: string,
): Promise<{ kb_version_id: string; deleted: true }> {
  await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    const version = await known(tx, workspace, kbVersionId)
    if (version.live) throw new AppError('conflict', 'The live version cannot be deleted; promote another one first.')
    await dropContent(tx, version)
    await releases.removeVersion(tx, workspace, kbVersionId)
    await workspaces.bumpRevision(tx, workspace)
  })
  return { kb_version_id: kbVersionId, deleted: true }
}

/** Drops builds that nobody promoted in a week and promoted versions beyond the last few; their reports stay. */
export async function collectVersions(
  database: Database,
  workspace: WorkspaceId,
  limits: { days: number; keep: number } = KEEP,
): Promise<string[]> {
  return withScope(database, workspaceScope(workspace), async (tx) => {
    await workspaces.lockForPublish(tx, workspace)
    const gone = await releases.abandoned(tx, workspace, limits)
    for (const version of gone) {
      await dropContent(tx, version)
      await releases.removeVersion(tx, workspace, version.kb_version_id)
    }
    return gone.map((version) => version.kb_version_id)
  })
}
