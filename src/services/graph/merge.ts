// A person says that several names are one thing, or takes it back. Remembered as rows; the fold follows from them.
import { AppError } from '../../core/errors.ts'
import { orderedPair } from '../../core/names.ts'
import type { WorkspaceId } from '../../core/workspace.ts'
import * as graphEdit from '../../store/graph-edit.ts'
import { areDistinct, distinguish } from '../../store/resolutions.ts'
import type { EngineDeps } from '../deps.ts'
import { correct, knownEntity } from './edit-transaction.ts'
import { reconnect } from './evidence.ts'
import { mergeId } from './merge-id.ts'

/**
 * A person may merge what was called two things before; a model may not, by whatever way around.
 * @throws AppError `not_found`; `invalid_request` when an entity would be merged into itself, or a model would against what was decided.
 */
export function mergeEntities(
  deps: EngineDeps,
  workspace: WorkspaceId,
  { from, into }: { from: string[]; into: string },
  madeBy: 'person' | 'model' = 'person',
): Promise<{ mergeId: string }> {
  return correct(
    deps,
    workspace,
    undefined,
    async (edit) => {
      const target = await knownEntity(edit, into)
      const keys = new Set<string>()
      for (const name of from) {
        const { entity_id, key } = await knownEntity(edit, name)
        if (entity_id === target.entity_id) {
          throw new AppError('invalid_request', 'from and into name the same entity; an entity cannot be merged into itself.', {
            details: { entity: name },
          })
        }
        if (madeBy === 'model' && (await areDistinct(edit.tx, workspace, entity_id, target.entity_id)))
          throw new AppError('invalid_request', 'These were called two things, by these or by other names of theirs.')
        keys.add(key)
      }
      const id = mergeId([...keys], target.key)
      await graphEdit.addMerges(
        edit.tx,
        workspace,
        [...keys].map((key) => ({ merge_id: id, from_key: key, into_key: target.key, into_name: target.name, made_by: madeBy })),
      )
      await reconnect(edit.tx, workspace, [...keys, target.key], edit.tally)
      edit.keys.add(target.key)
      return id
    },
    async (_tx, id) => ({ mergeId: id }),
  )
}

/** @throws AppError `not_found` for a merge that was never made or is undone already. */
export function undoMerge(deps: EngineDeps, workspace: WorkspaceId, id: string): Promise<{ mergeId: string; undone: true }> {
  return correct(
    deps,
    workspace,
    undefined,
    async (edit) => {
      const rows = await graphEdit.removeMerge(edit.tx, workspace, id)
      if (rows.length === 0)
        throw new AppError('not_found', 'There is no such merge, or it is undone already.', { details: { mergeId: id } })
      // What a person takes back the model must not do again at the next document.
      for (const { from_key, into_key, made_by } of rows)
        if (made_by === 'model') await distinguish(edit.tx, workspace, orderedPair(from_key, into_key), 'person')
      const keys = [...new Set(rows.flatMap((row) => [row.from_key, row.into_key]))]
      await reconnect(edit.tx, workspace, keys, edit.tally)
      for (const key of keys) edit.keys.add(key)
    },
    async () => ({ mergeId: id, undone: true as const }),
  )
}
