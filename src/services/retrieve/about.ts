// Chunks about entities: those with the name in their title or a heading before those that only mention it.
import { ABOUT_PART } from '../../core/auto-weights.ts'
import { byWorkspace, fullName } from '../../core/fusion.ts'
import { aboutness, headingKeys, rarity } from '../../core/graph-walk.ts'
import { nameKey } from '../../core/names.ts'
import { byScore } from '../../core/scoring.ts'
import { type Around, aroundEntities } from '../../store/search-walk.ts'
import type { ScopedTx } from '../../store/scope.ts'
import { endsOf, type FoundEntity, type FoundRelation } from './graph-legs.ts'
import type { Remembered } from './memory.ts'
import type { Plan } from './plan.ts'
import { leading, type Led } from './way.ts'

/** What the other end of a found relation is worth beside an entity that was found itself. */
const END_SHARE = 0.5

type Mentioning = { name: string; spread: number; /** 0..1 */ about: number }

/** How much a chunk is about an entity, read header by header; undefined for a chunk that does not match the filter. */
export function reader(
  { entities, headers }: Around,
  { headings }: Remembered,
): (entityId: string, chunkId: string) => Mentioning | undefined {
  const byId = new Map(
    // The key is one of the names that lead to an entity, not always the one it is shown by.
    entities.map(({ entity_id: id, name, key, aliases, mentions }) => [
      id,
      { name, mentions, names: [key, ...[name, ...aliases].map(nameKey)] },
    ]),
  )
  return (entityId, chunkId) => {
    const entity = byId.get(entityId)
    const header = headers[chunkId]
    if (!entity || header === undefined) return undefined
    const keys = headings.get(header) ?? headingKeys(header)
    headings.set(header, keys)
    return { name: entity.name, spread: entity.mentions, about: aboutness(keys, entity.names, entity.mentions) }
  }
}

/** `bearers`: chunks that bear the entity's name as a title or in one. */
type Weighed = { about: number; rarity: number; owner: FoundEntity; bearers: number }

/**
 * Chunks that mention the entities, best first, each by the entity for which `weigh` gives most; what weighs nothing is left out.
 *
 * @param sizes chunks by workspace, for rarity.
 */
export async function aboutEntities(
  tx: ScopedTx,
  plan: Plan,
  entities: readonly FoundEntity[],
  weigh: (found: Weighed) => number,
  remembered: Remembered,
  sizes?: ReadonlyMap<string, number>,
): Promise<Led[]> {
  if (entities.length === 0) return []
  const owners = new Map(entities.map((entity) => [fullName(entity), entity]))
  const best = new Map<string, Led>()
  for (const around of await aroundEntities(tx, byWorkspace(entities), plan.filter)) {
    const workspaceId = around.workspace_id
    const read = reader(around, remembered)
    const mentioning = around.reached.map(([entityId, id]) => ({ entityId, id, found: read(entityId, id) }))
    const bearing = Map.groupBy(
      mentioning.filter(({ found }) => (found?.about ?? 0) >= ABOUT_PART),
      ({ entityId }) => entityId,
    )
    for (const { entityId, id, found } of mentioning) {
      const owner = owners.get(fullName({ workspaceId, id: entityId }))
      if (!found || !owner) continue
      const score = weigh({
        about: found.about,
        rarity: rarity(found.spread, sizes?.get(workspaceId) ?? 0),
        owner,
        bearers: bearing.get(entityId)?.length ?? 0,
      })
      if (score <= (best.get(fullName({ workspaceId, id }))?.score ?? 0)) continue
      const way = leading(owner.way, found.about < ABOUT_PART ? 'mention' : 'title')
      best.set(fullName({ workspaceId, id }), { workspaceId, id, score, way })
    }
  }
  return [...best.values()].toSorted(byScore)
}

/**
 * What the graph modes found, as titles: chunks named after a found entity or after the end of a found relation, scored as that was.
 * Their text may share no word with the question, so that similarity alone would never show them. The end of a relation shares its worth among
 * the chunks that bear its name: a part of the curriculum is in the headings of half of it.
 */
export function titledChunks(
  tx: ScopedTx,
  plan: Plan,
  entities: readonly FoundEntity[],
  relations: readonly FoundRelation[],
  remembered: Remembered,
): Promise<Led[]> {
  const owners = new Map(entities.map((entity) => [fullName(entity), entity]))
  for (const end of relations.flatMap((relation) => endsOf(relation, END_SHARE)))
    if ((owners.get(fullName(end))?.score ?? 0) < end.score) owners.set(fullName(end), end)
  return aboutEntities(
    tx,
    plan,
    [...owners.values()],
    ({ about, owner, bearers }) => {
      if (about < ABOUT_PART) return 0
      return (about * owner.score) / (owner.way.at(-1)?.found === 'relation' ? Math.sqrt(bearers) : 1)
    },
    remembered,
  )
}
