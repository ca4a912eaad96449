// From a name as callers write it to the keys it may stand for.
import { displayName, entityId, nameKey, splitBracketedAlias } from '../../core/names.ts'
import { AppError } from '../../core/errors.ts'

/** The keys of a name, the most literal first: the whole name, then the part before a translation in brackets. */
export function keysOfName(name: string): { keys: string[]; ids: string[] } {
  const shown = displayName(name) || name
  const keys = [...new Set([shown, splitBracketedAlias(shown).name].map(nameKey))].filter((key) => key !== '')
  return { keys, ids: keys.map(entityId) }
}

export function unknownEntity(name: string): AppError {
  return new AppError('not_found', 'There is no entity with this name.', { details: { entity: name } })
}
