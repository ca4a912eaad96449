// The part of the graph that is on the screen: grows by answers of the API, and is searched for paths. Pure.

export type Node = { id: string; name: string; type: string; degree: number; workspace: string }
export type Edge = { source: string; target: string; keywords: string; weight: number }
export type Network = { nodes: ReadonlyMap<string, Node>; edges: ReadonlyMap<string, Edge> }

export const EMPTY: Network = { nodes: new Map(), edges: new Map() }

/** Edges name their ends by id; an answer that names them by name is understood too. Edges without both ends are left out. */
export function grown(network: Network, { nodes, edges }: { nodes: readonly Node[]; edges: readonly Edge[] }): Network {
  const allNodes = new Map(network.nodes)
  for (const node of nodes) allNodes.set(node.id, node)
  const byName = new Map([...allNodes.values()].map((node) => [node.name, node.id]))
  const idOf = (end: string): string | undefined => (allNodes.has(end) ? end : byName.get(end))
  const allEdges = new Map(network.edges)
  for (const edge of edges) {
    const [source, target] = [idOf(edge.source), idOf(edge.target)]
    if (source === undefined || target === undefined || source === target) continue
    allEdges.set(JSON.stringify([source, target, edge.keywords]), { ...edge, source, target })
  }
  return { nodes: allNodes, edges: allEdges }
}

export function without(network: Network, id: string): Network {
  const edges = [...network.edges].filter(([, { source, target }]) => source !== id && target !== id)
  return { nodes: new Map([...network.nodes].filter(([other]) => other !== id)), edges: new Map(edges) }
}

/** Ids from one node to the other over the fewest edges, directions aside; undefined when nothing here connects them. O(V + E). */
export function shortestPath({ nodes, edges }: Network, from: string, to: string): string[] | undefined {
  if (!nodes.has(from) || !nodes.has(to)) return undefined
  const beside = new Map<string, string[]>()
  for (const { source, target } of edges.values()) {
    ;(beside.get(source) ?? beside.set(source, []).get(source))?.push(target)
    ;(beside.get(target) ?? beside.set(target, []).get(target))?.push(source)
  }
  const cameFrom = new Map<string, string | undefined>([[from, undefined]])
  const waiting = [from]
  for (const at of waiting) {
    if (at === to) break
    for (const next of beside.get(at) ?? []) {
      if (cameFrom.has(next)) continue
      cameFrom.set(next, at)
      waiting.push(next)
    }
  }
  if (!cameFrom.has(to)) return undefined
  const path: string[] = []
  for (let at: string | undefined = to; at !== undefined; at = cameFrom.get(at)) path.unshift(at)
  return path
}

/** Types by how many nodes have them, the most frequent first: the order in which they get colours. */
export function typesOf({ nodes }: Network): string[] {
  const counts = new Map<string, number>()
  for (const { type } of nodes.values()) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].sort(([a, m], [b, n]) => n - m || a.localeCompare(b)).map(([type]) => type)
}
