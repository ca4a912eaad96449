// The question in every embedding space that the scope spans: once per space, before any snapshot is taken.
import { AppError } from '../../core/errors.ts'
import type { EmbeddingModel, Models } from '../../ports/models.ts'
import type { WorkspaceRow } from '../../store/workspaces.ts'
import type { Remembered } from './memory.ts'
import type { Plan } from './plan.ts'

/** Unit vectors of one space: for chunks, for entity names, for facts. */
export type QuestionVectors = { query: Float32Array; low: Float32Array; high: Float32Array }

/**
 * @returns vectors by `space_id`.
 * @throws AppError `embedding_service_unavailable` when a model is down, or when a space's model is not configured any more;
 *   vectors of another model would be compared with what they do not mean.
 */
export async function embedQuestion(
  { models, remembered }: { models: Models; remembered: Remembered },
  workspaces: readonly WorkspaceRow[],
  plan: Plan,
  signal: AbortSignal,
): Promise<Map<number, QuestionVectors>> {
  const spaces = new Map(workspaces.map((workspace) => [workspace.space_id, workspace]))
  const bySpace = new Map<number, QuestionVectors>()
  for (const [spaceId, workspace] of spaces) {
    bySpace.set(spaceId, await embedIn(modelOf(models, workspace), remembered, plan, signal))
  }
  return bySpace
}

function modelOf(models: Models, workspace: WorkspaceRow): EmbeddingModel {
  const model = models.embeddingFor(workspace.model, workspace.dim)
  if (model) return model
  throw new AppError(
    'embedding_service_unavailable',
    `The workspace ${workspace.workspace_id} was embedded with ${workspace.model} (${workspace.dim} dimensions), which is not configured any more; ` +
      `configure it again or run \`npx insight-rag workspace reembed ${workspace.workspace_id}\`.`,
  )
}

async function embedIn(model: EmbeddingModel, remembered: Remembered, plan: Plan, signal: AbortSignal): Promise<QuestionVectors> {
  const keyOf = (text: string): string => `${model.model} ${model.dim} ${text}`
  const texts = [...new Set([plan.request.query, plan.lowText, plan.highText])]
  const known = new Map(
    texts.flatMap((text) => {
      const vector = remembered.vectors.get(keyOf(text))
      return vector ? [[text, vector] as const] : []
    }),
  )
  const open = texts.filter((text) => !known.has(text))
  const { vectors } = open.length === 0 ? { vectors: [] } : await model.embed(open, 'query', signal)
  open.forEach((text, index) => {
    const vector = vectors[index]
    if (!vector) return
    remembered.vectors.set(keyOf(text), vector)
    known.set(text, vector)
  })
  const vectorOf = (text: string): Float32Array => {
    const vector = known.get(text)
    if (!vector) throw new AppError('embedding_service_unavailable', 'The embedding model returned fewer vectors than texts.')
    return vector
  }
  return { query: vectorOf(plan.request.query), low: vectorOf(plan.lowText), high: vectorOf(plan.highText) }
}
