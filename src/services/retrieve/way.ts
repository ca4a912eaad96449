// How the graph came to a chunk, by ids; `explain.ts` gives them names for whoever asks.
import type { Scored } from '../../core/scoring.ts'
import type { PathStep } from '../api.ts'

/** An entity or a relation, what it was found by, and, of the last one, what makes it lead to the chunk. */
export type Step = {
  kind: 'entity' | 'relation'
  id: string
  found: NonNullable<PathStep['found']>
  score: number
  leads?: PathStep['leads']
}

/** From the question on; all of one workspace. */
export type Way = readonly Step[]

export type Led = Scored & { way: Way }

/** The way as far as the chunk. */
export const leading = (way: Way, leads: PathStep['leads']): Way =>
  way.map((step, index) => (index === way.length - 1 ? { ...step, leads } : step))
