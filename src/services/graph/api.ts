// The graph as callers use it: reading over a scope, correcting one workspace.
import type { WorkspaceId, WorkspaceScope } from '../../core/workspace.ts'

export type EntitySummary = { name: string; type: string; description: string; degree: number; workspace: string }

/** Where a document says it. */
export type GraphEvidence = { chunkId: string; fileId: string; source: string; page: number | null; quote: string }

export type EntityRelation = { source: string; target: string; keywords: string; description: string; weight: number }

export type EntityDetail = EntitySummary & {
  aliases: string[]
  /** Heaviest first, at most 100; `degree` says how many there are. */
  relations: EntityRelation[]
  /** At most 20. */
  evidence: GraphEvidence[]
}

export type SubgraphNode = { id: string; name: string; type: string; degree: number; workspace: string }
/** `source` and `target` are ids of nodes. */
export type SubgraphEdge = { source: string; target: string; keywords: string; weight: number }
export type Subgraph = { nodes: SubgraphNode[]; edges: SubgraphEdge[]; truncated: boolean }

export type Prerequisite = { name: string; level: number; description: string; evidence: GraphEvidence[] }
/** `cycles` are lists of names of which each must be known before the next and the last before the first. */
export type Prerequisites = { entity: string; chain: Prerequisite[]; cycles: string[][] }

export type EntityPage = { q?: string; limit: number; cursor?: string }

export type EntityFields = { type?: string; description?: string }
export type RelationFields = { keywords?: string[]; description?: string; weight?: number }
export type RelationEnds = { source: string; target: string }
export type RelationView = EntityRelation & { workspace: string }

/** Two entities that may be one thing. */
export type ResolutionView = {
  resolutionId: string
  a: { name: string; type: string; description: string; degree: number }
  b: { name: string; type: string; description: string; degree: number }
  /** 0..1 */
  score: number
  /** `wording`, `spelling`: by their letters; `meaning`: near in the embedding space. */
  reason: 'wording' | 'spelling' | 'meaning'
  /** A language model was asked and could not say. */
  unsure: boolean
}

/** `from` are names as keys. */
export type MergeView = { mergeId: string; from: string[]; into: string; madeBy: string; madeAt: string }

/**
 * Every name may be an alias, in either script and any case. Reads throw AppError `not_found` for a name that leads
 * nowhere in the scope; edits also `conflict` and `invalid_request`.
 */
export type Graph = {
  entities(scope: WorkspaceScope, page: EntityPage): Promise<{ entities: EntitySummary[]; nextCursor: string | null }>
  /** From the first workspace of the scope that has it. */
  entity(scope: WorkspaceScope, name: string): Promise<EntityDetail>
  /** Around the entity in every workspace of the scope that has it, breadth first, the heaviest relations first. */
  subgraph(scope: WorkspaceScope, around: { entity: string; depth: number; maxNodes: number }): Promise<Subgraph>
  /** What must be known before the entity, nearest first, over all workspaces of the scope together. */
  prerequisites(scope: WorkspaceScope, of: { entity: string; depth: number }): Promise<Prerequisites>
  createEntity(workspace: WorkspaceId, entity: { name: string } & EntityFields, signal: AbortSignal): Promise<EntityDetail>
  /** A new name leads to the entity from then on; the old one stays an alias. */
  updateEntity(workspace: WorkspaceId, name: string, change: { name?: string } & EntityFields, signal: AbortSignal): Promise<EntityDetail>
  /** Hidden, also from later documents, until it is created again. */
  deleteEntity(workspace: WorkspaceId, name: string): Promise<{ name: string; deleted: true }>
  createRelation(workspace: WorkspaceId, relation: RelationEnds & RelationFields, signal: AbortSignal): Promise<RelationView>
  /** The ends may be given in either order; with new keywords their order becomes the direction. */
  updateRelation(workspace: WorkspaceId, ends: RelationEnds, change: RelationFields, signal: AbortSignal): Promise<RelationView>
  deleteRelation(workspace: WorkspaceId, ends: RelationEnds): Promise<RelationEnds & { deleted: true }>
  /** Remembered: what later documents say about `from` is said about `into`. */
  mergeEntities(workspace: WorkspaceId, merge: { from: string[]; into: string }): Promise<{ mergeId: string }>
  undoMerge(workspace: WorkspaceId, mergeId: string): Promise<{ mergeId: string; undone: true }>
  /** Merges that hold, the newest first. */
  merges(workspace: WorkspaceId, limit: number): Promise<{ merges: MergeView[] }>
  /** Pairs to decide about, the most alike first. Compares new names first; `uncompared` says how many are left for the next look. */
  resolutions(workspace: WorkspaceId, limit: number): Promise<{ resolutions: ResolutionView[]; uncompared: number }>
  /** They are one thing: merged. */
  acceptResolution(
    workspace: WorkspaceId,
    decision: { resolutionId: string; into?: string },
  ): Promise<{ resolutionId: string; mergeId: string; into: string }>
  /** They are two things, also for later documents. */
  rejectResolution(workspace: WorkspaceId, resolutionId: string): Promise<{ resolutionId: string; rejected: true }>
}
