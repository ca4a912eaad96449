// The engine for Prometheus: what steps took and what happened in this process, and at each scrape the state that all processes share.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client'
import type { Operations } from '../services/operations.ts'
import { HAPPENINGS, type Happening, type Step, STEPS } from '../services/steps.ts'

const FAST = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
const SLOW = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900]

/** @returns what ends the listening. */
export function engineMetrics(registry: Registry, operations: Operations): () => void {
  const ends = [measureSteps(registry), countHappenings(registry)]
  showState(registry, operations)
  return () => {
    for (const end of ends) end()
  }
}

function measureSteps(registry: Registry): () => void {
  const histogram = (name: string, help: string, label: string, buckets: number[]): Histogram =>
    new Histogram({ name, help, labelNames: [label], buckets, registers: [registry] })
  const durations = {
    leg: histogram('insight_leg_duration_seconds', 'One search that a mode asks for', 'leg', FAST),
    stage: histogram('insight_stage_duration_seconds', 'One stage of ingesting a document', 'stage', SLOW),
    job: histogram('insight_job_duration_seconds', 'One attempt at a job', 'kind', SLOW),
  }
  const label = { leg: 'leg', stage: 'stage', job: 'kind' }
  const attempts = new Counter({
    name: 'insight_job_attempts_total',
    help: 'Attempts at jobs by how they ended',
    labelNames: ['kind', 'outcome'],
    registers: [registry],
  })
  const started = new WeakMap<Step, number>()
  const subscriber = {
    start: (begun: Step) => void started.set(begun, performance.now()),
    asyncEnd: (ended: Step) => {
      const from = started.get(ended)
      if (from === undefined || ended.name === 'request') return
      durations[ended.name].observe({ [label[ended.name]]: ended.of }, (performance.now() - from) / 1000)
      if (ended.name === 'job') attempts.inc({ kind: ended.of, outcome: ended.error === undefined ? 'done' : 'failed' })
    },
  }
  STEPS.start.subscribe(subscriber.start as (message: unknown) => void)
  STEPS.asyncEnd.subscribe(subscriber.asyncEnd as (message: unknown) => void)
  return () => {
    STEPS.start.unsubscribe(subscriber.start as (message: unknown) => void)
    STEPS.asyncEnd.unsubscribe(subscriber.asyncEnd as (message: unknown) => void)
  }
}

function countHappenings(registry: Registry): () => void {
  const counter = (name: string, help: string, labelNames: string[]): Counter =>
    new Counter({ name, help, labelNames, registers: [registry] })
  const calls = new Histogram({
    name: 'insight_model_call_duration_seconds',
    help: 'One call of a model, from when it had a slot until its last byte',
    labelNames: ['role', 'model', 'ok'],
    buckets: SLOW,
    registers: [registry],
  })
  const tokens = counter('insight_model_tokens_total', 'Tokens of model calls', ['role', 'model', 'kind'])
  const cost = counter('insight_model_cost_cny_total', 'Cost of model calls by the price list', ['role', 'model'])
  const cache = counter('insight_cache_total', 'Replies of models that were there already, and those that had to be asked for', [
    'cache',
    'outcome',
  ])
  const explained = counter('insight_chunks_explained_total', 'Chunks that explain themselves and needed no extractor', ['by'])
  const moves = counter('insight_tier_moves_total', 'Workspaces given an index of their own, or taken back', ['moved'])
  const listen = (message: unknown): void => {
    const happening = message as Happening
    if (happening.kind === 'tier') moves.inc({ moved: happening.moved }, happening.workspaces)
    if (happening.kind === 'explained') explained.inc({ by: happening.by }, happening.chunks)
    if (happening.kind === 'cache') {
      cache.inc({ cache: happening.cache, outcome: 'hit' }, happening.hits)
      cache.inc({ cache: happening.cache, outcome: 'miss' }, happening.misses)
    }
    if (happening.kind !== 'model') return
    const { role, model } = happening
    calls.observe({ role, model, ok: String(happening.ok) }, happening.ms / 1000)
    cost.inc({ role, model }, happening.costCny)
    for (const [kind, count] of [
      ['input', happening.inputTokens],
      ['cached', happening.cachedTokens],
      ['output', happening.outputTokens],
    ] as const)
      tokens.inc({ role, model, kind }, count)
  }
  HAPPENINGS.subscribe(listen)
  return () => {
    HAPPENINGS.unsubscribe(listen)
  }
}

/** Asked for once a scrape. While the database is away these series are gone, and `insight_database_up` says why. */
function showState(registry: Registry, operations: Operations): void {
  let running: Promise<void> | undefined
  // Every gauge waits for the same look, whichever is asked first.
  const collect = (): Promise<void> => (running ??= show().finally(() => (running = undefined)))
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
    new Gauge({ name, help, labelNames, registers: [registry], collect })
  const up = gauge('insight_database_up', 'Whether the database answered')
  const jobs = gauge('insight_jobs', 'Jobs that wait or run', ['kind', 'state'])
  const oldest = gauge('insight_job_oldest_seconds', 'Age of the oldest job that waits or runs', ['kind', 'state'])
  const outbox = gauge('insight_outbox', 'Callbacks and events that are not delivered', ['state'])
  const lag = gauge('insight_outbox_lag_seconds', 'Age of the oldest callback or event that waits')
  const pool = gauge('insight_pool_connections', 'Connections to the database, and calls that wait for one', ['pool', 'state'])
  const budgets = gauge('insight_workspaces_near_budget', 'Workspaces from 80 % of their monthly model budget on, and without any left', [
    'state',
  ])
  const own = gauge('insight_workspaces_own_index', 'Workspaces with a vector index of their own')

  async function show(): Promise<void> {
    const load = await operations.load().catch(() => undefined)
    for (const one of [jobs, oldest, outbox, lag, pool, own, budgets]) one.reset()
    up.set(load === undefined ? 0 : 1)
    if (load === undefined) return
    for (const { kind, state, jobs: count, oldestSeconds } of load.queue) {
      jobs.set({ kind, state }, count)
      oldest.set({ kind, state }, oldestSeconds)
    }
    for (const { state, events } of load.outbox) outbox.set({ state }, events)
    lag.set(load.outboxLagSeconds)
    own.set(load.ownIndexes)
    budgets.set({ state: 'warned' }, load.budgets.near - load.budgets.exhausted)
    budgets.set({ state: 'exhausted' }, load.budgets.exhausted)
    for (const { name, ...counts } of load.pools)
      for (const [state, count] of Object.entries(counts)) pool.set({ pool: name, state }, count)
  }
}
