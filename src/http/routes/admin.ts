// For administrators across all workspaces: waiting work, callbacks, use of models; and for everybody: who one is.
import { defineRoute, type Route } from '../route.ts'
import {
  auditQuery,
  auditTrail,
  callbackQuery,
  callbacks,
  me,
  modelUse,
  pageSize,
  queue,
  replayed,
  replayRequest,
  useQuery,
} from '../schemas/admin.ts'

const tag = 'administration'

const whoAmI = defineRoute({
  method: 'GET',
  path: '/api/me',
  access: 'account',
  tag,
  summary: 'Who the caller is',
  description: 'What a user interface needs to know before it offers anything.',
  schema: { reply: me },
  handle: ({ principal, settings }) =>
    Promise.resolve({
      kind: principal.kind,
      workspace: principal.workspace ?? null,
      development: settings.development,
      uploadMaxBytes: settings.uploadMaxBytes,
    }),
})

const showQueue = defineRoute({
  method: 'GET',
  path: '/api/admin/queue',
  access: 'admin',
  tag,
  summary: 'Waiting and running work',
  description: 'Of all workspaces, the oldest first, with why the last attempt failed.',
  schema: { query: pageSize, reply: queue },
  handle: ({ engine, query }) => engine.operations.queue(query.limit),
})

const showCallbacks = defineRoute({
  method: 'GET',
  path: '/api/admin/callbacks',
  access: 'admin',
  tag,
  summary: 'Callbacks to the Java backend',
  description: 'By state, the newest first; parked ones are undeliverable and wait for a person.',
  schema: { query: callbackQuery, reply: callbacks },
  handle: ({ engine, query }) => engine.operations.callbacks(query.state, query.limit),
})

const replay = defineRoute({
  method: 'POST',
  path: '/api/admin/callbacks/replay',
  access: 'admin',
  tag,
  summary: 'Send parked callbacks again',
  description:
    'Those named, those of a span of time, or all of them; not those that a later event of their file has overtaken. Their callers have gone, so JAVA_SERVICE_TOKEN speaks for them.',
  schema: { body: replayRequest, reply: replayed },
  handle: ({ engine, body }) => {
    const at = (time: string | undefined): Date | undefined => (time === undefined ? undefined : new Date(time))
    return engine.operations.replay(body.eventIds, { since: at(body.since), until: at(body.until) })
  },
})

const showUse = defineRoute({
  method: 'GET',
  path: '/api/admin/usage',
  access: 'admin',
  tag,
  summary: 'Use of models',
  description:
    'Calls, tokens and cost of the last days by workspace and, as `by` says, by role and model, day, document, question or nothing else; the greatest first.',
  schema: { query: useQuery, reply: modelUse },
  handle: ({ engine, query }) => engine.operations.modelUse(query.days, query.limit, query.by),
})

const showAudit = defineRoute({
  method: 'GET',
  path: '/api/admin/audit',
  access: 'admin',
  tag,
  summary: 'What administrators did',
  description:
    'Everything asked for that changes something, the newest first, written down before it was done, with how it ended; with `verify` also whether the whole trail is as it was written.',
  schema: { query: auditQuery, reply: auditTrail },
  handle: async ({ engine: { audit }, query }) => ({
    entries: await audit.trail(query.limit, query.before),
    ...(query.verify === 'true' ? { brokenAt: await audit.verify() } : {}),
  }),
})

export const adminRoutes: readonly Route[] = [whoAmI, showQueue, showCallbacks, replay, showUse, showAudit]
