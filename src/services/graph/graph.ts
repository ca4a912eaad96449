// The graph's use cases over one set of dependencies.
import type { EngineDeps } from '../deps.ts'
import type { Graph } from './api.ts'
import { createEntity, deleteEntity, updateEntity } from './edit-entities.ts'
import { createRelation, deleteRelation, updateRelation } from './edit-relations.ts'
import { mergeEntities, undoMerge } from './merge.ts'
import { readPrerequisites } from './prerequisites.ts'
import { listEntities, readEntity } from './read.ts'
import { acceptResolution, listMerges, listResolutions, rejectResolution } from './resolutions.ts'
import { readSubgraph } from './subgraph.ts'

export function createGraph(deps: EngineDeps): Graph {
  return {
    entities: (scope, page) => listEntities(deps, scope, page),
    entity: (scope, name) => readEntity(deps, scope, name),
    subgraph: (scope, around) => readSubgraph(deps, scope, around),
    prerequisites: (scope, of) => readPrerequisites(deps, scope, of),
    createEntity: (workspace, entity, signal) => createEntity(deps, workspace, entity, signal),
    updateEntity: (workspace, name, change, signal) => updateEntity(deps, workspace, name, change, signal),
    deleteEntity: (workspace, name) => deleteEntity(deps, workspace, name),
    createRelation: (workspace, relation, signal) => createRelation(deps, workspace, relation, signal),
    updateRelation: (workspace, ends, change, signal) => updateRelation(deps, workspace, ends, change, signal),
    deleteRelation: (workspace, ends) => deleteRelation(deps, workspace, ends),
    mergeEntities: (workspace, merge) => mergeEntities(deps, workspace, merge),
    undoMerge: (workspace, mergeId) => undoMerge(deps, workspace, mergeId),
    merges: (workspace, limit) => listMerges(deps, workspace, limit),
    resolutions: (workspace, limit) => listResolutions(deps, workspace, limit),
    acceptResolution: (workspace, { resolutionId, into }) => acceptResolution(deps, workspace, { resolutionId, into }),
    rejectResolution: (workspace, resolutionId) => rejectResolution(deps, workspace, resolutionId),
  }
}
