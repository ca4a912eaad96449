// Courses for other services: hand over chunks, embed, follow, search, delete.
import { z } from 'zod'
import { courseWorkspace, requireService } from '../authorise.ts'
import { defined } from '../defined.ts'
import { defineRoute, type Route } from '../route.ts'
import {
  courseDeleted,
  courseId,
  courseList,
  courseSearch,
  courseSearchReply,
  courseStatus,
  embedQuery,
  embedReply,
  putChunks,
  putChunksQuery,
  putChunksReply,
} from '../schemas/courses.ts'

const params = z.object({ id: courseId })
const tag = 'courses'

/** A thousand chunks of transcript with their metadata. */
const CHUNKS_LIMIT = 32 * 1024 * 1024

const list = defineRoute({
  method: 'GET',
  path: '/courses',
  access: 'service',
  tag,
  summary: 'List courses',
  description: 'Every course with the state of its embedding.',
  schema: { reply: courseList },
  handle: async ({ engine, principal }) => {
    requireService(principal)
    return { courses: await engine.courses.list() }
  },
})

const put = defineRoute({
  method: 'PUT',
  path: '/courses/:id/chunks',
  kind: 'ingest',
  access: 'service',
  tag,
  summary: 'Hand over chunks',
  description:
    'Inserts and replaces Ready-to-Embed chunks by chunk_id. A structural error in any item refuses the batch and lists every bad item.',
  schema: { params, query: putChunksQuery, body: putChunks, reply: putChunksReply },
  bodyLimit: () => CHUNKS_LIMIT,
  handle: ({ engine, principal, params, query, body }) =>
    engine.courses.putChunks(courseWorkspace(principal, params.id), body, query.replace === 'true'),
})

const embed = defineRoute({
  method: 'POST',
  path: '/courses/:id/embed',
  kind: 'ingest',
  access: 'service',
  tag,
  summary: 'Embed a course',
  description:
    'Starts the embedding job; 409 already_running while one is pending or running. The old vectors serve until the new ones are complete.',
  schema: { params, query: embedQuery, reply: embedReply },
  status: 202,
  handle: ({ engine, principal, params, query, signal }) =>
    engine.courses.embed(courseWorkspace(principal, params.id), { rebuild: query.rebuild === 'true' }, signal),
})

const status = defineRoute({
  method: 'GET',
  path: '/courses/:id/embedding_status',
  access: 'service',
  tag,
  summary: 'State of an embedding',
  description: 'Status, progress and counts of a course.',
  schema: { params, reply: courseStatus },
  handle: ({ engine, principal, params, signal }) => engine.courses.status(courseWorkspace(principal, params.id), signal),
})

const search = defineRoute({
  method: 'POST',
  path: '/courses/:id/search',
  kind: 'search',
  access: 'service',
  tag,
  summary: 'Search a course',
  description: 'The chunks nearest to the question, best first, of one lecture, section or source type when asked for.',
  schema: { params, body: courseSearch, reply: courseSearchReply },
  handle: async ({ engine, principal, params, body, signal }) => ({
    results: await engine.courses.search(courseWorkspace(principal, params.id), defined(body), signal),
  }),
})

const remove = defineRoute({
  method: 'DELETE',
  path: '/courses/:id',
  access: 'service',
  tag,
  summary: 'Delete a course',
  description: 'Removes its chunks and vectors and cancels a running embedding.',
  schema: { params, reply: courseDeleted },
  handle: ({ engine, principal, params }) => engine.courses.remove(courseWorkspace(principal, params.id)),
})

export const courseRoutes: readonly Route[] = [list, put, embed, status, search, remove]
