// The fold: what many mentions add up to. Pure functions of votes, chosen descriptions and a person's corrections, so the
// result cannot depend on the order in which documents arrived.
import { compareCodePoints, nameKey } from './names.ts'
import { countTokens } from './tokens.ts'

/** LightRAG's SUMMARY_MAX_TOKENS: a folded description longer than this is cut at whole sentences of mentions. */
export const MAX_DESCRIPTION_TOKENS = 1200

/** Types that say nothing; any other type outvotes them. */
const WEAK_TYPES = new Set(['other', 'unknown', ''])

export type Vote = { value: string; votes: number }

export type EntityFold = { name: string; type: string; description: string; aliases: string[]; mentions: number }

export type EntityFoldInput = {
  names: readonly Vote[]
  types: readonly Vote[]
  /** In the order of the choosing rule, at most K. */
  descriptions: readonly string[]
  aliasNames: readonly string[]
  edit?: { name: string | null; type: string | null; description: string | null } | undefined
  /** The name a person's merge gave. */
  mergedName?: string | undefined
  /** Corrections of names that were merged into this one: what they say counts where nothing else is said. */
  merged?: readonly { name: string | null; type: string | null; description: string | null }[] | undefined
}

/** Name and type by most votes (ties: smallest by code point), descriptions joined without repeats, aliases one per key. */
export function foldEntity(input: EntityFoldInput): EntityFold {
  const merged = input.merged ?? []
  const said = (field: 'name' | 'type' | 'description'): string[] => merged.flatMap((edit) => edit[field] ?? [])
  const name = input.edit?.name ?? input.mergedName ?? winner(input.names) ?? said('name')[0] ?? ''
  const strong = input.types.filter((vote) => !WEAK_TYPES.has(vote.value))
  return {
    name,
    type: input.edit?.type ?? winner(strong) ?? said('type')[0] ?? winner(input.types) ?? 'other',
    description: input.edit?.description ?? joinDescriptions([...input.descriptions, ...said('description')]),
    aliases: foldAliases(name, input.names, [...input.aliasNames, ...said('name')]),
    mentions: input.types.reduce((sum, vote) => sum + vote.votes, 0),
  }
}

export type RelationVotes = { keyword: string; forward: number; backward: number; /** Decimal text. */ weight: string }

export type RelationFold = { forward: boolean; keywords: string[]; description: string; weight: string; mentions: number }

export type RelationFoldInput = {
  /** The row with keyword '' counts the relation as a whole. */
  votes: readonly RelationVotes[]
  descriptions: readonly string[]
  edit?:
    | {
        keywords: string[] | null
        description: string | null
        weight: string | null
        /** The direction the person gave. */ forward: boolean
        /** It counts. */ directed: boolean
      }
    | undefined
}

/** Most keywords shown; the most supported ones win. */
const MAX_KEYWORDS = 20

/**
 * The direction is a person's where one said what the relation is, else that of the `prerequisite` votes where there are any
 * (an order of learning is what direction is for), else of all votes; ties are forward.
 */
export function foldRelation(input: RelationFoldInput): RelationFold {
  const whole = input.votes.find((vote) => vote.keyword === '')
  const directed = input.votes.find((vote) => vote.keyword === 'prerequisite') ?? whole
  const support = (vote: RelationVotes): number => vote.forward + vote.backward
  const keywords = input.votes
    .filter((vote) => vote.keyword !== '')
    .toSorted((a, b) => support(b) - support(a) || compareCodePoints(a.keyword, b.keyword))
    .slice(0, MAX_KEYWORDS)
    .map((vote) => vote.keyword)
  return {
    forward:
      input.edit && (input.edit.directed || directed === undefined)
        ? input.edit.forward
        : (directed?.forward ?? 0) >= (directed?.backward ?? 0),
    keywords: input.edit?.keywords ?? keywords,
    description: input.edit?.description ?? joinDescriptions(input.descriptions),
    weight: input.edit?.weight ?? whole?.weight ?? '1',
    mentions: whole === undefined ? 0 : support(whole),
  }
}

/** One description a line, exact repeats once, whole ones until the token limit. */
export function joinDescriptions(descriptions: readonly string[]): string {
  const distinct = new Set(descriptions.filter((text) => text !== ''))
  // One alone is kept whatever its length, and most things are described once.
  if (distinct.size < 2) return [...distinct].join('')
  const kept: string[] = []
  let tokens = 0
  for (const description of distinct) {
    tokens += countTokens(description) + 1
    if (kept.length > 0 && tokens > MAX_DESCRIPTION_TOKENS) break
    kept.push(description)
  }
  return kept.join('\n')
}

/** LightRAG's FORCE_LLM_SUMMARY_ON_MERGE. */
const SUMMARY_DESCRIPTIONS = 8

/** Whether distinct descriptions have outgrown being joined: eight of them, or more tokens than a fold shows. One alone never has. */
export function needsSummary(descriptions: readonly string[]): boolean {
  if (descriptions.length < 2) return false
  return (
    descriptions.length >= SUMMARY_DESCRIPTIONS || descriptions.reduce((sum, text) => sum + countTokens(text), 0) >= MAX_DESCRIPTION_TOKENS
  )
}

function winner(votes: readonly Vote[]): string | undefined {
  let best: Vote | undefined
  for (const vote of votes) {
    if (best === undefined || vote.votes > best.votes || (vote.votes === best.votes && compareCodePoints(vote.value, best.value) < 0))
      best = vote
  }
  return best?.value
}

function foldAliases(name: string, names: readonly Vote[], aliasNames: readonly string[]): string[] {
  const byKey = new Map<string, Vote>()
  for (const candidate of [...names, ...aliasNames.map((value) => ({ value, votes: 0 }))]) {
    const key = nameKey(candidate.value)
    const current = byKey.get(key)
    const better =
      current === undefined ||
      candidate.votes > current.votes ||
      (candidate.votes === current.votes && compareCodePoints(candidate.value, current.value) < 0)
    if (better) byKey.set(key, candidate)
  }
  byKey.delete(nameKey(name))
  return [...byKey.values()].map((vote) => vote.value).toSorted(compareCodePoints)
}
