// Which entities may be one thing, and deciding it; the merges that hold. For whoever may write the workspace.
import { writableWorkspace } from '../authorise.ts'
import { defined } from '../defined.ts'
import { defineRoute, type Route } from '../route.ts'
import { accepted, acceptRequest, mergeList, mergesQuery, rejected, resolutionList, resolutionParams } from '../schemas/resolutions.ts'

const tag = 'graph'

const list = defineRoute({
  method: 'GET',
  path: '/api/graph/resolutions',
  access: 'write',
  tag,
  summary: 'Entities that may be one thing',
  description:
    'Of the own workspace or the one X-Workspace names: pairs of one type whose names look alike or mean nearly the same, the most alike first. New names are compared at each call, 200 at a time; uncompared tells how many are left.',
  schema: { query: mergesQuery, reply: resolutionList },
  handle: ({ engine, principal, named, query }) => engine.graph.resolutions(writableWorkspace(principal, named), query.limit),
})

const accept = defineRoute({
  method: 'POST',
  path: '/api/graph/resolutions/:resolutionId/accept',
  access: 'write',
  tag,
  summary: 'They are one thing',
  description: 'Merges the two; the merge is remembered and can be undone.',
  schema: { params: resolutionParams, body: acceptRequest, reply: accepted },
  handle: ({ engine, principal, named, params, body }) =>
    engine.graph.acceptResolution(writableWorkspace(principal, named), { ...params, ...defined(body) }),
})

const reject = defineRoute({
  method: 'POST',
  path: '/api/graph/resolutions/:resolutionId/reject',
  access: 'write',
  tag,
  summary: 'They are two things',
  description: 'Remembered: the pair is not proposed again, whatever documents come.',
  schema: { params: resolutionParams, reply: rejected },
  handle: ({ engine, principal, named, params }) => engine.graph.rejectResolution(writableWorkspace(principal, named), params.resolutionId),
})

const merges = defineRoute({
  method: 'GET',
  path: '/api/graph/merges',
  access: 'write',
  tag,
  summary: 'Merges that hold',
  description: 'The newest first, with who made them; each can be undone.',
  schema: { query: mergesQuery, reply: mergeList },
  handle: ({ engine, principal, named, query }) => engine.graph.merges(writableWorkspace(principal, named), query.limit),
})

export const resolutionRoutes: readonly Route[] = [list, accept, reject, merges]
