// The thread that holds PGlite, so that no query of it ever blocks the main loop. It speaks the PostgreSQL wire
// protocol over a message port: bytes in, bytes out, one message at a time.
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm'
import { vector } from '@electric-sql/pglite-pgvector'

const port = parentPort
if (!port) throw new Error('pglite-worker runs only as a worker thread')

const { directory } = workerData as { directory: string | undefined }
const database = await PGlite.create({ ...(directory ? { dataDir: directory } : {}), extensions: { vector, pg_trgm } })

let tail: Promise<void> = Promise.resolve()

async function answer(id: number, bytes: Uint8Array): Promise<void> {
  try {
    const reply = await database.execProtocolRaw(bytes)
    const copy = new Uint8Array(reply)
    port?.postMessage({ id, bytes: copy }, [copy.buffer])
  } catch (error) {
    port?.postMessage({ id, failure: error instanceof Error ? error.message : String(error) })
  }
}

port.on('message', (message: { id: number; bytes: Uint8Array } | 'close') => {
  tail = tail.then(async () => {
    if (message !== 'close') return answer(message.id, message.bytes)
    await database.close()
    port.postMessage('closed')
    port.close()
  })
})
port.postMessage('ready')
