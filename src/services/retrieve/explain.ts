// Why a result is there, told step by step: what the question led to in the graph, and what that led to, as far as the chunk. Read only when
// a caller asks, and only for what is shown.
import { byWorkspace, fullName, type Located, locatedAs } from '../../core/fusion.ts'
import { entityCards, relationCards } from '../../store/search-cards.ts'
import { connections } from '../../store/search-graph.ts'
import type { ScopedTx } from '../../store/scope.ts'
import type { PathStep } from '../api.ts'
import type { Hop } from './auto-legs.ts'
import type { Gathered } from './gather.ts'
import type { Ranked } from './rank.ts'
import { leading, type Led, type Way } from './way.ts'

/** The results with a path in every leg that came through the graph. */
export async function withPaths(tx: ScopedTx, gathered: Gathered, results: readonly Ranked[]): Promise<Ranked[]> {
  const ways = await waysTo(tx, gathered, results)
  const name = await namesOf(tx, ways)
  return results.map((result) => {
    const { workspaceId } = result
    const paths = new Map([...ways].map(([leg, led]) => [leg, led.get(fullName(result))?.flatMap((step) => name(workspaceId, step) ?? [])]))
    if (gathered.auto) paths.set('walk', walkedOver(fullName(result), gathered.auto.hops))
    const why = Object.entries(result.why).map(([leg, told]) => {
      const path = paths.get(leg) ?? []
      return [leg, path.length > 0 ? { ...told, path } : told] as const
    })
    return { ...result, why: Object.fromEntries(why) }
  })
}

/** By leg and full name of the chunk. */
type Ways = ReadonlyMap<string, ReadonlyMap<string, Way>>

async function waysTo(tx: ScopedTx, { entities, relations, titled, auto }: Gathered, results: readonly Ranked[]): Promise<Ways> {
  const shown = new Set(results.map(fullName))
  const told = (led: readonly Led[]): Map<string, Way> =>
    new Map(led.filter((one) => shown.has(fullName(one))).map((one) => [fullName(one), one.way]))
  if (auto) {
    return new Map([
      ['named', told(auto.legs.named)],
      ['fact', told(auto.legs.fact)],
    ])
  }
  const found = await connections(tx, byWorkspace(results), byWorkspace(entities), byWorkspace(relations))
  const side = (kind: 'entity' | 'relation'): Map<string, Way> => {
    const ways = new Map<string, Way>()
    // The strongest of what leads to a chunk tells why; of equals the one found first.
    const owners = (kind === 'entity' ? entities : relations).toSorted((a, b) => b.score - a.score)
    for (const owner of owners)
      for (const { workspace_id: workspaceId, chunk_id: id } of found.filter(
        (one) => one.side === kind && one.workspace_id === owner.workspaceId && one.id === owner.id,
      )) {
        const chunk = fullName({ workspaceId, id })
        if (!ways.has(chunk)) ways.set(chunk, leading(owner.way, kind === 'entity' ? 'mention' : 'assertion'))
      }
    return ways
  }
  // A title counts for more than being mentioned.
  return new Map([
    ['entity', new Map([...side('entity'), ...told(titled)])],
    ['relation', side('relation')],
  ])
}

/** Each step as callers read it; undefined for what cannot be named. */
async function namesOf(tx: ScopedTx, ways: Ways): Promise<(workspaceId: string, step: Way[number]) => PathStep | undefined> {
  const steps = [...ways.values()].flatMap((led) =>
    [...led].flatMap(([chunk, way]) => way.map(({ kind, id }) => ({ kind, workspaceId: locatedAs(chunk).workspaceId, id }))),
  )
  const distinct = (kind: 'entity' | 'relation'): Located[] => [
    ...new Map(
      steps.filter((step) => step.kind === kind).map(({ workspaceId, id }) => [fullName({ workspaceId, id }), { workspaceId, id }]),
    ).values(),
  ]
  const cards = {
    entities: await entityCards(tx, distinct('entity'), undefined),
    relations: await relationCards(tx, distinct('relation'), undefined),
  }
  const entities = new Map(cards.entities.map((card) => [fullName({ workspaceId: card.workspace_id, id: card.entity_id }), card.name]))
  const relations = new Map(cards.relations.map((card) => [fullName({ workspaceId: card.workspace_id, id: card.relation_id }), card]))
  return (workspaceId, { kind, id, found, score, leads }) => {
    const more = { found, score, ...(leads === undefined ? {} : { leads }) }
    const entity = entities.get(fullName({ workspaceId, id }))
    if (kind === 'entity') return entity === undefined ? undefined : { entity, ...more }
    const card = relations.get(fullName({ workspaceId, id }))
    if (!card) return undefined
    const [source, target] = card.forward ? [card.a_name, card.b_name] : [card.b_name, card.a_name]
    return { relation: { source, target, keywords: card.keywords.join(', ') }, ...more }
  }
}

/** The chunks walked over, from the first on. A walk has few rounds and enters no chunk twice, so this ends. */
function walkedOver(name: string, hops: ReadonlyMap<string, Hop>): PathStep[] {
  const hop = hops.get(name)
  return hop ? [...walkedOver(hop.from, hops), { chunkId: locatedAs(hop.from).id, entity: hop.entity }] : []
}
