// One measured process: a very large document is published while small ones are uploaded and questions are asked in the same workspace.
//   node bench/spine/large.ts '{"env": {…}, "chunks": 1000}'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { type WorkspaceId, workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { searchRequest } from '../../test/support/requests.ts'
import { document, questions } from './corpus.ts'
import { watchStatements } from './meter.ts'
import { startApp } from './place.ts'

export type LargeOrder = { env: Record<string, string>; /** Of the large document, about. */ chunks: number }
/** Milliseconds of wall clock. */
export type LargeFigures = {
  chunks: number
  /** How long others of the workspace wait for the one transaction that publishes the document. */
  publish: number
  /** The longest that a search, and the upload and publication of a small document, took meanwhile. */
  search: number
  upload: number
  /** The longest time in which the main thread did not turn. */
  stall: number
  /** From upload to completion. */
  total: number
}

const WORKSPACE = workspaceId('teacher-bench')
const CHUNKS_PER_NOTE = 5
const GIVE_UP_MS = 60_000
const LARGE = 'large'

const order = JSON.parse(process.argv[2] ?? '{}') as LargeOrder
const watched = watchStatements()
const app = await startApp(order.env)

async function ingest(workspace: WorkspaceId, fileId: string, text: string): Promise<number> {
  const started = performance.now()
  const request = { fileId, fileName: `${fileId}.md`, bytes: Buffer.from(text), options: DEFAULT_PARSE_OPTIONS }
  await app.engine.documents.upload(workspace, request, undefined)
  for (;;) {
    const view = await app.engine.documents.get(workspace, fileId)
    if (view.parseStatus === 'completed') return performance.now() - started
    if (view.parseStatus === 'failed') throw new Error(view.parseError ?? 'failed')
    await sleep(20)
  }
}

async function search(query: string): Promise<number> {
  const started = performance.now()
  await app.engine.retrieval.search(workspaceScope(WORKSPACE), searchRequest({ query, mode: 'mix' }), AbortSignal.timeout(GIVE_UP_MS))
  return performance.now() - started
}

const FIRST = 20
/** Between two searches, and between two small documents. */
const PAUSE_MS = 500
for (let n = 0; n < FIRST; n++) {
  const note = document(n)
  await ingest(WORKSPACE, note.fileId, note.text)
}
const asked = questions(FIRST)
for (const query of asked) await search(query)
watched.publishMs.length = 0
const text = Array.from({ length: Math.ceil(order.chunks / CHUNKS_PER_NOTE) }, (_, n) => document(1000 + n).text).join('\n')
const running = { on: true }
const figures: LargeFigures = { chunks: 0, publish: 0, search: 0, upload: 0, stall: 0, total: 0 }
const beside = [
  (async () => {
    for (let n = 0; running.on; n++, await sleep(PAUSE_MS)) figures.search = Math.max(figures.search, await search(asked[n % FIRST] ?? ''))
  })(),
  (async () => {
    for (let n = FIRST; running.on; n++, await sleep(PAUSE_MS))
      figures.upload = Math.max(figures.upload, await ingest(WORKSPACE, document(n).fileId, document(n).text))
  })(),
]
const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
figures.total = await ingest(WORKSPACE, LARGE, text)
delay.disable()
running.on = false
await Promise.all(beside)
const view = await app.engine.documents.get(WORKSPACE, LARGE)
figures.chunks = view.chunkCount
// The large document's publication is by far the longest of them.
figures.publish = Math.max(...watched.publishMs)
figures.stall = delay.max / 1e6
await app.stopWork()
await app.close()
process.stdout.write(`${JSON.stringify(figures)}\n`)
