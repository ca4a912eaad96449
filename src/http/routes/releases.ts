// Knowledge releases for other services: build, follow, promote, roll back, search, events, approved proposals.
import { z } from 'zod'
import type { Principal } from '../../core/credentials.ts'
import { kbVersionId } from '../../core/release-request.ts'
import { knowledgeBaseWorkspace, requireAdmin } from '../authorise.ts'
import { defineRoute, type Route } from '../route.ts'
import {
  buildAccepted,
  buildBody,
  buildView,
  evaluation,
  eventList,
  eventsQuery,
  kbId,
  moved,
  promoteBody,
  proposalAccepted,
  proposalBody,
  proposalView,
  releaseAnswer,
  releaseSearch,
  versionDeleted,
  versionList,
} from '../schemas/releases.ts'

const inKb = z.object({ kbId })
const ofVersion = z.object({ kbId, versionId: kbVersionId })
const ofProposal = z.object({ kbId, proposalId: z.string().min(1).max(200) })
const tag = 'knowledge releases'
const shared = { access: 'service', tag } as const

/** A whole knowledge base in one body. */
const BUILD_LIMIT = 64 * 1024 * 1024

const caller = (principal: Principal): string =>
  principal.kind === 'admin' ? `admin${principal.teacherId === undefined ? '' : `:${principal.teacherId}`}` : 'service'

const build = defineRoute({
  ...shared,
  method: 'POST',
  path: '/kb/:kbId/builds',
  kind: 'ingest',
  summary: 'Build a version',
  description: 'Starts a build from a manifest and its items; 409 already_running while another one of this knowledge base runs.',
  schema: { params: inKb, body: buildBody, reply: buildAccepted },
  status: 202,
  bodyLimit: () => BUILD_LIMIT,
  handle: ({ engine, principal, params, body, requestId }) => {
    const { correlation_id, trace_id, ...request } = body
    return engine.releases.build(knowledgeBaseWorkspace(principal, params.kbId), request, {
      trace_id: trace_id ?? requestId,
      correlation_id,
    })
  },
})

const getBuild = defineRoute({
  ...shared,
  method: 'GET',
  path: '/kb/:kbId/builds/:buildId',
  summary: 'State of a build',
  description: 'Its state and, at the end, kb_index_build_report.',
  schema: { params: z.object({ kbId, buildId: z.string().min(1).max(64) }), reply: buildView },
  handle: ({ engine, principal, params }) => engine.releases.getBuild(knowledgeBaseWorkspace(principal, params.kbId), params.buildId),
})

const versions = defineRoute({
  ...shared,
  method: 'GET',
  path: '/kb/:kbId/versions',
  summary: 'List versions',
  description: 'Every kept version, newest first, and which one is live.',
  schema: { params: inKb, reply: versionList },
  handle: async ({ engine, principal, params }) => ({
    versions: await engine.releases.versions(knowledgeBaseWorkspace(principal, params.kbId)),
  }),
})

const promote = defineRoute({
  ...shared,
  method: 'POST',
  path: '/kb/:kbId/versions/:versionId/promote',
  summary: 'Promote a version',
  description:
    'Makes it the one that is searched, at one instant. 409 gate_failed with the figures when a gate was not passed; an administrator may override with a reason.',
  schema: { params: ofVersion, body: promoteBody, reply: moved },
  handle: async ({ engine, principal, params, body }) => {
    const overrideReason = body?.override?.reason ?? body?.override_reason
    const workspace = knowledgeBaseWorkspace(principal, params.kbId)
    if (overrideReason !== undefined) requireAdmin(principal)
    return engine.releases.promote(workspace, params.versionId, {
      caller: caller(principal),
      ...(overrideReason === undefined ? {} : { overrideReason }),
    })
  },
})

const rollback = defineRoute({
  ...shared,
  method: 'POST',
  path: '/kb/:kbId/versions/:versionId/rollback',
  summary: 'Roll back',
  description: 'The live version: back to the one before it. Any other version that was live once: back to that one.',
  schema: { params: ofVersion, reply: moved },
  handle: ({ engine, principal, params }) =>
    engine.releases.rollback(knowledgeBaseWorkspace(principal, params.kbId), params.versionId, { caller: caller(principal) }),
})

const evaluate = defineRoute({
  ...shared,
  method: 'POST',
  path: '/kb/:kbId/versions/:versionId/evaluate',
  summary: 'Judge a version again',
  description: 'Asks its preview questions now; a live version that fails a gate is recommended for rollback.',
  schema: { params: ofVersion, reply: evaluation },
  handle: ({ engine, principal, params, signal }) =>
    engine.releases.evaluate(knowledgeBaseWorkspace(principal, params.kbId), params.versionId, signal),
})

const dropVersion = defineRoute({
  ...shared,
  method: 'DELETE',
  path: '/kb/:kbId/versions/:versionId',
  summary: 'Delete a version',
  description: 'Removes its chunks and vectors; the live one cannot be deleted.',
  schema: { params: ofVersion, reply: versionDeleted },
  handle: ({ engine, principal, params }) => engine.releases.dropVersion(knowledgeBaseWorkspace(principal, params.kbId), params.versionId),
})

const search = defineRoute({
  ...shared,
  method: 'POST',
  path: '/kb/:kbId/search',
  kind: 'search',
  summary: 'Search a knowledge base',
  description:
    'Filters first, then nearness; hard constraints stand before soft preferences, and contradictions among what was found are named.',
  schema: { params: inKb, body: releaseSearch, reply: releaseAnswer },
  handle: ({ engine, principal, params, body, signal }) =>
    engine.releases.search(knowledgeBaseWorkspace(principal, params.kbId), body, signal),
})

const events = defineRoute({
  ...shared,
  method: 'GET',
  path: '/kb/:kbId/events',
  summary: 'Events of a knowledge base',
  description: 'Envelopes in the order of their sequence, after one that is known.',
  schema: { params: inKb, query: eventsQuery, reply: eventList },
  handle: ({ engine, principal, params, query }) =>
    engine.releases.events(knowledgeBaseWorkspace(principal, params.kbId), query.after, query.limit),
})

const approve = defineRoute({
  ...shared,
  method: 'POST',
  path: '/kb/:kbId/proposals/:proposalId/approved',
  summary: 'Build an approved proposal',
  description: 'Builds the live version with the changed items; only what changed is embedded again.',
  schema: { params: ofProposal, body: proposalBody, reply: proposalAccepted },
  status: 202,
  bodyLimit: () => BUILD_LIMIT,
  handle: ({ engine, principal, params, body, requestId }) => {
    const { trace_id, correlation_id, ...proposal } = body
    return engine.releases.approveProposal(knowledgeBaseWorkspace(principal, params.kbId), params.proposalId, proposal, {
      trace_id: trace_id ?? requestId,
      correlation_id,
    })
  },
})

const getProposal = defineRoute({
  ...shared,
  method: 'GET',
  path: '/kb/:kbId/proposals/:proposalId',
  summary: 'What became of a proposal',
  description: 'The build it led to, with its report and recommendation.',
  schema: { params: ofProposal, reply: proposalView },
  handle: ({ engine, principal, params }) => engine.releases.getProposal(knowledgeBaseWorkspace(principal, params.kbId), params.proposalId),
})

export const releaseRoutes: readonly Route[] = [
  build,
  getBuild,
  versions,
  promote,
  rollback,
  evaluate,
  dropVersion,
  search,
  events,
  approve,
  getProposal,
]
