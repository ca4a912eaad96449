// The embedded default: PGlite in a worker thread behind node-postgres, so that everything above sees one PostgreSQL.
import { createHash } from 'node:crypto'
import { mkdirSync, realpathSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import pg from 'pg'
import { AppError } from '../core/errors.ts'

/** What node-postgres needs of a socket; every write becomes one message to the thread, every reply one chunk. */
class WorkerSocket extends Duplex {
  readonly #send: (bytes: Uint8Array) => Promise<Uint8Array>

  constructor(send: (bytes: Uint8Array) => Promise<Uint8Array>) {
    super()
    this.#send = send
  }

  connect(): this {
    process.nextTick(() => this.emit('connect'))
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  override _read(): void {
    // Replies are pushed as they arrive; node-postgres keeps up with its own requests.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#forward(chunk, done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#forward(Buffer.concat(chunks.map((entry) => entry.chunk)), done)
  }

  #forward(bytes: Buffer, done: (error?: Error | null) => void): void {
    // A terminate message ('X') would end the only session; the thread is closed by its owner instead.
    if (bytes[0] === 0x58) {
      done()
      this.push(null)
      return
    }
    this.#send(new Uint8Array(bytes)).then(
      (reply) => {
        if (reply.length > 0) this.push(Buffer.from(reply.buffer, reply.byteOffset, reply.length))
        done()
      },
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    )
  }
}

export type EmbeddedDatabase = { pool: pg.Pool; close(): Promise<void> }

/**
 * Opens PGlite in `directory`, or in memory without one.
 *
 * @throws AppError `not_ready` when another process holds the directory: two writers would lose rows silently.
 */
export async function openEmbedded(directory: string | undefined): Promise<EmbeddedDatabase> {
  const lock = directory ? await lockDirectory(directory) : undefined
  const worker = new Worker(new URL('./pglite-worker.ts', import.meta.url), { workerData: { directory } })
  const waiting = new Map<number, { resolve: (bytes: Uint8Array) => void; reject: (error: Error) => void }>()
  let next = 0
  const fail = (error: Error): void => {
    for (const entry of waiting.values()) entry.reject(error)
    waiting.clear()
  }
  const ready = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  worker.on('message', (message: 'ready' | 'closed' | { id: number; bytes?: Uint8Array; failure?: string }) => {
    if (message === 'ready') return ready.resolve()
    if (message === 'closed') return closed.resolve()
    const entry = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.bytes) entry?.resolve(message.bytes)
    else entry?.reject(new Error(message.failure ?? 'the embedded database failed'))
  })
  worker.on('error', (error) => {
    ready.reject(error)
    fail(error as Error)
  })
  worker.on('exit', () => {
    closed.resolve()
    fail(new Error('the embedded database has stopped'))
  })
  const send = (bytes: Uint8Array): Promise<Uint8Array> => {
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>()
    waiting.set(++next, { resolve, reject })
    worker.postMessage({ id: next, bytes }, [bytes.buffer as ArrayBuffer])
    return promise
  }
  await ready.promise
  // One session exists, so one client: a second would share its transaction state.
  const pool = new pg.Pool({ user: 'postgres', database: 'postgres', max: 1, idleTimeoutMillis: 0, stream: () => new WorkerSocket(send) })
  const close = async (): Promise<void> => {
    await pool.end()
    worker.postMessage('close')
    await closed.promise
    await worker.terminate()
    lock?.close()
  }
  return { pool, close }
}

/** An abstract socket named after the directory: the kernel frees it when the process dies, whatever kills it. */
function lockDirectory(directory: string): Promise<Server> {
  mkdirSync(directory, { recursive: true })
  const name = createHash('sha256').update(realpathSync(directory)).digest('hex').slice(0, 32)
  // Elsewhere a fixed local port derived from the name does the same.
  const address =
    process.platform === 'linux'
      ? { path: `\0insight-rag-${name}` }
      : { host: '127.0.0.1', port: 20_000 + (Number.parseInt(name.slice(0, 8), 16) % 20_000) }
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (cause) => {
      reject(
        new AppError('not_ready', 'The data directory is in use by another process; stop it or set DATA_DIR to another folder.', { cause }),
      )
    })
    server.listen(address, () => {
      server.unref()
      resolve(server)
    })
  })
}
