// What a workspace's documents are read for: its entity types and the language of descriptions. Said by its owner or an administrator;
// what is left open follows the settings. Part of every extractor's id, so that a change is a change of recipe.
import { AppError } from '../core/errors.ts'
import { workspaceScope, type WorkspaceId } from '../core/workspace.ts'
import type { ExtractionProfile } from '../ports/models.ts'
import { withScope } from '../store/scope.ts'
import * as workspaces from '../store/workspaces.ts'
import type { EngineDeps } from './deps.ts'

export type ProfileView = {
  workspace: string
  /** Null: the default of the settings. */
  entityTypes: string[] | null
  language: string | null
  /** Who extracts under this profile; null when extraction is off. */
  extractor: string | null
}

export type Profiles = {
  get(workspace: WorkspaceId): Promise<ProfileView>
  /** What is null or left out follows the settings again. */
  set(workspace: WorkspaceId, profile: { entityTypes?: string[] | null; language?: string | null }): Promise<ProfileView>
}

const MAX_TYPES = 40
const TYPE = /^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_]{0,39}$/u
/** Words, not sentences: it becomes a part of the prompt. */
const LANGUAGE = /^[\p{L}][\p{L}\p{M}\p{N} ,()'-]{0,59}$/u

export function createProfiles(deps: EngineDeps): Profiles {
  const view = (workspace: WorkspaceId, profile: Partial<ExtractionProfile>): ProfileView => ({
    workspace,
    entityTypes: profile.entityTypes === undefined ? null : [...profile.entityTypes],
    language: profile.language ?? null,
    extractor: deps.models.extractorFor(profile)?.id ?? null,
  })
  return {
    get: async (workspace) => {
      const [row] = await workspaces.inScope(deps.database.db, [workspace])
      return view(workspace, row?.settings.profile ?? {})
    },
    set: async (workspace, { entityTypes, language }) => {
      const profile = {
        ...(entityTypes ? { entityTypes: checkedTypes(entityTypes) } : {}),
        ...(language ? { language: checkedLanguage(language) } : {}),
      }
      const space = await workspaces.ensureSpace(deps.database.db, deps.models.embedding.model, deps.models.embedding.dim)
      await withScope(deps.database, workspaceScope(workspace), async (tx) => {
        await workspaces.ensure(tx, workspace, space)
        await workspaces.saveProfile(tx, workspace, Object.keys(profile).length === 0 ? undefined : profile)
      })
      return view(workspace, profile)
    },
  }
}

function checkedTypes(types: readonly string[]): string[] {
  const wrong = types.find((type) => !TYPE.test(type))
  if (wrong !== undefined)
    throw new AppError('invalid_request', 'entityTypes must be lower-case words of letters, digits and _, for example knowledge_point.', {
      details: { entityType: wrong.slice(0, 80) },
    })
  const distinct = [...new Set(types)]
  if (distinct.length === 0 || distinct.length > MAX_TYPES)
    throw new AppError('invalid_request', `entityTypes must name 1 to ${MAX_TYPES} types.`)
  return distinct
}

function checkedLanguage(language: string): string {
  if (!LANGUAGE.test(language))
    throw new AppError(
      'invalid_request',
      'language must be the name of a language in at most 60 letters, for example Chinese in traditional characters.',
    )
  return language
}
