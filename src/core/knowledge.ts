// From what an extractor returned for one chunk to the mentions that chunk contributes: keyed, deduplicated, complete.
import type { Extraction } from './extraction.ts'
import { createHash } from 'node:crypto'
import { displayName, nameKey } from './names.ts'

export type ChunkEntity = { key: string; name: string; type: string; description: string; quote: string }
export type ChunkRelation = {
  sourceKey: string
  targetKey: string
  factId: string
  /** What is embedded for the fact: the asserted triple. */
  factText: string
  keywords: string[]
  description: string
  quote: string
  weight: number
}
export type ChunkAlias = { key: string; aliasKey: string; aliasName: string }

/** What one chunk says: at most one mention per entity key and one per ordered pair of keys. */
export type ChunkKnowledge = { entities: ChunkEntity[]; relations: ChunkRelation[]; aliases: ChunkAlias[] }

/**
 * Keys the names, merges repeats inside the chunk (longest description, union of keywords), drops self loops and gives
 * every end of a relation an entity mention of its own, so that no relation outlives its ends.
 */
export function chunkKnowledge(extraction: Extraction): ChunkKnowledge {
  const entities = new Map<string, ChunkEntity>()
  const aliases = new Map<string, ChunkAlias>()
  const addEntity = (entity: ChunkEntity): void => {
    const known = entities.get(entity.key)
    if (known === undefined) entities.set(entity.key, entity)
    else if (entity.description.length > known.description.length)
      entities.set(entity.key, { ...known, description: entity.description, quote: entity.quote })
  }
  for (const entity of extraction.entities) {
    const name = displayName(entity.name)
    if (name === '') continue
    const key = nameKey(name)
    addEntity({ key, name, type: entity.type || 'other', description: entity.description, quote: entity.quote })
    for (const alias of entity.aliases) {
      const aliasName = displayName(alias)
      const aliasKey = nameKey(aliasName)
      if (aliasName !== '' && aliasKey !== key) aliases.set(`${key}\n${aliasKey}`, { key, aliasKey, aliasName })
    }
  }
  const relations = new Map<string, ChunkRelation>()
  for (const relation of extraction.relations) {
    const source = displayName(relation.source)
    const target = displayName(relation.target)
    const sourceKey = nameKey(source)
    const targetKey = nameKey(target)
    if (source === '' || target === '' || sourceKey === targetKey) continue
    for (const [key, name] of [
      [sourceKey, source],
      [targetKey, target],
    ] as const) {
      if (!entities.has(key)) addEntity({ key, name, type: 'other', description: relation.description, quote: relation.quote })
    }
    const known = relations.get(`${sourceKey}\n${targetKey}`)
    const keywords = [
      ...new Set([...(known?.keywords ?? []), ...relation.keywords.map((word) => word.trim().toLowerCase()).filter((word) => word !== '')]),
    ].toSorted()
    const described = known !== undefined && known.description.length >= relation.description.length ? known : relation
    relations.set(`${sourceKey}\n${targetKey}`, {
      sourceKey,
      targetKey,
      ...fact(sourceKey, keywords, targetKey),
      keywords,
      description: described.description,
      quote: described.quote,
      weight: Math.max(known?.weight ?? 0, relation.weight),
    })
  }
  return { entities: [...entities.values()], relations: [...relations.values()], aliases: [...aliases.values()] }
}

/** The triple that is embedded, and its id. */
export function fact(sourceKey: string, keywords: readonly string[], targetKey: string): { factId: string; factText: string } {
  const factText = `${sourceKey} ${keywords.join(', ')} ${targetKey}`
  return {
    factText,
    factId: `f_${createHash('sha256')
      .update(JSON.stringify([sourceKey, keywords, targetKey]))
      .digest('base64url')
      .slice(0, 20)}`,
  }
}
