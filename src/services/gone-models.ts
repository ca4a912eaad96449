// Workspaces whose embedding model is not configured any more: they can only be searched by words until it is, or until they are embedded anew.
import * as workspaces from '../store/workspaces.ts'
import type { EngineDeps } from './deps.ts'

export async function goneModels({ database, models }: Pick<EngineDeps, 'database' | 'models'>): Promise<string[]> {
  const used = await workspaces.spacesInUse(database.side)
  return used
    .filter(({ model, dim }) => models.embeddingFor(model, dim) === undefined)
    .map(
      ({ model, dim, workspaces: count, example }) =>
        `${count} workspaces, for example ${example}, were built with ${model} (${dim} dimensions), which is not configured any more; configure it again or run: npx insight-rag workspace reembed ${example}`,
    )
}
