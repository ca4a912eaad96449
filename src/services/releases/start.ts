// Starts builds: one at a time in a knowledge base, everything a resumed build needs kept beside its job.
import { randomUUID } from 'node:crypto'
import { AppError } from '../../core/errors.ts'
import type { ReleaseRequest } from '../../core/release-request.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as documents from '../../store/documents.ts'
import * as jobs from '../../store/jobs.ts'
import * as releases from '../../store/releases.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import type { BuildAccepted, Proposal, Traced } from './api.ts'

export const RELEASE_BUILD = 'kb-build'
/** All builds of a knowledge base have one subject, so that only one is queued or running. */
const SUBJECT = 'build'

/** A build is one document of its workspace, in the collection of its version. */
export const fileOf = (buildId: string): string => `release:${buildId}`

export async function startBuild(
  deps: EngineDeps,
  workspace: WorkspaceId,
  request: ReleaseRequest,
  traced: Traced,
  proposalId?: string,
): Promise<BuildAccepted> {
  const { model, dim } = deps.models.embedding
  const space = await workspaces.ensureSpace(deps.database.db, model, dim)
  const accepted = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    await workspaces.ensure(tx, workspace, space)
    await workspaces.lockForPublish(tx, workspace)
    return addBuild(tx, workspace, request, traced, proposalId)
  })
  deps.wake('jobs')
  return accepted
}

async function addBuild(
  tx: ScopedTx,
  workspace: WorkspaceId,
  request: ReleaseRequest,
  traced: Traced,
  proposalId: string | undefined,
): Promise<BuildAccepted> {
  const kbVersionId = request.manifest.kb_version_id
  const version = await releases.version(tx, workspace, kbVersionId)
  if (version?.live === true || (version !== undefined && version.promoted_at !== null)) {
    throw new AppError(
      'conflict',
      'This version has been promoted and does not change any more; build the change under another kb_version_id.',
    )
  }
  const job = await jobs.enqueue(tx, workspace, { kind: RELEASE_BUILD, subject: SUBJECT, payload: {}, secret: undefined })
  if (!job.fresh)
    throw new AppError('already_running', 'Another build of this knowledge base is running.', { details: { job_id: job.jobId } })
  const runId = randomUUID()
  const buildId = await releases.addBuild(tx, workspace, {
    kb_version_id: kbVersionId,
    run_id: runId,
    job_id: job.jobId,
    trace_id: traced.trace_id,
    correlation_id: traced.correlation_id,
    proposal_id: proposalId ?? null,
    request,
  })
  await documents.startAttempt(tx, workspace, {
    fileId: fileOf(buildId),
    jobId: job.jobId,
    fileName: kbVersionId,
    collection: kbVersionId,
    metadata: {},
  })
  if (proposalId !== undefined) await releases.putProposal(tx, workspace, proposalId, buildId)
  return { run_id: runId, job_id: job.jobId, build_id: buildId, kb_version_id: kbVersionId, state: 'INIT' }
}

/** The live version with the approved changes, as a build of its own; only what changed is embedded again. */
export async function startProposal(
  deps: EngineDeps,
  workspace: WorkspaceId,
  proposalId: string,
  proposal: Proposal,
  traced: Traced,
): Promise<BuildAccepted> {
  const base = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    const live = await releases.liveVersion(tx, workspace)
    return live === undefined ? undefined : releases.build(tx, workspace, live.build_id)
  })
  if (base === undefined) throw new AppError('not_found', 'This knowledge base has no promoted version that a proposal could change.')
  return startBuild(deps, workspace, changed(base.request, proposalId, proposal), traced, proposalId)
}

function changed(base: ReleaseRequest, proposalId: string, proposal: Proposal): ReleaseRequest {
  const items = new Map(base.knowledge_items.map((item) => [item.knowledge_item_id, item]))
  for (const item of proposal.changed_items) items.set(item.knowledge_item_id, item)
  const gone = new Set(proposal.removed_item_ids)
  const included = [...new Set([...base.manifest.included_items, ...proposal.changed_items.map((item) => item.knowledge_item_id)])].filter(
    (id) => !gone.has(id),
  )
  const suffix = proposalId.replaceAll(/[^A-Za-z0-9._-]/g, '-')
  const kbVersionId = proposal.kb_version_id ?? `${base.manifest.kb_version_id.slice(0, 60)}.${suffix}`.slice(0, 100)
  return {
    ...base,
    manifest: { ...base.manifest, kb_version_id: kbVersionId, included_items: included },
    knowledge_items: [...items.values()].filter((item) => !gone.has(item.knowledge_item_id)),
    // A question that expects only what was taken out has lost its answer.
    preview_queries: base.preview_queries
      .map((query) => ({ ...query, expected_item_ids: query.expected_item_ids.filter((id) => !gone.has(id)) }))
      .filter((query, index) => query.expected_item_ids.length > 0 || base.preview_queries[index]?.expected_item_ids.length === 0),
  }
}
