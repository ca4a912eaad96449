// Differences to the votes of entities and relations, summed before they are written: one row per vote, in key order.
import { compareCodePoints, orderedPair, relationId } from './names.ts'

export type EntityVoteDelta = { entity_id: string; kind: 'name' | 'type'; value: string; votes: number }
export type RelationVoteDelta = { relation_id: string; keyword: string; forward: number; backward: number; weight: string }

/** A relation between two entities: its id, its ends in the one stored order, and whether source → target is that order. */
export type Ends = { relationId: string; a: string; b: string; forward: boolean }

/** Undefined when both names lead to one entity. */
export function endsOf(sourceId: string, targetId: string): Ends | undefined {
  if (sourceId === targetId) return undefined
  const [a, b] = orderedPair(sourceId, targetId)
  return { relationId: relationId(a, b), a, b, forward: sourceId === a }
}

export class Tally {
  readonly #entities = new Map<string, EntityVoteDelta>()
  readonly #relations = new Map<string, { relation_id: string; keyword: string; forward: number; backward: number; milli: number }>()
  /** Ends of the relations that gained votes. */
  readonly ends = new Map<string, Ends>()
  readonly entityIds = new Set<string>()
  readonly relationIds = new Set<string>()
  /** Those that lost a mention, even if they gained others: what was written from it must not stay. */
  readonly lostEntityIds = new Set<string>()
  readonly lostRelationIds = new Set<string>()

  entity(id: string, name: string, type: string, votes: number): void {
    this.entityIds.add(id)
    if (votes < 0) this.lostEntityIds.add(id)
    for (const [kind, value] of [
      ['name', name],
      ['type', type],
    ] as const) {
      const slot = `${id}\n${kind}\n${value}`
      const known = this.#entities.get(slot)
      this.#entities.set(slot, { entity_id: id, kind, value, votes: (known?.votes ?? 0) + votes })
    }
  }

  /** `sign` is 1 for a mention that came and -1 for one that went. */
  relation(id: string, mention: { forward: boolean; keywords: readonly string[]; weight: string | number }, sign: 1 | -1): void {
    this.relationIds.add(id)
    if (sign < 0) this.lostRelationIds.add(id)
    // Thousandths as integers: sums of decimals must not depend on the order of addition.
    const milli = Math.round(Number(mention.weight) * 1000) * sign
    for (const keyword of ['', ...mention.keywords]) {
      const slot = `${id}\n${keyword}`
      const known = this.#relations.get(slot) ?? { relation_id: id, keyword, forward: 0, backward: 0, milli: 0 }
      if (mention.forward) known.forward += sign
      else known.backward += sign
      known.milli += milli
      this.#relations.set(slot, known)
    }
  }

  entityDeltas(): EntityVoteDelta[] {
    return [...this.#entities.values()].filter((delta) => delta.votes !== 0).toSorted((x, y) => compareCodePoints(x.entity_id, y.entity_id))
  }

  relationDeltas(): RelationVoteDelta[] {
    return [...this.#relations.values()]
      .filter((delta) => delta.forward !== 0 || delta.backward !== 0 || delta.milli !== 0)
      .map(({ milli, ...delta }) => ({ ...delta, weight: (milli / 1000).toFixed(3) }))
      .toSorted((x, y) => compareCodePoints(x.relation_id, y.relation_id))
  }
}
