// Calls about the graph: find, look at, correct.
import { ask } from './client.ts'

export type Entity = { name: string; type: string; description: string; degree: number; workspace: string }
export type Evidence = { chunkId: string; fileId: string; source: string; page: number | null; quote: string }
export type EntityRelation = { source: string; target: string; keywords: string; description: string; weight: number }
export type EntityDetail = Entity & { aliases: string[]; relations: EntityRelation[]; evidence: Evidence[] }
export type GraphNode = { id: string; name: string; type: string; degree: number; workspace: string }
export type GraphEdge = { source: string; target: string; keywords: string; weight: number }
export type Subgraph = { nodes: GraphNode[]; edges: GraphEdge[]; truncated: boolean }
export type Prerequisites = { entity: string; chain: { name: string; level: number; description: string }[]; cycles: unknown[] }

const path = (name: string): string => `/api/graph/entities/${encodeURIComponent(name)}`

export const findEntities = (q: string, signal: AbortSignal): Promise<{ entities: Entity[] }> =>
  ask('/api/graph/entities', { query: { q, limit: 30 }, signal })

export const getEntity = (name: string, workspace: string, signal: AbortSignal): Promise<EntityDetail> =>
  ask(path(name), { query: { workspace }, signal })

export const subgraph = (entity: string, depth: number, maxNodes: number, signal?: AbortSignal): Promise<Subgraph> =>
  ask('/api/graph/subgraph', { query: { entity, depth, maxNodes }, ...(signal === undefined ? {} : { signal }) })

export const prerequisites = (entity: string, signal: AbortSignal): Promise<Prerequisites> =>
  ask('/api/graph/prerequisites', { query: { entity }, signal })

export type EntityFields = { name: string; type: string; description: string }

export const createEntity = (fields: EntityFields): Promise<unknown> => ask('/api/graph/entities', { method: 'POST', body: fields })

export const changeEntity = (name: string, fields: Partial<EntityFields>): Promise<unknown> =>
  ask(path(name), { method: 'PATCH', body: fields })

export const deleteEntity = (name: string): Promise<unknown> => ask(path(name), { method: 'DELETE' })

export const mergeEntities = (from: string[], into: string): Promise<{ mergeId: string }> =>
  ask('/api/graph/entities/merge', { method: 'POST', body: { from, into } })

export const undoMerge = (mergeId: string): Promise<unknown> =>
  ask(`/api/graph/merges/${encodeURIComponent(mergeId)}/undo`, { method: 'POST' })

export type Resolution = {
  resolutionId: string
  a: { name: string; type: string; description: string; degree: number }
  b: { name: string; type: string; description: string; degree: number }
  score: number
  reason: 'wording' | 'spelling' | 'meaning'
  unsure: boolean
}
export type Merge = { mergeId: string; from: string[]; into: string; madeBy: string; madeAt: string }

export const resolutions = (signal: AbortSignal): Promise<{ resolutions: Resolution[]; uncompared: number }> =>
  ask('/api/graph/resolutions', { signal })

export const acceptResolution = (id: string, into: string): Promise<unknown> =>
  ask(`/api/graph/resolutions/${encodeURIComponent(id)}/accept`, { method: 'POST', body: { into } })

export const rejectResolution = (id: string): Promise<unknown> =>
  ask(`/api/graph/resolutions/${encodeURIComponent(id)}/reject`, { method: 'POST' })

export const listMerges = (signal: AbortSignal): Promise<{ merges: Merge[] }> => ask('/api/graph/merges', { signal })
