// A person creates, corrects, renames and deletes entities. Each is a row that the fold reads, so it survives every document.
import { AppError } from '../../core/errors.ts'
import { displayName, nameKey } from '../../core/names.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import * as graphEdit from '../../store/graph-edit.ts'
import * as graphRead from '../../store/graph-read.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import type { EntityDetail, EntityFields } from './api.ts'
import { correct, knownEntity, leadOf, noName, touchWithRelations, type Edit } from './edit-transaction.ts'
import { reconnect } from './evidence.ts'
import { mergeId } from './merge-id.ts'
import { unknownEntity } from './names.ts'
import { detailOf } from './read.ts'

/** @throws AppError `conflict` when the name, or the entity it is another name of, exists. */
export async function createEntity(
  deps: EngineDeps,
  workspace: WorkspaceId,
  { name, type, description }: { name: string } & EntityFields,
  signal: AbortSignal,
): Promise<EntityDetail> {
  const shown = named(name)
  return correct(
    deps,
    workspace,
    signal,
    async (edit) => {
      const key = nameKey(shown)
      const lead = await leadOf(edit, key)
      if (lead.entity !== undefined) throw exists(shown, lead.entity.name)
      await graphEdit.saveEntityEdit(edit.tx, workspace, {
        key: lead.key,
        name: shown,
        type: type ?? null,
        description: description ?? null,
        created: true,
        deleted: false,
      })
      edit.keys.add(lead.key)
      await touchWithRelations(edit, lead)
      return lead.id
    },
    (tx, id) => shownEntity(tx, id, shown),
  )
}

/** @throws AppError `not_found`; `conflict` when the new name is another entity's. */
export async function updateEntity(
  deps: EngineDeps,
  workspace: WorkspaceId,
  name: string,
  change: { name?: string } & EntityFields,
  signal: AbortSignal,
): Promise<EntityDetail> {
  const renamed = change.name === undefined ? undefined : named(change.name)
  return correct(
    deps,
    workspace,
    signal,
    async (edit) => {
      const entity = await knownEntity(edit, name)
      const id = renamed === undefined ? entity.entity_id : await rename(edit, entity, renamed)
      const { key } = id === entity.entity_id ? entity : { key: nameKey(renamed ?? '') }
      const before = await graphEdit.editOf(edit.tx, workspace, key)
      await graphEdit.saveEntityEdit(edit.tx, workspace, {
        key,
        name: renamed ?? before?.name ?? null,
        type: change.type ?? before?.type ?? null,
        description: change.description ?? before?.description ?? null,
        created: before?.created ?? false,
        deleted: false,
      })
      edit.tally.entityIds.add(id)
      return id
    },
    (tx, id) => shownEntity(tx, id, name),
  )
}

/** A new name is a merge into it: documents may go on using the old one. Returns the id the entity has from now on. */
async function rename(edit: Edit, entity: graphEdit.KnownEntity, shown: string): Promise<string> {
  const { tx, workspace } = edit
  const key = nameKey(shown)
  const lead = await leadOf(edit, key)
  if (lead.id === entity.entity_id) return lead.id
  if (lead.entity !== undefined) throw exists(shown, lead.entity.name)
  const taken = await graphEdit.editOf(tx, workspace, lead.key)
  if (taken?.deleted === true) throw new AppError('conflict', 'An entity of that name was deleted; create it again and merge the two.')
  await graphEdit.addMerges(tx, workspace, [
    { merge_id: mergeId([entity.key], key), from_key: entity.key, into_key: key, into_name: shown, made_by: 'person' },
  ])
  const before = await graphEdit.editOf(tx, workspace, entity.key)
  if (before !== undefined) await graphEdit.saveEntityEdit(tx, workspace, { ...before, key, name: shown })
  edit.keys.add(key)
  await reconnect(tx, workspace, [entity.key, key], edit.tally)
  return lead.id
}

/** @throws AppError `not_found` */
export function deleteEntity(deps: EngineDeps, workspace: WorkspaceId, name: string): Promise<{ name: string; deleted: true }> {
  return correct(
    deps,
    workspace,
    undefined,
    async (edit) => {
      const entity = await knownEntity(edit, name)
      await graphEdit.saveEntityEdit(edit.tx, workspace, {
        key: entity.key,
        name: null,
        type: null,
        description: null,
        created: false,
        deleted: true,
      })
      edit.keys.add(entity.key)
      await touchWithRelations(edit, { id: entity.entity_id, key: entity.key, entity })
      return entity.name
    },
    async (_tx, shown) => ({ name: shown, deleted: true as const }),
  )
}

async function shownEntity(tx: ScopedTx, id: string, name: string): Promise<EntityDetail> {
  const line = await graphRead.byId(tx, tx.scope[0], id)
  if (line === undefined) throw unknownEntity(name)
  return detailOf(tx, line)
}

function named(name: string): string {
  const shown = displayName(name)
  if (shown === '' || nameKey(shown) === '') throw noName('name')
  return shown
}

function exists(name: string, known: string): AppError {
  const sentence =
    nameKey(name) === nameKey(known)
      ? 'An entity of that name exists already.'
      : 'That is another name of an entity that exists already; change or merge that one.'
  return new AppError('conflict', sentence, { details: { entity: known } })
}
