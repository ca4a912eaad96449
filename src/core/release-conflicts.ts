// Which items of a release contradict each other, as candidates for a person to judge, each with its reason.
import { type KnowledgeItem } from './release-request.ts'
import { comparablePairs, containment, likeness, profileOf, type TextProfile } from './release-similarity.ts'

export const CONFLICT_REASONS = ['opposing_hard_constraints', 'opposite_polarity', 'two_active_values'] as const
export type ConflictReason = (typeof CONFLICT_REASONS)[number]

export type Conflict = {
  /** Item ids in code point order. */
  items: [string, string]
  reason: ConflictReason
  /** Both are hard constraints: counts in the conflict rate. */
  hard: boolean
}

export type Comparable = Pick<
  KnowledgeItem,
  'knowledge_item_id' | 'text' | 'strength' | 'status' | 'subject' | 'culture_pack' | 'genre' | 'era' | 'style_mode'
>

// Set by hand on the sample knowledge base; the planted pairs and the innocent ones beside them hold them in the tests.
const SAME_MATTER = 0.5
const NEARLY_IDENTICAL = 0.75
const SAME_TEMPLATE = 0.7

/** Active items only, in the order of their ids; a pair has one reason, the first that holds. Cost: O(pairs that share a wording). */
export function findConflicts(items: readonly Comparable[]): Conflict[] {
  const active = items.filter((item) => item.status === 'active').toSorted((a, b) => (a.knowledge_item_id < b.knowledge_item_id ? -1 : 1))
  const profiles = active.map((item) => profileOf(item.text))
  return comparablePairs(profiles).flatMap(([i, j]): Conflict[] => {
    const [a, b, profileA, profileB] = [active[i], active[j], profiles[i], profiles[j]]
    if (a === undefined || b === undefined || profileA === undefined || profileB === undefined || !canMeet(a, b)) return []
    const hard = a.strength === 'hard_constraint' && b.strength === 'hard_constraint'
    const reason = reasonFor(a, b, profileA, profileB, hard)
    return reason === undefined ? [] : [{ items: [a.knowledge_item_id, b.knowledge_item_id], reason, hard }]
  })
}

function reasonFor(a: Comparable, b: Comparable, profileA: TextProfile, profileB: TextProfile, hard: boolean): ConflictReason | undefined {
  const sameSubject = a.subject !== undefined && a.subject !== null && a.subject === b.subject
  const opposed = profileA.forbids !== profileB.forbids
  if (sameSubject && hard && opposed && containment(profileA.pairs, profileB.pairs) >= SAME_MATTER) return 'opposing_hard_constraints'
  if (opposed && likeness(profileA.pairs, profileB.pairs) >= NEARLY_IDENTICAL) return 'opposite_polarity'
  const otherValues = profileA.numbers.length > 0 && profileB.numbers.length > 0 && profileA.numbers.join() !== profileB.numbers.join()
  if (sameSubject && otherValues && likeness(profileA.template, profileB.template) >= SAME_TEMPLATE) return 'two_active_values'
  return undefined
}

/** Items for different eras, genres, styles or cultures never apply together. */
function canMeet(a: Comparable, b: Comparable): boolean {
  return (['culture_pack', 'genre', 'era', 'style_mode'] as const).every((facet) => !a[facet] || !b[facet] || a[facet] === b[facet])
}
