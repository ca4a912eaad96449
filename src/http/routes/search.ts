// Search and query: questions about a workspace and, unless it is not wanted, public.
import type { QueryEvent, QueryRequest } from '../../services/api.ts'
import { AppError } from '../../core/errors.ts'
import { searchScope } from '../authorise.ts'
import { defined } from '../defined.ts'
import { errorBody } from '../errors.ts'
import { defineRoute, type Route } from '../route.ts'
import { queryRequest, queryResponse, searchRequest, searchResponse } from '../schemas/search.ts'
import { EventStream, type SseEvent } from '../sse.ts'

const tag = 'search'

const search = defineRoute({
  method: 'POST',
  path: '/api/search',
  kind: 'search',
  access: 'read',
  tag,
  summary: 'Search',
  description: 'Results, entities and relations, best first; an empty workspace answers with empty lists.',
  schema: { body: searchRequest, reply: searchResponse },
  handle: ({ engine, principal, named, body, signal }) => {
    const { includePublic, teacherId: _named, ...request } = body
    return engine.retrieval.search(searchScope(principal, named, includePublic), request, signal)
  },
})

const query = defineRoute({
  method: 'POST',
  path: '/api/query',
  kind: 'answer',
  access: 'read',
  tag,
  summary: 'Ask',
  description: 'An answer with references. With stream it comes as server-sent events: references first, then token…, then done, or error.',
  schema: { body: queryRequest, reply: queryResponse },
  handle: async ({ engine, principal, named, body, signal, requestId, report }) => {
    const { includePublic, teacherId: _named, stream, ...asked } = body
    const scope = searchScope(principal, named, includePublic)
    const request: QueryRequest = defined(asked)
    if (request.onlyContext) return engine.retrieval.context(scope, request, signal)
    const events = engine.retrieval.query(scope, request, signal)
    if (!stream) return answerOf(events)
    // What fails before the first event is an ordinary error with its status.
    const first = await events.next()
    return new EventStream(spoken(first, events, (error) => errorBody(report(error), requestId)))
  },
})

async function answerOf(events: AsyncGenerator<QueryEvent, void>) {
  for await (const event of events) {
    if (event.event === 'done') {
      const { event: _name, ...answer } = event
      return answer
    }
  }
  throw new AppError('llm_unavailable', 'The answer ended before it was complete.')
}

async function* spoken(
  first: IteratorResult<QueryEvent, void>,
  events: AsyncGenerator<QueryEvent, void>,
  render: (error: unknown) => unknown,
): AsyncGenerator<SseEvent, void> {
  try {
    for (let next = first; next.done !== true; next = await events.next()) yield frameOf(next.value)
  } catch (error) {
    yield { event: 'error', data: render(error) }
  } finally {
    await events.return()
  }
}

function frameOf(event: QueryEvent): SseEvent {
  switch (event.event) {
    case 'references':
      return { event: 'references', data: event.references }
    case 'token':
      return { event: 'token', data: { text: event.text } }
    case 'done': {
      const { event: name, ...data } = event
      return { event: name, data }
    }
  }
}

export const searchRoutes: readonly Route[] = [search, query]
