// A process that reads two files on behalf of Java and kills itself at the point it is told to: before or after any statement, and
// before or after any request to Java, to the object storage or to a model.
//   node points-child.ts '{"kill": 17, "directory": "…" | "url": "…", "java": "http://…", "models": "http://…"}'
import { subscribe } from 'node:diagnostics_channel'
import pg from 'pg'
import { workspaceId } from '../../src/core/workspace.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { createJavaBackend } from '../../src/java/backend.ts'
import { downloadFile } from '../../src/java/download.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import * as jobs from '../../src/store/jobs.ts'
import * as outbox from '../../src/store/outbox.ts'
import { countedModels } from './counted-models.ts'
import { startTestEngine } from './engine.ts'

type Instructions = { kill: number; directory?: string; url?: string; java: string; models: string }
const instructions = JSON.parse(process.argv[2] ?? '{}') as Instructions

let points = 0
let armed = false
function point(): void {
  if (!armed) return
  points += 1
  if (points === instructions.kill) process.kill(process.pid, 'SIGKILL')
}
const client = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown }
const original = client.query
client.query = function (this: pg.Client, ...args: unknown[]) {
  point()
  const answer = original.apply(this, args)
  if (answer instanceof Promise) answer.then(point, point)
  return answer
}
subscribe('undici:request:create', point)
subscribe('undici:request:trailers', point)

const database = await openDatabase({ url: instructions.url, directory: instructions.directory, poolSize: 4 })
// The process before this one is known to be dead: its leases need not run out first.
await jobs.requeueExpired(database.db, true)
await outbox.releaseAll(database.db)
armed = true
const engine = startTestEngine(database, {
  models: countedModels(instructions.models),
  concurrency: 1,
  java: createJavaBackend({ baseUrl: instructions.java }),
  download: (url, signal) => downloadFile(url, { ossHosts: ['127.0.0.1'], maxBytes: 1_000_000, timeoutMs: 10_000 }, signal),
  scheduleMs: Array.from({ length: 100 }, () => 50),
})
const workspace = workspaceId('teacher-points')
const fileIds = ['a', 'b']
// Java asks again when it was not answered; a job that lives, or a file that is finished, is found by the same words.
for (const fileId of fileIds) {
  const known = await engine.documents.get(workspace, fileId).catch(() => undefined)
  if (known === undefined) await engine.documents.parse(workspace, { fileId, options: DEFAULT_PARSE_OPTIONS }, 'user-jwt')
}
const views = []
for (const fileId of fileIds) views.push(await engine.settled(workspace, fileId))
while ((await outbox.list(database.db, 'pending', 1)).length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
armed = false
const digest = await engine.digest(workspace)
process.stdout.write(`${JSON.stringify({ digest, statuses: views.map((view) => view.parseStatus), points })}\n`)
await engine.close()
await engine.deps.parser.close()
await database.close()
