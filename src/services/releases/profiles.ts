// Which model the profile of a manifest stands for. A name of a known model is that model; any other name is bound to the configured
// model at its first use and stays bound to it.
import type { ReleaseManifest } from '../../core/release-request.ts'
import type { ReviewItem } from '../../core/release-precheck.ts'
import { workspaceScope, type WorkspaceId } from '../../core/workspace.ts'
import * as releases from '../../store/releases.ts'
import { withScope } from '../../store/scope.ts'
import * as workspaces from '../../store/workspaces.ts'
import type { EngineDeps } from '../deps.ts'
import { workspaceRow } from '../ingest/ready.ts'
import type { Home } from '../ingest/think.ts'

/** The model that is always there, whichever is configured. */
const BUILTIN = 'builtin/hashed-lexical-v1'
const PROVIDERS = ['openai', 'onnx', 'builtin']

export type ResolvedProfile = { home: Home; warnings: string[] } | { review: ReviewItem }

export async function resolveProfile(
  deps: EngineDeps,
  workspace: WorkspaceId,
  config: ReleaseManifest['embedding_model_config'],
): Promise<ResolvedProfile> {
  const { embedding_model_profile_id: id, embedding_dim: dim } = config
  const scope = workspaceScope(workspace)
  const bound = await withScope(deps.database, scope, (tx) => releases.knownProfile(tx, workspace, id))
  const named = bound === undefined ? namedModel(deps, id, dim) : deps.models.embeddingFor(bound.model, bound.dim)
  if (bound !== undefined && named === undefined) {
    return refuse('unknown_embedding_profile', `The profile stands for ${bound.model}, which is not configured any more.`)
  }
  const model = named ?? deps.models.embedding
  if (model.dim !== dim)
    return refuse('embedding_dim_mismatch', `The manifest says ${dim} dimensions, but ${model.model} has ${model.dim}.`)
  const warnings = named === undefined ? [`The embedding profile ${id} names no model by itself; it is bound to ${model.model}.`] : []
  const space = await workspaces.ensureSpace(deps.database.db, model.model, model.dim)
  const row = await withScope(deps.database, scope, async (tx) => {
    await releases.profileSpace(tx, workspace, id, space)
    return workspaceRow(tx, workspace)
  })
  return { home: { shard: row.shard, space_id: space, dim: model.dim, model }, warnings }
}

function namedModel(deps: EngineDeps, id: string, dim: number): ReturnType<EngineDeps['models']['embeddingFor']> {
  const { embedding } = deps.models
  if (id === 'default' || id === embedding.model) return embedding
  if (id === 'builtin') return deps.models.embeddingFor(BUILTIN, 1024)
  return [id, ...PROVIDERS.map((provider) => `${provider}/${id}`)]
    .map((model) => deps.models.embeddingFor(model, dim))
    .find((model) => model !== undefined)
}

const refuse = (reason: ReviewItem['reason'], message: string): ResolvedProfile => ({
  review: { knowledge_item_id: '', reason, message, blocking: true },
})
