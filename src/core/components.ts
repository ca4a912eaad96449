// Which keys are one entity: connected components over alias edges, each with one representative.
import { compareCodePoints, hasHan } from './names.ts'

export type AliasEdge = { key: string; other: string; /** A person's merge, from `key` into `other`. */ merged: boolean }

/** One word in Latin letters; as a translation it has homonyms, where a term of several words hardly has any. */
const isWord = (key: string): boolean => /^\p{Script=Latin}[\p{Script=Latin}\p{N}'’.-]*$/u.test(key)
const isWordFor = (one: string, other: string): boolean => isWord(one) && hasHan(other)

/**
 * Maps every key of the edges and of `keys` to its component's representative: the target of a person's merge that is
 * not merged further, else the smallest key by code point. One word that translates several Chinese names which nothing else calls
 * one (power: 冪, 功率) joins none of them. The result depends on the set of edges only, not their order.
 * Cost: O((keys + edges) · α).
 */
export function representatives(keys: readonly string[], edges: readonly AliasEdge[]): Map<string, string> {
  const parent = new Map<string, string>()
  const find = (key: string): string => {
    let root = key
    for (let up = parent.get(root); up !== undefined && up !== root; up = parent.get(root)) root = up
    for (let at = key; at !== root;) {
      const up = parent.get(at) ?? root
      parent.set(at, root)
      at = up
    }
    return root
  }
  const add = (key: string): void => {
    if (!parent.has(key)) parent.set(key, key)
  }
  keys.forEach(add)
  const translations: { word: string; name: string }[] = []
  for (const { key, other, merged } of edges) {
    add(key)
    add(other)
    if (!merged && isWordFor(key, other)) translations.push({ word: key, name: other })
    else if (!merged && isWordFor(other, key)) translations.push({ word: other, name: key })
    else parent.set(find(key), find(other))
  }
  const meant = meanings(translations, find, [...parent.keys()])
  for (const [word, names] of meant) if (names.size === 1) for (const name of names) parent.set(find(word), find(name))
  const from = new Set(edges.filter((edge) => edge.merged).map((edge) => edge.key))
  const into = new Set(edges.filter((edge) => edge.merged && !from.has(edge.other)).map((edge) => edge.other))
  const best = new Map<string, string>()
  for (const key of parent.keys()) {
    const root = find(key)
    const current = best.get(root)
    if (current === undefined || isBetter(key, current, into)) best.set(root, key)
  }
  return new Map([...parent.keys()].map((key) => [key, best.get(find(key)) ?? key]))
}

/** The components of names that each component of words stands for; Chinese names that it holds already are one of them. */
function meanings(
  translations: readonly { word: string; name: string }[],
  find: (key: string) => string,
  keys: readonly string[],
): Map<string, Set<string>> {
  const meant = new Map<string, Set<string>>()
  for (const { word, name } of translations) meant.set(find(word), (meant.get(find(word)) ?? new Set()).add(find(name)))
  for (const key of keys) if (hasHan(key)) meant.get(find(key))?.add(find(key))
  return meant
}

function isBetter(key: string, current: string, into: ReadonlySet<string>): boolean {
  if (into.has(key) !== into.has(current)) return into.has(key)
  return compareCodePoints(key, current) < 0
}
