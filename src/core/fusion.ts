// Merging ranked lists: by putting their scores on one scale, or by taking turns as LightRAG does.

/** A chunk, entity or relation by its full name: ids are unique only within a workspace. */
export type Located = { workspaceId: string; id: string }

/** One string for a full name; workspace names hold no space. */
export const fullName = ({ workspaceId, id }: Located): string => `${workspaceId} ${id}`

export function locatedAs(name: string): Located {
  const space = name.indexOf(' ')
  return { workspaceId: name.slice(0, space), id: name.slice(space + 1) }
}

/** Ids by workspace, in their order. */
export function byWorkspace(found: readonly Located[]): Map<string, string[]> {
  return new Map([...Map.groupBy(found, (one) => one.workspaceId)].map(([workspaceId, ones]) => [workspaceId, ones.map((one) => one.id)]))
}

/**
 * Scores of one leg stretched over 0..1: the best becomes 1, the floor 0. A list that is not full shows everything there is, so nothing
 * below it is known to be worthless and the floor is 0; the last of a full list marks what the leg takes for noise.
 * Source: convex combination with min-max normalisation beats reciprocal rank fusion (Bruch, Gai, Ingber, TOIS 2023), here as well.
 *
 * @param scores best first, ≥ 0.
 * @param depth  the length of a full list.
 */
export function stretched(scores: readonly number[], depth: number): number[] {
  const best = scores[0] ?? 0
  const floor = scores.length < depth ? 0 : Math.max(0, scores.at(-1) ?? 0)
  // Where all are equal none is noise.
  return scores.map((score) => (best <= 0 ? 0 : best === floor ? 1 : Math.max(0, (score - floor) / (best - floor))))
}

/**
 * Takes turns: the first of every list in the order of the lists, then the second of every list …, each key once.
 * Source: LightRAG's merge of local and global results, and of its chunk sources.
 */
export function roundRobin<T>(lists: readonly (readonly T[])[], keyOf: (element: T) => string): T[] {
  const seen = new Set<string>()
  const merged: T[] = []
  const longest = lists.reduce((length, list) => Math.max(length, list.length), 0)
  for (let index = 0; index < longest; index += 1) {
    for (const list of lists) {
      const element = list[index]
      if (element === undefined || seen.has(keyOf(element))) continue
      seen.add(keyOf(element))
      merged.push(element)
    }
  }
  return merged
}
