// What else the things a question names are called: in the other language, or in other words. Known from the names that documents give; no
// model is asked.
import { compareCodePoints, displayName, hasHan, nameKey } from './names.ts'
import { longestNames } from './query-names.ts'
import { queryTerms } from './terms.ts'

/** Things of a question that are renamed, names of each, and terms of all of them together: every term costs an index scan. */
const MAX_THINGS = 6
const MAX_NAMES = 4
const MAX_TERMS = 24

/** What a key of the question leads to in one workspace. */
export type Known = {
  workspaceId: string
  key: string
  /** As they are displayed, or keys where only those are known. */ names: readonly string[]
}

export type OtherName = { name: string; workspaceId: string; terms: readonly string[] }

/** One thing the question names: the question's own words for it, and the others. */
export type Renamed = { key: string; terms: readonly string[]; others: readonly OtherName[] }

/**
 * The other names that add something to a question, names in the other language first. A name that is part of a longer one of the question
 * is not renamed (函数 of 二次函数), and each of the question's terms belongs to one name at most. Pure; equal inputs in any order
 * give equal output.
 *
 * @param terms the question's.
 * @param keys  names that may stand in the question, in order.
 */
export function otherNames(terms: readonly string[], keys: readonly string[], known: readonly Known[]): Renamed[] {
  const found = new Set(known.map(({ key }) => key))
  const open = new Set(terms)
  let room = MAX_TERMS
  const renamed: Renamed[] = []
  for (const key of longestNames(keys.filter((one) => found.has(one)))) {
    const others: OtherName[] = []
    for (const other of namesOf(key, known)) {
      const own = queryTerms(other.name)
      if (others.length === MAX_NAMES || own.length > room || own.every((term) => terms.includes(term))) continue
      room -= own.length
      others.push({ ...other, terms: own })
    }
    if (others.length === 0) continue
    const words = queryTerms(key).filter((term) => open.delete(term))
    if (renamed.push({ key, terms: words, others }) === MAX_THINGS) break
  }
  return renamed
}

/** Every other name once, in the other kind of writing first, then the shorter. */
function namesOf(key: string, known: readonly Known[]): { name: string; workspaceId: string }[] {
  const names = new Map<string, { name: string; workspaceId: string }>()
  const given = known
    .filter((one) => one.key === key)
    .toSorted((a, b) => compareCodePoints(a.workspaceId, b.workspaceId))
    .flatMap(({ workspaceId, names: all }) => all.map((name) => ({ name, workspaceId })))
  for (const one of given) {
    const other = nameKey(displayName(one.name))
    // A key comes after the name it was made of.
    if (other !== '' && other !== key && !names.has(other)) names.set(other, one)
  }
  const translates = (name: string): number => (hasHan(name) === hasHan(key) ? 1 : 0)
  return [...names.values()].toSorted(
    (a, b) => translates(a.name) - translates(b.name) || a.name.length - b.name.length || compareCodePoints(a.name, b.name),
  )
}
