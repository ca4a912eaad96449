// Knowledge releases: what callers may do with them. A build is a job (run.ts).
import { AppError } from '../../core/errors.ts'
import { buildReport } from '../../core/release-report.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as eventStore from '../../store/release-events.ts'
import * as releases from '../../store/releases.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import { onBehalfOf } from '../usage.ts'
import type { BuildView, Releases, VersionView } from './api.ts'
import { evaluateVersion } from './evaluate.ts'
import { searchRelease } from './search.ts'
import { startBuild, startProposal } from './start.ts'
import { dropVersion, promote, rollback } from './versions.ts'

export function createReleases(deps: EngineDeps): Releases {
  const inWorkspace = <T>(workspace: WorkspaceId, work: (tx: ScopedTx) => Promise<T>): Promise<T> =>
    withScope(deps.database, workspaceScope(workspace), work)
  return {
    build: (workspace, request, traced) => startBuild(deps, workspace, request, traced),
    getBuild: async (workspace, buildId) => toView(await inWorkspace(workspace, (tx) => releases.build(tx, workspace, buildId))),
    versions: async (workspace) => (await inWorkspace(workspace, (tx) => releases.versions(tx, workspace))).map(toVersion),
    promote: (workspace, kbVersionId, by) => promote(deps, workspace, kbVersionId, by),
    rollback: (workspace, kbVersionId, by) => rollback(deps, workspace, kbVersionId, by),
    evaluate: (workspace, kbVersionId, signal) => onBehalfOf({ workspace }, () => evaluateAgain(deps, workspace, kbVersionId, signal)),
    dropVersion: (workspace, kbVersionId) => dropVersion(deps, workspace, kbVersionId),
    search: (workspace, query, signal) => onBehalfOf({ workspace }, () => searchRelease(deps, workspace, query, signal)),
    events: async (workspace, after, limit) => {
      const rows = await inWorkspace(workspace, (tx) => eventStore.after(tx, workspace, after, limit))
      return { events: rows.map((row) => ({ sequence: row.sequence, ...row.envelope })), next_after: rows.at(-1)?.sequence ?? after }
    },
    approveProposal: async (workspace, proposalId, proposal, traced) => ({
      ...(await startProposal(deps, workspace, proposalId, proposal, traced)),
      proposal_id: proposalId,
    }),
    getProposal: async (workspace, proposalId) => {
      const build = await inWorkspace(workspace, (tx) => releases.buildOfProposal(tx, workspace, proposalId))
      return { ...toView(build), proposal_id: proposalId }
    },
  }
}

async function evaluateAgain(
  deps: EngineDeps,
  workspace: WorkspaceId,
  kbVersionId: string,
  signal: AbortSignal,
): Promise<Record<string, unknown>> {
  const found = await withScope(deps.database, workspaceScope(workspace), async (tx) => {
    const version = await releases.version(tx, workspace, kbVersionId)
    const build = version === undefined ? undefined : await releases.build(tx, workspace, version.build_id)
    return version === undefined || build === undefined ? undefined : { version, build }
  })
  if (found === undefined) throw new AppError('not_found', 'There is no such version in this knowledge base.')
  const { version, build } = found
  const evaluation = await evaluateVersion(deps, { version, request: build.request, proposal: false, texts: [] }, signal)
  return {
    kb_version_id: kbVersionId,
    live: version.live,
    ...evaluation,
    figures: evaluation.figures ?? null,
    comparison: evaluation.comparison ?? null,
  }
}

function toView(row: releases.BuildRow | undefined): BuildView {
  if (row === undefined) throw new AppError('not_found', 'There is no such build in this knowledge base.')
  const { build_id, kb_version_id, run_id, job_id, state, error } = row
  return {
    build_id,
    kb_version_id,
    run_id,
    job_id,
    state,
    error,
    created_at: row.created_at.toISOString(),
    updated_at: row.updated_at.toISOString(),
    finished_at: row.finished_at?.toISOString() ?? null,
    // The database keeps no order of fields; the contract's is restored.
    kb_index_build_report: row.report === null ? null : buildReport.parse(row.report),
  }
}

function toVersion(row: releases.VersionRow): VersionView {
  const { kb_version_id, build_id, live, passed, is_primary } = row
  return {
    kb_version_id,
    build_id,
    live,
    passed,
    embedding_model_profile_id: row.profile_id,
    embedding_model: row.model,
    embedding_dim: row.dim,
    is_primary,
    created_at: row.created_at.toISOString(),
    promoted_at: row.promoted_at?.toISOString() ?? null,
  }
}
