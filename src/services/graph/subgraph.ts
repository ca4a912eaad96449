// The neighbourhood of an entity within a budget: breadth first, the heaviest relations first, the same answer every time.
import { type Located, fullName } from '../../core/fusion.ts'
import { relationId } from '../../core/names.ts'
import type { WorkspaceScope } from '../../core/workspace.ts'
import * as neighbours from '../../store/graph-neighbours.ts'
import { withScope, type ScopedTx } from '../../store/scope.ts'
import type { EngineDeps } from '../deps.ts'
import type { Subgraph, SubgraphEdge, SubgraphNode } from './api.ts'
import { unknownEntity } from './names.ts'
import { findEntities } from './read.ts'

/** Relations read in one step over all nodes it starts from. */
const STEP_ROWS = 20_000
/** Fewer per node would hide neighbours that there is room for. */
const MIN_PER_NODE = 20
/** Relations read per node to find the edges among the nodes; a node with more finds those to its like by their ids. */
const EDGES_PER_NODE = 300
/** Hubs whose pairs are looked up one by one: about 20,000 ids. */
const MAX_HUBS = 200
const MAX_EDGES = 10_000

/** @throws AppError `not_found` */
export function readSubgraph(
  deps: EngineDeps,
  scope: WorkspaceScope,
  { entity, depth, maxNodes }: { entity: string; depth: number; maxNodes: number },
): Promise<Subgraph> {
  return withScope(
    deps.database,
    scope,
    async (tx) => {
      const starts = await findEntities(tx, entity)
      if (starts.length === 0) throw unknownEntity(entity)
      const seeds = starts.slice(0, maxNodes).map(locate)
      const { nodes, truncated } = await walk(tx, seeds, depth, maxNodes)
      const edges = await edgesOf(tx, nodes)
      return {
        nodes: nodes.map(nodeView),
        edges: edges.slice(0, MAX_EDGES).map(edgeView),
        truncated: truncated || starts.length > seeds.length || edges.length > MAX_EDGES,
      }
    },
    { snapshot: true },
  )
}

const locate = (row: { workspace_id: string; entity_id: string }): Located => ({ workspaceId: row.workspace_id, id: row.entity_id })

async function walk(
  tx: ScopedTx,
  seeds: readonly Located[],
  depth: number,
  maxNodes: number,
): Promise<{ nodes: neighbours.NodeRow[]; truncated: boolean }> {
  const nodes = await neighbours.nodes(tx, seeds)
  let frontier: readonly Located[] = seeds
  for (let step = 0; step < depth && frontier.length > 0; step += 1) {
    const room = maxNodes - nodes.length
    const perNode = Math.min(maxNodes + 1, Math.max(MIN_PER_NODE, Math.ceil(STEP_ROWS / frontier.length)))
    const found = await neighbours.neighbours(tx, frontier, nodes.map(locate), { perNode, limit: room + 1 })
    nodes.push(...found.slice(0, room))
    if (found.length > room) return { nodes, truncated: true }
    frontier = found.map(locate)
  }
  return { nodes, truncated: false }
}

async function edgesOf(tx: ScopedTx, nodes: readonly neighbours.NodeRow[]): Promise<neighbours.EdgeRow[]> {
  const hubs = nodes
    .filter((node) => node.degree > EDGES_PER_NODE)
    .toSorted((one, other) => other.degree - one.degree)
    .slice(0, MAX_HUBS)
  const pairs = hubs.flatMap((one, at) =>
    hubs
      .slice(at + 1)
      .filter((other) => other.workspace_id === one.workspace_id)
      .map((other) => ({ workspaceId: one.workspace_id, id: relationId(one.entity_id, other.entity_id) })),
  )
  const known = new Set(nodes.map((node) => fullName(locate(node))))
  const edges = await neighbours.edgesAmong(tx, nodes.map(locate), pairs, { perNode: EDGES_PER_NODE, limit: MAX_EDGES + 1 })
  return edges.filter((edge) => [edge.a_id, edge.b_id].every((id) => known.has(fullName({ workspaceId: edge.workspace_id, id }))))
}

/** The same entity in two workspaces is two nodes. */
const nodeId = (workspace: string, entity: string): string => fullName({ workspaceId: workspace, id: entity })

function nodeView({ workspace_id, entity_id, name, type, degree }: neighbours.NodeRow): SubgraphNode {
  return { id: nodeId(workspace_id, entity_id), name, type, degree, workspace: workspace_id }
}

function edgeView({ workspace_id, a_id, b_id, forward, keywords, weight }: neighbours.EdgeRow): SubgraphEdge {
  const [source, target] = forward ? [a_id, b_id] : [b_id, a_id]
  return { source: nodeId(workspace_id, source), target: nodeId(workspace_id, target), keywords: keywords.join(', '), weight }
}
