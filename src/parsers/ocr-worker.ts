// The thread in which tesseract.js reads. Its own one takes the fastest build that the processor offers, and the fastest uses relaxed
// SIMD, whose dot product is the processor's own: the same page then reads differently on two machines. This one always takes the
// build with plain SIMD, whose results are laid down by the standard; measured, it is as fast.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { parentPort } from 'node:worker_threads'
import { gunzipSync } from 'node:zlib'

type Reader = {
  setAdapter(adapter: {
    getCore(): Promise<unknown>
    readCache(path: string): Promise<Uint8Array>
    gunzip(bytes: Uint8Array): Uint8Array
  }): void
  dispatchHandlers(packet: unknown, reply: (message: unknown) => void): void
}

// Resolved as tesseract.js would, so that both are of the versions that belong together.
const load = createRequire(createRequire(import.meta.url).resolve('tesseract.js'))
const reader = load('./worker-script') as Reader

reader.setAdapter({
  getCore: async () => load('tesseract.js-core/tesseract-core-simd-lstm') as unknown,
  // What it calls a cache is any file, and here only the language's model.
  readCache: (path) => readFile(path),
  gunzip: (bytes) => gunzipSync(bytes),
})
parentPort?.on('message', (packet: unknown) => reader.dispatchHandlers(packet, (message) => parentPort?.postMessage(message)))
