// Collects what model calls used and writes it in batches: accounting never waits on the path of a call.
import type { Database } from '../ports/database.ts'
import type { Log } from '../services/deps.ts'
import * as ledger from '../store/ledger.ts'

const FLUSH_EVERY_MS = 1_000

export class Ledger {
  readonly #database: () => Database
  readonly #log: Log
  #pending: ledger.ModelCall[] = []
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()

  /** @param database  read at the first flush; models exist before the database is open. */
  constructor(database: () => Database, log: Log) {
    this.#database = database
    this.#log = log
  }

  record(call: ledger.ModelCall): void {
    this.#pending.push(call)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.flush()
    }, FLUSH_EVERY_MS)
  }

  flush(): Promise<void> {
    const calls = this.#pending.splice(0)
    this.#flushing = this.#flushing.then(async () => {
      try {
        await ledger.record(this.#database().db, calls)
      } catch (error) {
        this.#log.warn({ err: error, calls: calls.length }, 'model calls could not be written to the ledger')
      }
    })
    return this.#flushing
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    await this.flush()
  }
}
