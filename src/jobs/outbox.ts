// Delivers the outbox: in order per file, at least once, without one slow receiver delaying anybody else.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '../ports/database.ts'
import type { CallbackOutcome, EventWebhook, JavaBackend, ParseStatusBody } from '../ports/java.ts'
import type { JobSecret, Log, Vault } from '../services/deps.ts'
import { RELEASE_EVENT } from '../services/releases/events.ts'
import * as outbox from '../store/outbox.ts'

/** Waits before the second, third, … try; then every six hours until 72 hours after the event. */
const SCHEDULE_MS = [5_000, 30_000, 300_000, 1_800_000, 7_200_000]
const LAST_STEP_MS = 21_600_000
const GIVE_UP_AFTER_MS = 72 * 3_600_000
/** Longer than the call and its repetition with the service's own token may take (15 s each). */
const LEASE_MS = 45_000

export type OutboxOptions = {
  database: Database
  java: JavaBackend | undefined
  events?: EventWebhook | undefined
  vault: Vault
  log: Log
  pollMs?: number
  concurrency?: number
  perWorkspace?: number
  /** How long a stop waits for callbacks on their way. */
  graceMs?: number
  /** Replaces the schedule; tests shorten it. */
  scheduleMs?: readonly number[]
}

export class OutboxDelivery {
  readonly #options: Required<OutboxOptions>
  readonly #stop = new AbortController()
  readonly #cut = new AbortController()
  readonly #sending = new Set<Promise<void>>()
  #wake = Promise.withResolvers<void>()
  #loop: Promise<void> | undefined

  constructor(options: OutboxOptions) {
    this.#options = {
      events: undefined,
      pollMs: 1_000,
      concurrency: 64,
      perWorkspace: 4,
      graceMs: 3_000,
      scheduleMs: SCHEDULE_MS,
      ...options,
    }
  }

  start(): void {
    this.#loop ??= this.#run()
  }

  wake(): void {
    this.#wake.resolve()
  }

  /** Takes nothing new; what is on its way may arrive, what takes too long is handed back. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('delivery is stopping'))
    this.wake()
    await this.#loop
    const timer = setTimeout(() => this.#cut.abort(new Error('delivery is stopping')), this.#options.graceMs)
    await Promise.all(this.#sending)
    clearTimeout(timer)
  }

  async #run(): Promise<void> {
    const { database, log, concurrency, perWorkspace, pollMs } = this.#options
    while (!this.#stop.signal.aborted) {
      this.#wake = Promise.withResolvers()
      let claimed: outbox.OutboxRow[] = []
      try {
        const limit = concurrency - this.#sending.size
        if (limit > 0) claimed = await outbox.claimDue(database.db, { limit, perWorkspace, leaseMs: LEASE_MS })
      } catch (error) {
        log.warn({ err: error }, 'the outbox cannot be read; trying again')
      }
      for (const row of claimed) {
        const sent = this.#send(row).finally(() => {
          this.#sending.delete(sent)
          this.wake()
        })
        this.#sending.add(sent)
      }
      if (claimed.length > 0) continue
      const timer = new AbortController()
      await Promise.race([this.#wake.promise, sleep(pollMs, undefined, { signal: timer.signal }).catch(() => undefined)])
      timer.abort()
    }
  }

  async #send(row: outbox.OutboxRow): Promise<void> {
    if (row.kind.startsWith(RELEASE_EVENT)) return this.#sendEvent(row)
    const { database, java, vault, log } = this.#options
    if (java === undefined) return outbox.park(database.db, row.id, 'JAVA_BASE_URL is not set')
    try {
      const secret = openToken(vault, row)
      if (secret === undefined) return await outbox.park(database.db, row.id, 'The stored token was sealed with another SECRETS_KEY.')
      const report = {
        fileId: row.subject,
        eventId: row.event_id,
        body: row.body as ParseStatusBody,
        token: secret.token,
        timestamp: Math.floor(Date.now() / 1000),
      }
      await this.#record(row, await java.reportParseStatus(report, this.#cut.signal))
    } catch (error) {
      if (this.#cut.signal.aborted) return this.#handBack(row)
      // The database went away: the lease runs out and the event is sent again.
      log.warn({ eventId: row.event_id, err: error }, 'a callback could not be settled')
    }
  }

  /** A stop must not cost the event its lease's time: the next process sends it at once. */
  async #handBack(row: outbox.OutboxRow): Promise<void> {
    try {
      await outbox.release(this.#options.database.db, row.id)
    } catch (error) {
      this.#options.log.warn({ eventId: row.event_id, err: error }, 'a callback could not be handed back; its lease runs out')
    }
  }

  async #sendEvent(row: outbox.OutboxRow): Promise<void> {
    const { database, events, log } = this.#options
    if (events === undefined) return outbox.park(database.db, row.id, 'EVENTS_URL is not set')
    try {
      const event = { eventId: row.event_id, body: row.body, timestamp: Math.floor(Date.now() / 1000) }
      await this.#record(row, await events.deliver(event, this.#cut.signal))
    } catch (error) {
      // Aborted by a stop, or the database went away: the lease runs out and the event is sent again.
      if (!this.#cut.signal.aborted) log.warn({ eventId: row.event_id, err: error }, 'an event could not be settled')
    }
  }

  async #record(row: outbox.OutboxRow, outcome: CallbackOutcome): Promise<void> {
    const { database, log, scheduleMs } = this.#options
    const fields = { eventId: row.event_id, workspace: row.workspace_id, fileId: row.subject, attempts: row.attempts }
    if (outcome.status === 'delivered') return outbox.delivered(database.db, row.id)
    log.warn({ ...fields, outcome: outcome.status, reason: outcome.reason }, 'a callback was not delivered')
    const tooOld = Date.now() - row.created_at.getTime() > GIVE_UP_AFTER_MS
    if (outcome.status !== 'retry' || tooOld) return outbox.park(database.db, row.id, outcome.reason)
    const planned = (scheduleMs[row.attempts - 1] ?? LAST_STEP_MS) * (0.9 + Math.random() * 0.2)
    return outbox.later(database.db, row.id, outcome.reason, Math.max(planned, (outcome.retryAfterSeconds ?? 0) * 1000))
  }
}

/** Undefined when it was sealed with another key. */
function openToken(vault: Vault, row: outbox.OutboxRow): JobSecret | undefined {
  if (row.secret === null) return {}
  try {
    return JSON.parse(vault.open(row.secret, row.workspace_id)) as JobSecret
  } catch {
    // Nothing but the key decides whether it opens, and no other key is known.
    return undefined
  }
}
