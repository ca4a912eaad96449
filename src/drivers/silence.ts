// Notices a database server that has fallen silent: packets are dropped, nothing is refused, and the operating system would let every
// statement wait for a quarter of an hour. Then all connections are given up, and new ones are refused at once until it answers again.
import { Socket } from 'node:net'
import type { PostgresPool } from 'kysely'
import pg from 'pg'

/** How often it is looked whether anything came. */
const EVERY_MS = 2_000
/** So many looks in a row a new connection may take to be answered. Counted and not timed: a busy event loop is no silent server. */
const PROBE_LOOKS = 5
/** The way to the server is gone; whoever refuses a connection has answered. */
const UNREACHABLE = new Set(['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'])

/** `lost`: its connection has found no way; the next look tries another. */
type Probe = { looks: number; lost: boolean }

export class SilenceWatch {
  readonly #url: string
  readonly #sockets = new Set<Socket>()
  readonly #pools: pg.Pool[] = []
  readonly #timer: NodeJS.Timeout
  /** Bytes that came over sockets that are closed. */
  #received = 0
  #before = 0
  #isSilent = false
  #probe: Probe | undefined

  constructor(url: string, everyMs = EVERY_MS) {
    this.#url = url
    this.#timer = setInterval(() => this.#look(), everyMs)
  }

  /** For node-postgres' option `stream`. */
  readonly socket = (): Socket => {
    const socket = new Socket()
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#received += socket.bytesRead
    })
    return socket
  }

  /** The pool, whose clients must be made with `socket`, as long as the server answers. */
  guard(pool: pg.Pool): PostgresPool {
    this.#pools.push(pool)
    return {
      options: pool.options,
      connect: () => (this.#isSilent ? Promise.reject(silent()) : pool.connect()),
      end: () => pool.end(),
    }
  }

  close(): void {
    clearInterval(this.#timer)
    if (this.#probe !== undefined) this.#giveUp()
  }

  #look(): void {
    const received = [...this.#sockets].reduce((sum, socket) => sum + socket.bytesRead, this.#received)
    const isQuiet = received === this.#before
    this.#before = received
    const probe = this.#probe
    if (probe === undefined) {
      if (this.#isSilent || (isQuiet && this.#somebodyWaits())) this.#ask(0)
      return
    }
    probe.looks = isQuiet ? probe.looks + 1 : 0
    if (probe.looks >= PROBE_LOOKS) this.#giveUp()
    else if (probe.lost) this.#ask(probe.looks)
  }

  #somebodyWaits(): boolean {
    return this.#pools.some((pool) => pool.totalCount > pool.idleCount)
  }

  /** By a connection of its own: one that is in use may rightly be silent for minutes. */
  #ask(looks: number): void {
    const probe: Probe = { looks, lost: false }
    this.#probe = probe
    const client = new pg.Client({ connectionString: this.#url, stream: this.socket })
    client.on('error', () => undefined)
    const answered = (): void => {
      if (this.#probe !== probe) return
      this.#probe = undefined
      this.#isSilent = false
    }
    void client.connect().then(
      () => {
        answered()
        return client.end()
      },
      (error: unknown) => {
        if (!UNREACHABLE.has(String((error as { code?: unknown }).code))) answered()
        // A way may be lost for a moment, and statements under way survive that.
        else probe.lost = true
      },
    )
  }

  #giveUp(): void {
    this.#probe = undefined
    this.#isSilent = true
    for (const socket of this.#sockets) socket.destroy()
  }
}

const silent = (): Error => Object.assign(new Error('the database server does not answer'), { code: 'ETIMEDOUT' })
