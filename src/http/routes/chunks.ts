// One chunk, for whoever was shown it as a result or as evidence.
import { searchScope } from '../authorise.ts'
import { defineRoute, type Route } from '../route.ts'
import { chunkDetail, chunkParams } from '../schemas/chunks.ts'

const get = defineRoute({
  method: 'GET',
  path: '/api/documents/:fileId/chunks/:chunkId',
  access: 'read',
  tag: 'documents',
  summary: 'One chunk',
  description:
    "The words behind a result, a reference or an entity's evidence, with where they stand. The caller's own workspace and public.",
  schema: { params: chunkParams, reply: chunkDetail },
  handle: ({ engine, principal, named, params }) => engine.chunks.get(searchScope(principal, named, true), params.fileId, params.chunkId),
})

export const chunkRoutes: readonly Route[] = [get]
