// An engine for tests of HTTP alone: it remembers what it was called with and answers what the test put there.
// Whole-system tests use the real one.
import { AppError } from '../../src/core/errors.ts'
import type { WorkspaceId, WorkspaceScope } from '../../src/core/workspace.ts'
import type {
  Accepted,
  DocumentView,
  Engine,
  ParseRequest,
  QueryEvent,
  QueryRequest,
  Readiness,
  SearchRequest,
  SearchResponse,
  UploadRequest,
} from '../../src/services/api.ts'

export type Called =
  | { use: 'parse'; workspace: WorkspaceId; request: ParseRequest; token: string | undefined }
  | { use: 'upload'; workspace: WorkspaceId; request: UploadRequest; token: string | undefined }
  | {
      use: 'retry' | 'get' | 'list' | 'chunks' | 'blocks' | 'asset' | 'use' | 'remove' | 'courses' | 'images' | 'releases'
      workspace: WorkspaceId
      about: unknown
    }
  | { use: 'search'; scope: WorkspaceScope; request: SearchRequest }
  | { use: 'query' | 'context'; scope: WorkspaceScope; request: QueryRequest }
  | { use: 'graph'; about: unknown }
  | { use: 'workspaces'; scope: WorkspaceScope | undefined }
  | { use: 'operations' | 'audit'; about: unknown }
  | { use: 'embed'; texts: string[]; kind: string }

export type FakeEngine = Engine & {
  calls: Called[]
  /** Answers to `get`, one per call; the last one stays. Empty: not_found. */
  views: DocumentView[]
  /** What `query` yields; a thrown value is thrown there. */
  events: (signal: AbortSignal) => AsyncGenerator<QueryEvent, void>
  ready: Readiness
  /** What `asset` answers. */
  asset: { mediaType: string; bytes: Uint8Array }
  /** Thrown by the next call of anything but `query`. */
  failure: unknown
  last(): Called
}

export function view(fields: Partial<DocumentView> = {}): DocumentView {
  return {
    fileId: 'f1',
    jobId: 'j1',
    workspace: 'teacher-dev',
    fileName: 'a.txt',
    collection: 'default',
    metadata: {},
    parseStatus: 'pending',
    stage: 'queued',
    progress: 0,
    attempts: 0,
    chunkCount: 0,
    entityCount: 0,
    relationCount: 0,
    parseError: null,
    warnings: [],
    timings: {},
    models: {},
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...fields,
  }
}

const EMPTY: Omit<SearchResponse, 'mode'> = {
  results: [],
  entities: [],
  relations: [],
  keywords: { highLevel: [], lowLevel: [] },
  timings: { embedMs: 0, retrieveMs: 0, totalMs: 0 },
}

export function fakeEngine(): FakeEngine {
  const engine: FakeEngine = {
    calls: [],
    views: [],
    events: async function* () {
      yield { event: 'references', references: [] }
      yield {
        event: 'done',
        answer: 'Nothing was found.',
        references: [],
        usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0 },
        noEvidence: true,
      }
    },
    ready: { ready: true, reasons: [], seeding: false, checks: { database: 'ok' } },
    asset: { mediaType: 'image/png', bytes: Buffer.from('png') },
    failure: undefined,
    last: () => {
      const called = engine.calls.findLast((call) => call.use !== 'audit')
      if (called === undefined) throw new Error('the engine was not called')
      return called
    },
    documents: {
      parse: (workspace, request, token) => note({ use: 'parse', workspace, request, token }, accepted(workspace, request.fileId)),
      estimate: (workspace, request) =>
        note(
          { use: 'upload', workspace, request, token: undefined },
          { file: request.fileName, characters: request.bytes.length, chunks: 1, stated: 0, roles: [], costCny: 0 },
        ),
      upload: (workspace, request, token) =>
        note({ use: 'upload', workspace, request, token }, accepted(workspace, request.fileId ?? 'made')),
      retry: (workspace, fileId) => note({ use: 'retry', workspace, about: fileId }, accepted(workspace, fileId)),
      get: (workspace, fileId) => {
        const next = engine.views.length > 1 ? engine.views.shift() : engine.views[0]
        if (next === undefined) engine.failure ??= new AppError('not_found')
        return note({ use: 'get', workspace, about: fileId }, next ?? view())
      },
      list: (workspace, query) => note({ use: 'list', workspace, about: query }, { documents: engine.views, nextCursor: null }),
      chunks: (workspace, fileId, page) => note({ use: 'chunks', workspace, about: { fileId, ...page } }, { chunks: [], nextCursor: null }),
      blocks: (workspace, fileId, page) => note({ use: 'blocks', workspace, about: { fileId, ...page } }, { blocks: [], nextCursor: null }),
      asset: (workspace, fileId, sha256) => note({ use: 'asset', workspace, about: { fileId, sha256 } }, engine.asset),
      use: (workspace, fileId) => note({ use: 'use', workspace, about: fileId }, { use: [] }),
      remove: (workspace, fileId) => note({ use: 'remove', workspace, about: fileId }, { fileId, deleted: true as const }),
    },
    retrieval: {
      search: (scope, request) => note({ use: 'search', scope, request }, { mode: request.mode, ...EMPTY }),
      query: (scope, request, signal) => {
        engine.calls.push({ use: 'query', scope, request })
        return engine.events(signal)
      },
      context: (scope, request) => note({ use: 'context', scope, request }, { context: 'evidence', references: [], results: [] }),
    },
    graph: {
      entities: (scope, page) => note({ use: 'graph', about: ['entities', scope, page] }, { entities: [], nextCursor: null }),
      entity: (scope, name) => note({ use: 'graph', about: ['entity', scope, name] }, entity(name)),
      subgraph: (scope, around) => note({ use: 'graph', about: ['subgraph', scope, around] }, { nodes: [], edges: [], truncated: false }),
      prerequisites: (scope, of) =>
        note({ use: 'graph', about: ['prerequisites', scope, of] }, { entity: of.entity, chain: [], cycles: [] }),
      createEntity: (workspace, made) => note({ use: 'graph', about: ['createEntity', workspace, made] }, entity(made.name)),
      updateEntity: (workspace, name, change) => note({ use: 'graph', about: ['updateEntity', workspace, name, change] }, entity(name)),
      deleteEntity: (workspace, name) => note({ use: 'graph', about: ['deleteEntity', workspace, name] }, { name, deleted: true as const }),
      createRelation: (workspace, made) => note({ use: 'graph', about: ['createRelation', workspace, made] }, relation(made)),
      updateRelation: (workspace, ends, change) =>
        note({ use: 'graph', about: ['updateRelation', workspace, ends, change] }, relation(ends)),
      deleteRelation: (workspace, ends) =>
        note({ use: 'graph', about: ['deleteRelation', workspace, ends] }, { ...ends, deleted: true as const }),
      mergeEntities: (workspace, merge) => note({ use: 'graph', about: ['mergeEntities', workspace, merge] }, { mergeId: 'm1' }),
      undoMerge: (workspace, mergeId) =>
        note({ use: 'graph', about: ['undoMerge', workspace, mergeId] }, { mergeId, undone: true as const }),
      merges: (workspace, limit) => note({ use: 'graph', about: ['merges', workspace, limit] }, { merges: [] }),
      resolutions: (workspace, limit) =>
        note({ use: 'graph', about: ['resolutions', workspace, limit] }, { resolutions: [], uncompared: 0 }),
      acceptResolution: (workspace, decision) =>
        note({ use: 'graph', about: ['acceptResolution', workspace, decision] }, { ...decision, mergeId: 'm1', into: 'a' }),
      rejectResolution: (workspace, resolutionId) =>
        note({ use: 'graph', about: ['rejectResolution', workspace, resolutionId] }, { resolutionId, rejected: true as const }),
    },
    chunks: {
      get: (scope, fileId, chunkId) => note({ use: 'graph', about: ['chunk', scope, fileId, chunkId] }, chunk(fileId, chunkId)),
    },
    operations: {
      queue: (limit) => note({ use: 'operations', about: ['queue', limit] }, { depth: [], jobs: [] }),
      callbacks: (state, limit) => note({ use: 'operations', about: ['callbacks', state, limit] }, { callbacks: [] }),
      replay: (eventIds) => note({ use: 'operations', about: ['replay', eventIds] }, { replayed: eventIds?.length ?? 0 }),
      load: async () => ({ queue: [], outbox: [], outboxLagSeconds: 0, pools: [], ownIndexes: 0, budgets: { near: 0, exhausted: 0 } }),
      modelUse: (days, limit) =>
        note({ use: 'operations', about: ['modelUse', days, limit] }, { use: [], budget: { monthlyCny: null, near: [] } }),
    },
    audit: {
      begin: async (act) => {
        await note({ use: 'audit', about: act }, undefined)
        return async (outcome) => void engine.calls.push({ use: 'audit', about: outcome })
      },
      trail: (limit, before) => note({ use: 'audit', about: [limit, before] }, []),
      verify: () => note({ use: 'audit', about: 'all of it' }, null),
    },
    images: {
      analyze: (workspace, request) =>
        note(
          { use: 'images', workspace, about: request },
          { text: '', tables: [], rows: [], engine: 'ocr', description: null, checks: [], warnings: [] },
        ),
    },
    workspaces: { list: (scope) => note({ use: 'workspaces', scope }, []) },
    profiles: {
      get: (workspace) => note({ use: 'graph', about: ['profile', workspace] }, profile(workspace)),
      set: (workspace, change) => note({ use: 'graph', about: ['setProfile', workspace, change] }, profile(workspace)),
    },
    courses: {
      putChunks: (workspace, items) => note({ use: 'courses', workspace, about: items }, { accepted: items.length, skipped: 0 }),
      embed: (workspace, options) => note({ use: 'courses', workspace, about: options }, { status: 'pending' as const, job_id: 'j1' }),
      status: (workspace) => note({ use: 'courses', workspace, about: 'status' }, courseStatus),
      list: () => Promise.resolve([courseStatus]),
      search: (workspace, query) => note({ use: 'courses', workspace, about: query }, []),
      remove: (workspace) => note({ use: 'courses', workspace, about: 'remove' }, { course_id: 'c1', deleted: true as const }),
    },
    releases: {
      build: (workspace, request) => note({ use: 'releases', workspace, about: request }, buildAccepted),
      getBuild: (workspace, id) => note({ use: 'releases', workspace, about: id }, buildView),
      versions: (workspace) => note({ use: 'releases', workspace, about: 'versions' }, []),
      promote: (workspace, kb_version_id, by) =>
        note({ use: 'releases', workspace, about: by }, { kb_version_id, previous_version_id: null, overridden: false }),
      rollback: (workspace, kb_version_id, by) =>
        note({ use: 'releases', workspace, about: by }, { kb_version_id, previous_version_id: null, overridden: false }),
      evaluate: (workspace, about) => note({ use: 'releases', workspace, about }, {}),
      dropVersion: (workspace, kb_version_id) =>
        note({ use: 'releases', workspace, about: kb_version_id }, { kb_version_id, deleted: true as const }),
      search: (workspace, query) => note({ use: 'releases', workspace, about: query }, { kb_version_id: 'V1', results: [], conflicts: [] }),
      events: (workspace, after) => note({ use: 'releases', workspace, about: after }, { events: [], next_after: after }),
      approveProposal: (workspace, proposal_id) =>
        note({ use: 'releases', workspace, about: proposal_id }, { ...buildAccepted, proposal_id }),
      getProposal: (workspace, proposal_id) => note({ use: 'releases', workspace, about: proposal_id }, { ...buildView, proposal_id }),
    },
    readiness: () => Promise.resolve(engine.ready),
    embed: (texts, kind) =>
      note({ use: 'embed', texts, kind }, { vectors: texts.map(() => Float32Array.of(0.5, 0.5)), model: 'test/two', dim: 2, truncated: 0 }),
  }

  async function note<T>(called: Called, answer: T): Promise<T> {
    engine.calls.push(called)
    const { failure } = engine
    engine.failure = undefined
    if (failure !== undefined) throw failure
    return answer
  }
  return engine
}

const buildAccepted = { run_id: 'r1', job_id: 'j1', build_id: 'b1', kb_version_id: 'V1', state: 'INIT' as const }
const buildView = {
  ...buildAccepted,
  error: null,
  created_at: '2026-01-01T00:00:00.000Z',
  updated_at: '2026-01-01T00:00:00.000Z',
  finished_at: null,
  kb_index_build_report: null,
}
const courseStatus = { course_id: 'c1', status: 'done' as const, progress: 1, error: null, chunks: 1, vectors: 1, skipped: 0 }

const profile = (workspace: string) => ({ workspace, entityTypes: null, language: null, extractor: null })

const entity = (name: string) => ({
  name,
  type: 'concept',
  description: '',
  degree: 0,
  workspace: 'teacher-001',
  aliases: [],
  relations: [],
  evidence: [],
})

const chunk = (fileId: string, chunkId: string) => ({
  chunkId,
  fileId,
  source: 'user/a.txt',
  workspace: 'teacher-001',
  ordinal: 0,
  content: 'text',
  headings: [],
  page: null,
  tokens: 1,
  metadata: {},
})

const relation = ({ source, target }: { source: string; target: string }) => ({
  source,
  target,
  keywords: '',
  description: '',
  weight: 1,
  workspace: 'teacher-001',
})

const accepted = (workspace: string, fileId: string): Accepted => ({ fileId, jobId: 'j1', workspace, parseStatus: 'pending' })
