// From chunk to chunk over shared entities: how much of a good chunk's strength arrives at one that mentions the same thing.
import { ABOUT_MENTION, ABOUT_PART, WALK_FACT_GAIN } from './auto-weights.ts'
import { displayName, nameKey } from './names.ts'

/** What separates title, headings and page in a chunk's context header. */
const HEADER_SEPARATOR = ' › '

/** One way from a chunk over an entity to another chunk. */
export type Link = {
  seed: string
  /** The entity's name, for whoever asks how the chunk was reached. */
  entity: string
  /** In how many chunks the entity stands, ≥ 1. */
  spread: number
  /** Cosine of the seed's nearest fact about the entity to the question; 0 without one. */
  fact: number
  target: string
  /** How much the target is about the entity, 0..1. */
  about: number
  /** Chunks in the workspace. */
  chunks: number
}

/** The best way to a chunk and what it carries, 0..1. */
export type Arrival = { strength: number; link: Link }

/** 1 for an entity of one chunk, near 0 for one that stands everywhere. */
export function rarity(spread: number, chunks: number): number {
  return chunks <= 0 ? 0 : Math.min(1, Math.log(1 + chunks / Math.max(1, spread)) / Math.log(1 + chunks))
}

/** Title and headings of a context header as keys that names are compared with. */
export const headingKeys = (header: string): string[] => header.split(HEADER_SEPARATOR).map((part) => nameKey(displayName(part)))

/**
 * How much a chunk is about an entity, 0..1: 1 when its title or a heading is the entity's name, less when the name is part of one,
 * least when the text only mentions it, and the less the more chunks do.
 *
 * @param headings as `headingKeys` gave them.
 * @param names    keys of all names of the entity.
 */
export function aboutness(headings: readonly string[], names: readonly string[], spread: number): number {
  if (headings.some((heading) => names.includes(heading))) return 1
  if (names.some((name) => name !== '' && headings.some((heading) => heading.includes(name)))) return ABOUT_PART
  return ABOUT_MENTION / Math.sqrt(Math.max(1, spread - 1))
}

/**
 * One step: each target gets the most that any of its links carries, 0..1. Maxima, not sums, so that a chunk is not
 * rewarded for sharing many common words with a long one. Of equal links the first counts.
 *
 * @param strengths of the seeds, 0..1.
 * @param nearestFact the highest cosine of any fact to the question, for scale.
 */
export function spreadStrength(strengths: ReadonlyMap<string, number>, links: readonly Link[], nearestFact: number): Map<string, Arrival> {
  const reached = new Map<string, Arrival>()
  for (const link of links) {
    const near = nearestFact > 0 ? Math.min(1, Math.max(0, link.fact) / nearestFact) : 0
    const carried = (strengths.get(link.seed) ?? 0) * rarity(link.spread, link.chunks) * (1 + WALK_FACT_GAIN * near) * link.about
    const strength = Math.min(1, carried)
    if (strength > (reached.get(link.target)?.strength ?? -1)) reached.set(link.target, { strength, link })
  }
  return reached
}
