// Runs durable work: claims a job, keeps its lease alive, and turns what it throws into another try or a final failure.
import { setTimeout as sleep } from 'node:timers/promises'
import { asAppError, type AppError } from '../core/errors.ts'
import type { Database } from '../ports/database.ts'
import type { Log } from '../services/deps.ts'
import { step } from '../services/steps.ts'
import * as jobs from '../store/jobs.ts'

/** What a kind of job does. `giveUp` writes the final failure; it must end the job itself, in its own transaction. */
export type JobHandler = {
  run(job: jobs.JobRow, signal: AbortSignal): Promise<void>
  giveUp(job: jobs.JobRow, error: AppError): Promise<void>
}

export type WorkerOptions = {
  database: Database
  handlers: Readonly<Record<string, JobHandler>>
  log: Log
  /** Jobs at once in this process, and of one workspace in all processes. */
  concurrency: number
  perWorkspace: number
  leaseMs?: number
  pollMs?: number
  /** First wait before another try; doubles each time, with full jitter. */
  backoffMs?: number
  /** Names failures of drivers, such as a lost database connection. */
  translate?: (error: unknown) => AppError | undefined
}

const MAX_BACKOFF_MS = 600_000

export class Worker {
  readonly #options: Required<WorkerOptions>
  readonly #stop = new AbortController()
  readonly #running = new Set<Promise<void>>()
  #wake = Promise.withResolvers<void>()
  #loop: Promise<void> | undefined

  constructor(options: WorkerOptions) {
    this.#options = { leaseMs: 60_000, pollMs: 1_000, backoffMs: 2_000, translate: () => undefined, ...options }
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  /** There may be work: look now instead of at the next poll. */
  wake(): void {
    this.#wake.resolve()
  }

  /** Stops claiming, aborts what runs; unfinished jobs go back to the queue without costing them an attempt. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the worker is stopping'))
    this.wake()
    await this.#loop
    await Promise.all(this.#running)
  }

  get busy(): number {
    return this.#running.size
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      this.#wake = Promise.withResolvers()
      const job = this.#running.size < this.#options.concurrency ? await this.#claim() : undefined
      if (job === undefined) {
        await this.#pause()
        continue
      }
      const work = this.#work(job).finally(() => {
        this.#running.delete(work)
        this.wake()
      })
      this.#running.add(work)
    }
  }

  async #pause(): Promise<void> {
    const timer = new AbortController()
    await Promise.race([this.#wake.promise, sleep(this.#options.pollMs, undefined, { signal: timer.signal }).catch(() => undefined)])
    timer.abort()
  }

  async #claim(): Promise<jobs.JobRow | undefined> {
    const { database, handlers, perWorkspace, leaseMs, log } = this.#options
    try {
      return await jobs.claim(database.db, { kinds: Object.keys(handlers), perWorkspace, leaseMs })
    } catch (error) {
      log.warn({ err: error }, 'the queue cannot be read; trying again')
      return undefined
    }
  }

  async #work(job: jobs.JobRow): Promise<void> {
    const lease = new AbortController()
    const over = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, lease.signal, over.signal])
    const heart = this.#beat(job, lease)
    try {
      const handler = this.#options.handlers[job.kind]
      if (handler === undefined) throw new Error(`no handler for jobs of kind ${job.kind}`)
      await step('job', job.kind, () => handler.run(job, signal), {
        jobId: job.job_id,
        workspace: job.workspace_id,
        subject: job.subject,
        attempt: job.attempts,
      })
    } catch (error) {
      await this.#settle(job, error, lease.signal.aborted)
    } finally {
      clearInterval(heart)
      // Nothing that the attempt started may go on after it.
      over.abort(new Error('the attempt is over'))
    }
  }

  #beat(job: jobs.JobRow, lease: AbortController): NodeJS.Timeout {
    const { database, leaseMs, log } = this.#options
    return setInterval(() => {
      jobs.heartbeat(database.side, job, leaseMs).then(
        (kept) => {
          if (!kept) lease.abort(new Error('the lease is lost'))
        },
        (error: unknown) => log.warn({ jobId: job.job_id, err: error }, 'a heartbeat failed'),
      )
    }, leaseMs / 4)
  }

  /** Failures of this very step are logged: the lease runs out and another worker takes over. */
  async #settle(job: jobs.JobRow, thrown: unknown, leaseLost: boolean): Promise<void> {
    const { database, handlers, log, backoffMs } = this.#options
    if (leaseLost) return
    try {
      if (this.#stop.signal.aborted) {
        await jobs.handBack(database.db, job)
        return
      }
      const error = this.#options.translate(thrown) ?? asAppError(thrown)
      const fields = { jobId: job.job_id, kind: job.kind, workspace: job.workspace_id, code: error.code, attempts: job.attempts }
      if (error.code === 'internal_error') log.error({ ...fields, err: thrown }, 'a job failed unexpectedly')
      else log.warn(fields, 'a job failed')
      if (error.definition.retry === 'quota') {
        await jobs.pause(database.db, job, `${error.code}: ${error.message}`, Math.max(backoffMs, (error.retryAfterSeconds ?? 0) * 1000))
        return
      }
      if (error.definition.retry === 'permanent' || error.details?.['permanent'] === true || job.attempts >= job.max_attempts) {
        await handlers[job.kind]?.giveUp(job, error)
        return
      }
      const spread = Math.min(MAX_BACKOFF_MS, backoffMs * 2 ** (job.attempts - 1))
      const delayMs = Math.max(Math.random() * spread, (error.retryAfterSeconds ?? 0) * 1000)
      await jobs.retryLater(database.db, job, `${error.code}: ${error.message}`, Math.min(delayMs, MAX_BACKOFF_MS))
    } catch (error) {
      log.error({ jobId: job.job_id, err: error }, 'the end of a job could not be written')
    }
  }
}
