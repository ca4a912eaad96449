// Which model the profile of a manifest stands for. A name of a known model is that model; a name of the caller's own is bound to the
// model that the manifest gives with it and stays bound to it. Any other name is unknown, and nothing is built with it.
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

export type ResolvedProfile = { home: Home } | { review: ReviewItem }

export async function resolveProfile(
  deps: EngineDeps,
  workspace: WorkspaceId,
  config: ReleaseManifest['embedding_model_config'],
): Promise<ResolvedProfile> {
  const { embedding_model_profile_id: id, embedding_model: given, embedding_dim: dim } = config
  const scope = workspaceScope(workspace)
  const bound = await withScope(deps.database, scope, (tx) => releases.knownProfile(tx, workspace, id))
  const named = given === undefined ? undefined : namedModel(deps, given, dim)
  if (given !== undefined && named === undefined)
    return refuse('unknown_embedding_profile', `The embedding model ${given} is not configured; known are ${knownNames(deps)}.`)
  const model = bound === undefined ? (named ?? namedModel(deps, id, dim)) : deps.models.embeddingFor(bound.model, bound.dim)
  if (model === undefined) {
    const why =
      bound === undefined
        ? `is not known; known are ${knownNames(deps)}, and embedding_model says which of them a name of your own stands for.`
        : `stands for ${bound.model}, which is not configured any more.`
    return refuse('unknown_embedding_profile', `The embedding profile ${id} ${why}`)
  }
  if (named !== undefined && named.model !== model.model)
    return refuse('unknown_embedding_profile', `The embedding profile ${id} stands for ${model.model} already, not for ${named.model}.`)
  if (model.dim !== dim)
    return refuse('embedding_dim_mismatch', `The manifest says ${dim} dimensions, but ${model.model} has ${model.dim}.`)
  const space = await workspaces.ensureSpace(deps.database.db, model.model, model.dim)
  const row = await withScope(deps.database, scope, async (tx) => {
    await releases.profileSpace(tx, workspace, id, space)
    return workspaceRow(tx, workspace)
  })
  return { home: { shard: row.shard, space_id: space, dim: model.dim, model } }
}

/** The model of this name, with its provider or without; where it has no such dimension, with its own, so that the two can be told apart. */
function namedModel(deps: EngineDeps, name: string, dim: number): ReturnType<EngineDeps['models']['embeddingFor']> {
  const { models } = deps
  if (name === 'default') return models.embedding
  if (name === 'builtin') return models.embeddingFor(BUILTIN, 1024)
  const names = [name, ...PROVIDERS.map((provider) => `${provider}/${name}`)]
  const exact = names.map((model) => models.embeddingFor(model, dim)).find((model) => model !== undefined)
  if (exact !== undefined) return exact
  return names.includes(models.embedding.model)
    ? models.embedding
    : names.includes(BUILTIN)
      ? models.embeddingFor(BUILTIN, 1024)
      : undefined
}

const knownNames = (deps: EngineDeps): string => [...new Set(['default', 'builtin', deps.models.embedding.model])].join(', ')

const refuse = (reason: ReviewItem['reason'], message: string): ResolvedProfile => ({
  review: { knowledge_item_id: '', reason, message, blocking: true },
})
