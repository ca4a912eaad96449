// Merging ranked lists without comparing their scores: by reciprocal rank, or by taking turns as LightRAG does.

/** A chunk, entity or relation by its full name: ids are unique only within a workspace. */
export type Located = { workspaceId: string; id: string }

/** One string for a full name; workspace names hold no space. */
export const fullName = ({ workspaceId, id }: Located): string => `${workspaceId} ${id}`

/** Cormack, Clarke and Büttcher's damping. */
export const RRF_K = 60

/** One ranking, best first, each id at most once; `weight` ≥ 0 says how much its vote counts. */
export type Ranking = { ids: readonly string[]; weight: number }

/**
 * Merges rankings by reciprocal rank: score(id) = Σ over lists of weight / (k + rank), rank from 1, as a share of what an
 * id that leads every list would get. A list that is empty still counts as a vote withheld, so a lone noisy list cannot score 1.
 * Ties keep the order of first appearance, so equal inputs give equal output. Cost: O(total hits).
 * Source: Cormack, Clarke, Büttcher, SIGIR 2009; k = 60 is theirs.
 *
 * @param k damping, k ≥ 0; larger flattens the difference between ranks.
 * @returns every id once, best first; score in (0, 1].
 */
export function reciprocalRankFusion(rankings: readonly Ranking[], k: number = RRF_K): { id: string; score: number }[] {
  const best = rankings.reduce((sum, { weight }) => sum + weight / (k + 1), 0)
  const scores = new Map<string, number>()
  for (const { ids, weight } of rankings) {
    if (weight === 0) continue
    ids.forEach((id, index) => scores.set(id, (scores.get(id) ?? 0) + weight / (k + index + 1)))
  }
  return [...scores].map(([id, score]) => ({ id, score: score / best })).toSorted((a, b) => b.score - a.score)
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
