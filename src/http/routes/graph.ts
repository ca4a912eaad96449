// The graph: search, one entity with its evidence, neighbourhoods, orders of learning; and a person's corrections.
import type { WorkspaceScope } from '../../core/workspace.ts'
import { workspaceScope } from '../../core/workspace.ts'
import { readableWorkspace, searchScope, writableWorkspace } from '../authorise.ts'
import { defined } from '../defined.ts'
import { type Call, defineRoute, type Route } from '../route.ts'
import {
  entityChange,
  entityDeleted,
  entityDetail,
  entityList,
  entityListQuery,
  entityParams,
  entityQuery,
  merged,
  mergeParams,
  mergeRequest,
  newEntity,
  newRelation,
  prerequisites,
  prerequisitesQuery,
  relationChange,
  relationDeleted,
  relationQuery,
  relationView,
  subgraph,
  subgraphQuery,
  unmerged,
} from '../schemas/graph.ts'

const tag = 'graph'

/** Read what a search reads, or the one workspace that the query names. */
function readScope({ principal, named }: Pick<Call, 'principal' | 'named'>, workspace: string | undefined): WorkspaceScope {
  return workspace === undefined ? searchScope(principal, named, true) : workspaceScope(readableWorkspace(principal, { workspace }))
}

const entities = defineRoute({
  method: 'GET',
  path: '/api/graph/entities',
  access: 'read',
  tag,
  summary: 'Find entities',
  description: 'By a name, an alias, or a part of one; without q the best connected first.',
  schema: { query: entityListQuery, reply: entityList },
  handle: (call) => {
    const { workspace, ...page } = call.query
    return call.engine.graph.entities(readScope(call, workspace), defined(page))
  },
})

export const getEntity = defineRoute({
  method: 'GET',
  path: '/api/graph/entities/:name',
  access: 'read',
  tag,
  summary: 'One entity',
  description:
    "With its aliases, heaviest relations and the documents' words for it. The caller's own workspace is asked first, then public.",
  schema: { params: entityParams, query: entityQuery, reply: entityDetail },
  handle: (call) => call.engine.graph.entity(readScope(call, call.query.workspace), call.params.name),
})

export const getSubgraph = defineRoute({
  method: 'GET',
  path: '/api/graph/subgraph',
  access: 'read',
  tag,
  summary: 'What stands around an entity',
  description:
    'Breadth first, the heaviest relations first, until the budget of nodes is used up. An entity in two workspaces is two nodes.',
  schema: { query: subgraphQuery, reply: subgraph },
  handle: (call) => {
    const { workspace, ...around } = call.query
    return call.engine.graph.subgraph(readScope(call, workspace), around)
  },
})

export const getPrerequisites = defineRoute({
  method: 'GET',
  path: '/api/graph/prerequisites',
  access: 'read',
  tag,
  summary: 'What must be known before',
  description: "Nearest first, over the caller's own workspace and public together. Circles in what documents say are told, not followed.",
  schema: { query: prerequisitesQuery, reply: prerequisites },
  handle: (call) => {
    const { workspace, ...of } = call.query
    return call.engine.graph.prerequisites(readScope(call, workspace), of)
  },
})

const createEntity = defineRoute({
  method: 'POST',
  path: '/api/graph/entities',
  access: 'write',
  tag,
  summary: 'Create an entity',
  description: 'It stays whatever documents come and go, and takes in what they say of it. A deleted one comes back.',
  schema: { body: newEntity, reply: entityDetail },
  handle: ({ engine, principal, named, body, signal }) =>
    engine.graph.createEntity(writableWorkspace(principal, named), defined(body), signal),
})

const updateEntity = defineRoute({
  method: 'PATCH',
  path: '/api/graph/entities/:name',
  access: 'write',
  tag,
  summary: 'Correct an entity',
  description: 'What is given here counts instead of what documents say. After a new name the old one stays an alias.',
  schema: { params: entityParams, body: entityChange, reply: entityDetail },
  handle: ({ engine, principal, named, params, body, signal }) =>
    engine.graph.updateEntity(writableWorkspace(principal, named), params.name, defined(body), signal),
})

const deleteEntity = defineRoute({
  method: 'DELETE',
  path: '/api/graph/entities/:name',
  access: 'write',
  tag,
  summary: 'Delete an entity',
  description: 'With its relations. Documents that speak of it, also later ones, do not bring it back; creating it does.',
  schema: { params: entityParams, reply: entityDeleted },
  handle: ({ engine, principal, named, params }) => engine.graph.deleteEntity(writableWorkspace(principal, named), params.name),
})

const createRelation = defineRoute({
  method: 'POST',
  path: '/api/graph/relations',
  access: 'write',
  tag,
  summary: 'Create a relation',
  description: 'Between two entities that exist, from source to target.',
  schema: { body: newRelation, reply: relationView },
  handle: ({ engine, principal, named, body, signal }) =>
    engine.graph.createRelation(writableWorkspace(principal, named), defined(body), signal),
})

const updateRelation = defineRoute({
  method: 'PATCH',
  path: '/api/graph/relations',
  access: 'write',
  tag,
  summary: 'Correct a relation',
  description: 'Its ends in either order; with new keywords, source to target becomes its direction.',
  schema: { query: relationQuery, body: relationChange, reply: relationView },
  handle: ({ engine, principal, named, query: { source, target }, body, signal }) =>
    engine.graph.updateRelation(writableWorkspace(principal, named), { source, target }, defined(body), signal),
})

const deleteRelation = defineRoute({
  method: 'DELETE',
  path: '/api/graph/relations',
  access: 'write',
  tag,
  summary: 'Delete a relation',
  description: 'Its ends in either order. Documents do not bring it back; creating it does.',
  schema: { query: relationQuery, reply: relationDeleted },
  handle: ({ engine, principal, named, query: { source, target } }) =>
    engine.graph.deleteRelation(writableWorkspace(principal, named), { source, target }),
})

const merge = defineRoute({
  method: 'POST',
  path: '/api/graph/entities/merge',
  access: 'write',
  tag,
  summary: 'Merge entities',
  description: 'Says that they are one thing. Remembered: later documents that use the other names speak of it too.',
  schema: { body: mergeRequest, reply: merged },
  handle: ({ engine, principal, named, body }) => engine.graph.mergeEntities(writableWorkspace(principal, named), body),
})

const undo = defineRoute({
  method: 'POST',
  path: '/api/graph/merges/:mergeId/undo',
  access: 'write',
  tag,
  summary: 'Undo a merge',
  description: 'The entities are apart again, each with what is said of it.',
  schema: { params: mergeParams, reply: unmerged },
  handle: ({ engine, principal, named, params }) => engine.graph.undoMerge(writableWorkspace(principal, named), params.mergeId),
})

export const graphRoutes: readonly Route[] = [
  entities,
  getEntity,
  getSubgraph,
  getPrerequisites,
  createEntity,
  updateEntity,
  deleteEntity,
  createRelation,
  updateRelation,
  deleteRelation,
  merge,
  undo,
]
