// Knowledge releases as their callers use them: build, judge, promote, roll back, search.
import type { Conflict } from '../../core/release-conflicts.ts'
import type { EventEnvelope } from '../../core/release-events.ts'
import type { BuildReport } from '../../core/release-report.ts'
import type { KnowledgeItem, ReleaseRequest, ReleaseState } from '../../core/release-request.ts'
import type { WorkspaceId } from '../../core/workspace.ts'

export type BuildAccepted = { run_id: string; job_id: string; build_id: string; kb_version_id: string; state: 'INIT' }

export type BuildView = {
  build_id: string
  kb_version_id: string
  run_id: string
  job_id: string
  state: ReleaseState
  error: string | null
  created_at: string
  updated_at: string
  finished_at: string | null
  kb_index_build_report: BuildReport | null
}

export type VersionView = {
  kb_version_id: string
  build_id: string
  live: boolean
  /** Null while it is not judged. */
  passed: boolean | null
  embedding_model_profile_id: string
  embedding_model: string
  embedding_dim: number
  is_primary: boolean
  created_at: string
  promoted_at: string | null
}

export type Moved = { kb_version_id: string; previous_version_id: string | null; overridden: boolean }

export type FacetValue = string | number | boolean | (string | number | boolean)[]

export type ReleaseQuery = {
  query: string
  top_k: number
  /** Metadata that results must have: keys are ANDed, values ORed. */
  facets: Record<string, FacetValue>
  /** A recipe of the version by its id, or roles as they are. */
  role_recipe?: string | string[]
  include_deprecated: boolean
  /** Reads one version whatever is live. */
  kb_version_id?: string
}

export type ReleaseHit = {
  knowledge_item_id: string
  chunk_id: string
  text: string
  /** 0..1 */
  score: number
  strength: KnowledgeItem['strength']
  role: string | string[]
  tags: string[]
  metadata: Record<string, unknown>
}

export type ReleaseAnswer = { kb_version_id: string; results: ReleaseHit[]; conflicts: Pick<Conflict, 'items' | 'reason'>[] }

export type Proposal = {
  changed_items: KnowledgeItem[]
  removed_item_ids: string[]
  kb_version_id?: string | undefined
  correlation_id?: string | undefined
}

export type Traced = { trace_id: string; correlation_id?: string | undefined }

export type Releases = {
  /** @throws AppError `already_running` while another build of this knowledge base runs; `conflict` for a version that was promoted. */
  build(workspace: WorkspaceId, request: ReleaseRequest, traced: Traced): Promise<BuildAccepted>
  getBuild(workspace: WorkspaceId, buildId: string): Promise<BuildView>
  versions(workspace: WorkspaceId): Promise<VersionView[]>
  /** @throws AppError `gate_failed` with the figures, unless `override` gives an administrator's reason. */
  promote(workspace: WorkspaceId, kbVersionId: string, by: { caller: string; overrideReason?: string }): Promise<Moved>
  /** The live version: back to the one before. Any other that was live once: back to it. */
  rollback(workspace: WorkspaceId, kbVersionId: string, by: { caller: string }): Promise<Moved>
  /** Judges a version again on its preview queries; a live one that fails is recommended for rollback. */
  evaluate(workspace: WorkspaceId, kbVersionId: string, signal: AbortSignal): Promise<Record<string, unknown>>
  dropVersion(workspace: WorkspaceId, kbVersionId: string): Promise<{ kb_version_id: string; deleted: true }>
  search(workspace: WorkspaceId, query: ReleaseQuery, signal: AbortSignal): Promise<ReleaseAnswer>
  events(
    workspace: WorkspaceId,
    after: number,
    limit: number,
  ): Promise<{ events: (EventEnvelope & { sequence: number })[]; next_after: number }>
  approveProposal(
    workspace: WorkspaceId,
    proposalId: string,
    proposal: Proposal,
    traced: Traced,
  ): Promise<BuildAccepted & { proposal_id: string }>
  getProposal(workspace: WorkspaceId, proposalId: string): Promise<BuildView & { proposal_id: string }>
}
