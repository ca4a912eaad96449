// What stands around every model call: a slot by priority, a breaker against a dead server, and a record for the ledger.
import { BrokenCircuitError, circuitBreaker, ConsecutiveBreaker, ExponentialBackoff, handleWhen, noJitterGenerator } from 'cockatiel'
import type { ICancellationContext, IPolicy } from 'cockatiel'
import { AppError, asAppError } from '../core/errors.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { ChatModel, ChatReply, EmbeddingModel, Reranker, Usage, VisionModel } from '../ports/models.ts'
import { NO_USAGE } from '../ports/models.ts'
import { createGate } from './gate.ts'
import type { Gate, Priority } from './gate.ts'
import { nounOf } from './openai/errors.ts'
import { observingAttempts } from './openai/transport.ts'
import type { Endpoint } from './roles.ts'
import type { RoleName } from './settings.ts'

/** One model call for the ledger. Who it was for is known to whoever called; the receiver runs in the caller's async context. */
export type UsageRecord = {
  role: RoleName
  model: string
  usage: Usage
  /** From the moment the call had a slot until its last byte. */
  ms: number
  ok: boolean
  /** Set when it failed; `aborted` when the caller gave up. */
  error?: ErrorCode | 'aborted'
}

export type Flow = {
  /** Runs one call of an endpoint. @throws AppError of the endpoint's kind when its server failed too often lately. */
  call<T extends { usage: Usage }>(priority: Priority, signal: AbortSignal, run: () => Promise<T>): Promise<T>
  stream(priority: Priority, signal: AbortSignal, open: () => AsyncGenerator<string, ChatReply>): AsyncGenerator<string, ChatReply>
  readonly gate: Gate
}

export type FlowOptions = {
  /** How long the breaker stays open before one call may try again, at first and ten times that at most; default 1 s. */
  openMs?: number | undefined
  /** On whose behalf the caller acts; calls of one priority are shared fairly between these. */
  tenantOf?: (() => string) | undefined
}

/** Failures in a row that open the breaker. */
const FAILURES = 5
/** Short, because a server that was only started anew is soon back; doubled while it is not. */
const OPEN_MS = 1_000
const SERVER_FAULTS = new Set(['timeout', 'unreachable', 'server', 'wrong_reply'])

const isServerFault = (error: unknown): boolean => error instanceof AppError && SERVER_FAULTS.has(String(error.details?.['reason']))

/** The reader of a stream left before its end. */
const LEFT = Symbol('left')

type Shared = { gate: Gate; breaker: IPolicy<ICancellationContext> }

/**
 * Makes the flow of endpoints; endpoints with the same server, key and model share one gate and one breaker.
 * The gate's ceiling is the concurrency of the endpoint that came first.
 * @param onUsage told of every call, failed ones too; must not throw.
 */
export function createFlows(onUsage: (record: UsageRecord) => void, options: FlowOptions = {}): (endpoint: Endpoint) => Flow {
  const { openMs = OPEN_MS, tenantOf } = options
  const shared = new Map<string, Shared>()
  return (endpoint) => {
    const key = JSON.stringify([endpoint.baseUrl, endpoint.apiKey, endpoint.model])
    let known = shared.get(key)
    if (!known) {
      known = {
        gate: createGate(endpoint.concurrency, tenantOf),
        breaker: circuitBreaker(handleWhen(isServerFault), {
          halfOpenAfter: new ExponentialBackoff({ initialDelay: openMs, maxDelay: 10 * openMs, generator: noJitterGenerator }),
          breaker: new ConsecutiveBreaker(FAILURES),
        }),
      }
      shared.set(key, known)
    }
    return createFlow(endpoint, known, onUsage)
  }
}

function createFlow(endpoint: Endpoint, { gate, breaker }: Shared, onUsage: (record: UsageRecord) => void): Flow {
  const record = (started: number, usage: Usage, error?: unknown, signal?: AbortSignal): void => {
    const aborted = signal?.aborted === true || error === LEFT
    const failure = error === undefined ? {} : { error: aborted ? ('aborted' as const) : asAppError(error).code }
    onUsage({ role: endpoint.role, model: endpoint.model, usage, ms: performance.now() - started, ok: error === undefined, ...failure })
  }
  const observed = <T>(run: () => Promise<T>, label: string): Promise<T> =>
    breaker
      .execute(() => observingAttempts((attempt) => gate.observe(attempt, label), run))
      .catch((error: unknown) => {
        throw error instanceof BrokenCircuitError ? brokenCircuit(endpoint) : error
      })

  return {
    gate,
    async call(priority, signal, run) {
      const release = await gate.acquire(priority, signal)
      const started = performance.now()
      try {
        const result = await observed(run, endpoint.role)
        record(started, result.usage)
        return result
      } catch (error) {
        record(started, NO_USAGE, error, signal)
        throw error
      } finally {
        release()
      }
    },
    async *stream(priority, signal, open) {
      const release = await gate.acquire(priority, signal)
      const started = performance.now()
      let finished: ChatReply | undefined
      let failure: unknown
      try {
        const pieces = open()
        // A dead server shows at the first piece; what breaks later is no reason to lock others out.
        let step = await observed(() => pieces.next(), `${endpoint.role} stream`)
        try {
          while (!step.done) {
            yield step.value
            step = await pieces.next()
          }
          finished = step.value
          return finished
        } finally {
          // The reader may have left early: the request must end with it.
          if (!step.done) await pieces.return({ text: '', usage: NO_USAGE, truncated: true })
        }
      } catch (error) {
        failure = error
        throw error
      } finally {
        release()
        record(started, finished?.usage ?? NO_USAGE, finished ? undefined : (failure ?? LEFT), signal)
      }
    },
  }
}

function brokenCircuit(endpoint: Endpoint): AppError {
  const code = endpoint.role === 'embed' ? 'embedding_service_unavailable' : 'llm_unavailable'
  const message = `The ${nounOf(endpoint)} failed ${FAILURES} times in a row and is left alone for a few seconds.`
  return new AppError(code, message, { retryAfterSeconds: OPEN_MS / 1000, details: { reason: 'circuit_open' } })
}

export const flowingChat = (chat: ChatModel, flow: Flow, priority: Priority): ChatModel => ({
  model: chat.model,
  complete: (request, signal) => flow.call(priority, signal, () => chat.complete(request, signal)),
  stream: (request, signal) => flow.stream(priority, signal, () => chat.stream(request, signal)),
})

/** A local model: it has its own queue and cannot be overloaded by others, so it is only recorded. */
export function recordingEmbedding(model: EmbeddingModel, onUsage: (record: UsageRecord) => void): EmbeddingModel {
  return {
    ...model,
    async embed(texts, kind, signal) {
      const started = performance.now()
      const embeddings = await model.embed(texts, kind, signal)
      onUsage({ role: 'embed', model: model.model, usage: embeddings.usage, ms: performance.now() - started, ok: true })
      return embeddings
    },
  }
}

/** As `recordingEmbedding`. */
export const recordingReranker = (reranker: Reranker, onUsage: (record: UsageRecord) => void): Reranker => ({
  model: reranker.model,
  async rerank(query, documents, signal) {
    const started = performance.now()
    const ranking = await reranker.rerank(query, documents, signal)
    onUsage({ role: 'rerank', model: reranker.model, usage: ranking.usage, ms: performance.now() - started, ok: true })
    return ranking
  },
})

export const flowingReranker = (reranker: Reranker, flow: Flow): Reranker => ({
  model: reranker.model,
  rerank: (query, documents, signal) => flow.call('live', signal, () => reranker.rerank(query, documents, signal)),
})

export const flowingVision = (vision: VisionModel, flow: Flow): VisionModel => ({
  model: vision.model,
  describe: (image, prompt, signal) => flow.call('ingest', signal, () => vision.describe(image, prompt, signal)),
})
