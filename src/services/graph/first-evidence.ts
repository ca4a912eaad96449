// What a document says of relations that nobody spoke of before: all there is to know of them, so that it need not be read back.
import { compareCodePoints } from '../../core/names.ts'
import * as graph from '../../store/graph.ts'
import type * as mentions from '../../store/mentions.ts'

/**
 * All that is said of relations that had no votes before and whose votes are these mentions' alone (others may have been led there in the
 * same transaction). Most relations of a document are such, and need not be read back.
 */
export function firstEvidence(
  first: ReadonlySet<string>,
  votes: readonly graph.RelationVoteDelta[],
  said: readonly mentions.RelationMention[],
): Map<string, graph.RelationEvidence> {
  const votesOf = Map.groupBy(votes, (vote) => vote.relation_id)
  const found = new Map<string, graph.RelationEvidence>()
  for (const [id, rows] of Map.groupBy(said, (mention) => mention.relation_id)) {
    if (id === null || !first.has(id)) continue
    const counted = votesOf.get(id) ?? []
    const whole = counted.find((vote) => vote.keyword === '')
    if (whole === undefined || whole.forward + whole.backward !== rows.length) continue
    const [one] = rows
    found.set(id, {
      relation_id: id,
      votes: counted.map(({ keyword, forward, backward, weight }) => [keyword, forward, backward, weight]),
      descriptions: rows
        .toSorted(byChoice)
        .slice(0, graph.MAX_FOLDED_DESCRIPTIONS)
        .map((row) => row.description),
      a_id: null,
      b_id: null,
      source_key: one?.source_key ?? null,
      target_key: one?.target_key ?? null,
    })
  }
  return found
}

/** In the order in which `graph.relationEvidence` chooses descriptions. */
const byChoice = (one: mentions.RelationMention, other: mentions.RelationMention): number =>
  one.rank - other.rank ||
  compareCodePoints(one.chunk_id, other.chunk_id) ||
  compareCodePoints(one.source_key, other.source_key) ||
  compareCodePoints(one.target_key, other.target_key)
