// What has to happen now and then: free expired leases, forget what may not be kept.
import { workspaceKind, workspaceScope } from '../core/workspace.ts'
import type { Database } from '../ports/database.ts'
import type { Log } from '../services/deps.ts'
import { collectVersions } from '../services/releases/versions.ts'
import * as jobs from '../store/jobs.ts'
import * as outbox from '../store/outbox.ts'
import { withScope } from '../store/scope.ts'
import * as versions from '../store/staged-versions.ts'
import * as staging from '../store/staging.ts'
import * as workspaces from '../store/workspaces.ts'
import { TierKeeper } from './tier-keeper.ts'

const LEASES_EVERY_MS = 5_000
const CLEANING_EVERY_MS = 3_600_000

export class Maintenance {
  readonly #database: Database
  readonly #log: Log
  #timers: NodeJS.Timeout[] = []
  #running: Promise<void> = Promise.resolve()
  readonly #tiers: TierKeeper

  constructor(database: Database, log: Log) {
    this.#database = database
    this.#log = log
    this.#tiers = new TierKeeper(database, log)
  }

  async start(): Promise<void> {
    // The embedded engine belongs to one process: whatever runs in its table died with the process before this one.
    const alone = this.#database.engine === 'pglite'
    await jobs.requeueExpired(this.#database.db, alone)
    if (alone) await outbox.releaseAll(this.#database.db)
    // A service that is restarted often must not keep what is past its time.
    this.#enqueue(() => this.clean())
    this.#timers = [
      setInterval(() => this.#enqueue(() => this.#freeLeases()), LEASES_EVERY_MS),
      setInterval(() => this.#enqueue(() => this.clean()), CLEANING_EVERY_MS),
    ]
    for (const timer of this.#timers) timer.unref()
    this.#tiers.start()
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all([this.#running, this.#tiers.stop()])
  }

  /** Drops what is past its time: uploads and staged replies of old failures, what was staged for jobs that ended, finished jobs and events. */
  async clean(): Promise<void> {
    for (const workspace of await workspaces.all(this.#database.db)) {
      await withScope(this.#database, workspaceScope(workspace), async (tx) => {
        await staging.dropExpired(tx, workspace)
        // Of that job alone: the document's next attempt may be writing by now.
        for (const left of await versions.abandoned(tx, workspace)) await versions.drop(tx, workspace, left.file_id, left.job_id)
      })
      if (workspaceKind(workspace) === 'kb') await collectVersions(this.#database, workspace)
    }
    await jobs.forgetFinished(this.#database.db)
    await outbox.forgetFinished(this.#database.db)
  }

  async #freeLeases(): Promise<void> {
    const freed = await jobs.requeueExpired(this.#database.db)
    if (freed > 0) this.#log.warn({ jobs: freed }, 'leases ran out; the work is queued again')
  }

  #enqueue(work: () => Promise<void>): void {
    this.#running = this.#running
      .then(work)
      .catch((error: unknown) => this.#log.warn({ err: error }, 'maintenance failed; it runs again later'))
  }
}
