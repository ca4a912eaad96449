// The main thread's side of an inference worker: starts it, asks it, notices its death, and lets questions overtake documents.
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { AppError } from '../../core/errors.ts'
import { createGate } from '../gate.ts'
import type { Priority } from '../gate.ts'
import { lengthBuckets, OutOfMemory, runHalving } from './batches.ts'
import type { ModelFolder } from './folder.ts'
import type { Device, Readout, Request, Response, WorkerSetup } from './messages.ts'

export type RuntimeOptions = {
  folder: ModelFolder
  device: Device
  /** The setting to change when the model cannot be loaded. */
  setting: string
  /** Rows × longest row of one run; bounds memory. */
  tokenBudget: number
  /** Told in a sentence what is not as good as it could be. */
  onWarning: (sentence: string) => void
}

export type Tokenised = { rows: Int32Array[]; /** How many texts were cut at the limit. */ truncated: number; tokens: number }

export type Runtime = {
  /** A graph loads whatever it computes: one run of it shows whether it is the right one. @throws AppError `embedding_service_unavailable` */
  prove(attempt: (signal: AbortSignal) => Promise<unknown>): Promise<void>
  tokenise(texts: readonly string[], limits: { maxTokens: number; specialTokens: boolean }, signal: AbortSignal): Promise<Tokenised>
  /** One array per row, in their order. */
  run(rows: readonly Int32Array[], readout: Readout, priority: Priority, signal: AbortSignal): Promise<Float32Array[]>
  close(): Promise<void>
}

type Pending = { resolve(response: Response): void; reject(error: unknown): void }
type Live = { worker: Worker; ready: Promise<void>; pending: Map<number, Pending> }
type Ask = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never

export function createRuntime(options: RuntimeOptions): Runtime {
  const gate = createGate(1)
  let live: Live | undefined
  let lastId = 0
  let budget = options.tokenBudget

  async function ask(request: Ask, signal?: AbortSignal): Promise<Response> {
    signal?.throwIfAborted()
    live ??= startWorker(options, (dead) => {
      if (live === dead) live = undefined
    })
    const { worker, ready, pending } = live
    await ready
    lastId += 1
    const id = lastId
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve, reject })
      // A worker nobody waits for must not keep the process alive; one that is waited for must.
      worker.ref()
      worker.postMessage({ ...request, id })
    })
  }

  async function runBatch(rows: readonly Int32Array[], readout: Readout, signal: AbortSignal): Promise<Float32Array[]> {
    const response = await ask({ type: 'run', rows, readout }, signal)
    return response.type === 'ran' ? response.values : []
  }

  return {
    async prove(attempt) {
      try {
        await attempt(new AbortController().signal)
      } catch (error) {
        const isRun = error instanceof AppError && error.details?.['reason'] === 'run'
        throw isRun ? unloadable(options.setting, error.cause instanceof Error ? error.cause.message : error.message) : error
      }
    },
    async tokenise(texts, { maxTokens, specialTokens }, signal) {
      const response = await ask({ type: 'tokenise', texts, maxTokens, specialTokens }, signal)
      const { rows, cut } = response.type === 'tokenised' ? response : { rows: [], cut: [] }
      return { rows, truncated: cut.filter(Boolean).length, tokens: rows.reduce((sum, row) => sum + row.length, 0) }
    },
    async run(rows, readout, priority, signal) {
      const results: Float32Array[] = []
      const lengths = rows.map((row) => row.length)
      for (const group of lengthBuckets(lengths, budget)) {
        const release = await gate.acquire(priority, signal)
        const own = group.map((index) => rows[index] ?? new Int32Array(0))
        const smaller = (count: number): void => {
          budget = Math.max(1, Math.floor((count * (own[0]?.length ?? 1)) / 2))
        }
        // The slot is free when the worker is, also when the caller has left meanwhile.
        const work = runHalving(own, (part) => runBatch(part, readout, signal), smaller)
          .catch(toTooLarge)
          .finally(release)
        const values = await untilAborted(work, signal)
        for (const [position, index] of group.entries()) results[index] = values[position] ?? new Float32Array(0)
      }
      return results
    },
    async close() {
      const ending = live
      live = undefined
      await ending?.worker.terminate()
    },
  }
}

/** What one text alone needs is not there; fewer at once would not help. */
function toTooLarge(error: unknown): never {
  if (!(error instanceof OutOfMemory)) throw error
  const sentence = 'The local model ran out of memory on a single text; lower EMBEDDING_MAX_TOKENS, or give the machine more memory.'
  throw new AppError('embedding_service_unavailable', sentence, { cause: error, details: { reason: 'memory' } })
}

/** The work's result, or the signal's reason as soon as it aborts; the work itself goes on. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    work
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', leave))
      .catch(() => undefined)
  })
}

function startWorker({ folder, device, setting, onWarning }: RuntimeOptions, onDeath: (live: Live) => void): Live {
  const { modelFile, tokenizerFile, tokenizerConfigFile } = folder
  // One core stays with the event loop, where there is more than one.
  const workerData: WorkerSetup = {
    modelFile,
    tokenizerFile,
    tokenizerConfigFile,
    device,
    threads: Math.max(1, availableParallelism() - 1),
  }
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData })
  const pending = new Map<number, Pending>()
  const readiness = Promise.withResolvers<void>()
  // Whoever asks awaits it; a worker that dies while nobody asks is started anew by the next call.
  readiness.promise.catch(() => undefined)
  const live: Live = { worker, ready: readiness.promise, pending }
  const die = (error: unknown): void => {
    onDeath(live)
    readiness.reject(error)
    for (const waiting of pending.values()) waiting.reject(error)
    pending.clear()
  }
  worker.on('message', (response: Response) => {
    if (response.type === 'ready') {
      if (device === 'auto' && response.device === 'cpu')
        onWarning('The local model runs on the CPU, because the CUDA libraries are not there; this is slow for many documents.')
      worker.unref()
      readiness.resolve()
    } else if (response.type === 'unloadable') {
      die(unloadable(setting, response.message))
      void worker.terminate()
    } else {
      settle(pending, response)
      if (pending.size === 0) worker.unref()
    }
  })
  worker.on('error', (error) => die(new AppError('embedding_service_unavailable', 'The local model’s worker failed.', { cause: error })))
  worker.on('exit', () => die(new AppError('embedding_service_unavailable', 'The local model’s worker ended.')))
  return live
}

/** The runtime's own words may hold paths, so they are only the cause. */
function unloadable(setting: string, message: string): AppError {
  const sentence = `The local model cannot be loaded; check ${setting}, the files and their checksums as models/README.md says.`
  return new AppError('embedding_service_unavailable', sentence, { cause: new Error(message), details: { reason: 'unloadable' } })
}

function settle(pending: Map<number, Pending>, response: Exclude<Response, { type: 'ready' | 'unloadable' }>): void {
  const waiting = pending.get(response.id)
  pending.delete(response.id)
  if (response.type !== 'failed') return waiting?.resolve(response)
  const { kind, message } = response.failure
  if (kind === 'memory') return waiting?.reject(new OutOfMemory(message))
  const sentence = kind === 'protocol' ? `The local model is not usable. ${message}` : 'The local model failed on this text.'
  waiting?.reject(new AppError('embedding_service_unavailable', sentence, { cause: new Error(message), details: { reason: kind } }))
}
