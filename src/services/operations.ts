// What an operator looks at across all workspaces: waiting work, undeliverable callbacks, use of models. No document text.
import type { PoolLoad } from '../ports/database.ts'
import * as jobs from '../store/jobs.ts'
import * as ledger from '../store/ledger.ts'
import * as outbox from '../store/outbox.ts'
import * as workspaces from '../store/workspaces.ts'
import { nearBudget, type NearBudget } from './budget.ts'
import type { EngineDeps } from './deps.ts'

export const CALLBACK_STATES = ['pending', 'parked', 'delivered', 'superseded'] as const
export const { USE_BY } = ledger
export type CallbackState = (typeof CALLBACK_STATES)[number]

export type QueueView = {
  depth: { kind: string; state: string; jobs: number; oldestSeconds: number }[]
  /** The oldest first. */
  jobs: {
    jobId: string
    workspace: string
    kind: string
    subject: string
    state: 'queued' | 'running'
    attempts: number
    maxAttempts: number
    /** Why the last attempt failed; null before the first failure. */
    reason: string | null
    nextAttemptAt: string
    ageSeconds: number
  }[]
}

export type CallbackView = {
  eventId: string
  workspace: string
  fileId: string
  kind: string
  state: CallbackState
  attempts: number
  reason: string | null
  createdAt: string
  nextAttemptAt: string
}

export type ModelUseView = {
  workspace: string
  /** What the calls are summed by; the others are left out. */
  role?: string
  model?: string
  day?: string
  fileId?: string
  queryId?: string
  calls: number
  failed: number
  inputTokens: number
  cachedTokens: number
  outputTokens: number
  /** By the catalogue's prices of the time; models without one count nothing. */
  costCny: number
}

export type BudgetView = {
  /** Of each workspace; null: no limit is set. */
  monthlyCny: number | null
  /** Those that have used 80 % of it this month or more, the dearest first. */
  near: NearBudget[]
}

export type Load = {
  queue: QueueView['depth']
  outbox: { state: string; events: number }[]
  /** Age of the oldest event that waits; 0 when none does. */
  outboxLagSeconds: number
  pools: PoolLoad[]
  ownIndexes: number
  /** Workspaces from 80 % of their monthly budget on, and those without any left. */
  budgets: { near: number; exhausted: number }
}

export type ReplaySpan = { since?: Date | undefined; until?: Date | undefined }

export type Operations = {
  queue(limit: number): Promise<QueueView>
  callbacks(state: CallbackState, limit: number): Promise<{ callbacks: CallbackView[] }>
  /** Sends parked callbacks again: those named, those made in a span of time (`until` itself excluded), or all of them. */
  replay(eventIds: readonly string[] | undefined, span?: ReplaySpan): Promise<{ replayed: number }>
  modelUse(days: number, limit: number, by?: ledger.UseBy): Promise<{ use: ModelUseView[]; budget: BudgetView }>
  /** What monitoring asks for every few seconds; cheap, and through the connections that never wait for a publication. */
  load(): Promise<Load>
}

const COUNTED_BUDGETS = 10_000
const SHOWN_BUDGETS = 100

export function createOperations(deps: EngineDeps): Operations {
  const db = deps.database.side
  return {
    queue: async (limit) => {
      const [depth, unfinished] = await Promise.all([jobs.depth(db), jobs.unfinished(db, limit)])
      return {
        depth: depth.map(toDepth),
        jobs: unfinished.map(toJob),
      }
    },
    callbacks: async (state, limit) => ({ callbacks: (await outbox.list(db, state, limit)).map(toCallback) }),
    replay: async (eventIds, span = {}) => {
      const replayed = await outbox.replay(deps.database.db, { ...span, ...(eventIds === undefined ? {} : { eventIds }) })
      if (replayed > 0) deps.wake('outbox')
      return { replayed }
    },
    load: async () => {
      const [depth, backlog, ownIndexes, near] = await Promise.all([
        jobs.depth(db),
        outbox.backlog(db),
        workspaces.withOwnShard(db),
        nearBudget(deps, COUNTED_BUDGETS),
      ])
      return {
        queue: depth.map(toDepth),
        outbox: backlog.map(({ state, events }) => ({ state, events })),
        outboxLagSeconds: backlog.find(({ state }) => state === 'pending')?.oldest_seconds ?? 0,
        pools: deps.database.pools(),
        ownIndexes,
        budgets: { near: near.length, exhausted: near.filter(({ share }) => share >= 1).length },
      }
    },
    modelUse: async (days, limit, by = 'model') => {
      const [use, near] = await Promise.all([ledger.use(db, by, days, limit), nearBudget(deps, SHOWN_BUDGETS)])
      return { use: use.map(toUse), budget: { monthlyCny: deps.limits.monthlyBudgetCny ?? null, near } }
    },
  }
}

const toDepth = ({ oldest_seconds, ...row }: jobs.QueueDepth): QueueView['depth'][number] => ({ ...row, oldestSeconds: oldest_seconds })

function toJob(row: jobs.UnfinishedJob): QueueView['jobs'][number] {
  return {
    jobId: row.job_id,
    workspace: row.workspace_id,
    kind: row.kind,
    subject: row.subject,
    state: row.state,
    attempts: row.attempts,
    maxAttempts: row.max_attempts,
    reason: row.last_error,
    nextAttemptAt: row.run_at.toISOString(),
    ageSeconds: row.age_seconds,
  }
}

function toCallback(row: outbox.OutboxView): CallbackView {
  return {
    eventId: row.event_id,
    workspace: row.workspace_id,
    fileId: row.subject,
    kind: row.kind,
    state: row.state as CallbackState,
    attempts: row.attempts,
    reason: row.last_error,
    createdAt: row.created_at.toISOString(),
    nextAttemptAt: row.next_at.toISOString(),
  }
}

export function toUse(row: ledger.ModelUse): ModelUseView {
  return {
    workspace: row.workspace_id,
    ...(row.role === null ? {} : { role: row.role }),
    ...(row.model === null ? {} : { model: row.model }),
    ...(row.day === null ? {} : { day: row.day }),
    ...(row.file_id === null ? {} : { fileId: row.file_id }),
    ...(row.query_id === null ? {} : { queryId: row.query_id }),
    calls: row.calls,
    failed: row.failed,
    inputTokens: row.input_tokens,
    cachedTokens: row.cached_tokens,
    outputTokens: row.output_tokens,
    costCny: row.cost_cny,
  }
}
