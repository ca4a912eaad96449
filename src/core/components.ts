// Which keys are one entity: connected components over alias edges, each with one representative.
import { compareCodePoints } from './names.ts'

export type AliasEdge = { key: string; other: string; /** A person's merge, from `key` into `other`. */ merged: boolean }

/**
 * Maps every key of the edges and of `keys` to its component's representative: the target of a person's merge that is
 * not merged further, else the smallest key by code point. The result depends on the set of edges only, not their order.
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
  for (const edge of edges) {
    add(edge.key)
    add(edge.other)
    parent.set(find(edge.key), find(edge.other))
  }
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

function isBetter(key: string, current: string, into: ReadonlySet<string>): boolean {
  if (into.has(key) !== into.has(current)) return into.has(key)
  return compareCodePoints(key, current) < 0
}
