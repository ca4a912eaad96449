// Looks now and then whether a workspace has outgrown the shared partition, or shrunk back into it.
import type { Database } from '../ports/database.ts'
import type { Log } from '../services/deps.ts'
import { happened } from '../services/steps.ts'
import { settleTiers, TIER_THRESHOLDS } from '../services/tiers.ts'
import { withTierLock } from '../store/tiers.ts'

const EVERY_MS = 10 * 60_000

export class TierKeeper {
  readonly #database: Database
  readonly #log: Log
  readonly #stopping = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()

  constructor(database: Database, log: Log) {
    this.#database = database
    this.#log = log
  }

  start(): void {
    // The embedded engine has one connection, which an index build would hold for minutes; it is not meant for large libraries.
    if (this.#database.engine === 'pglite') return
    this.#timer = setInterval(() => void (this.#running = this.#running.then(() => this.#settle())), EVERY_MS)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#stopping.abort()
    await this.#running
  }

  async #settle(): Promise<void> {
    try {
      const moved = await withTierLock(this.#database, () => settleTiers(this.#database, TIER_THRESHOLDS, this.#stopping.signal))
      if (!moved || moved.promoted + moved.demoted === 0) return
      for (const way of ['promoted', 'demoted'] as const) happened({ kind: 'tier', moved: way, workspaces: moved[way] })
      this.#log.info(moved, 'workspaces moved between the shared partition and their own')
    } catch (error) {
      this.#log.warn({ err: error }, 'a workspace could not be moved; it is tried again later')
    }
  }
}
