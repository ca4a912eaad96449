// A process that ingests a fixed set of documents and kills itself at the commit it is told to: before it, or right after.
// Models are asked over HTTP from a counting server in the parent, so that a second question for a stored reply shows.
//   node crash-child.ts '{"kill": 3, "when": "before", "directory": "…" | "url": "…", "models": "http://…"}'
import pg from 'pg'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { Maintenance } from '../../src/jobs/maintenance.ts'
import { workspaceId } from '../../src/core/workspace.ts'
import { countedModels } from './counted-models.ts'
import { startTestEngine } from './engine.ts'

type Instructions = { kill: number; when: 'before' | 'after'; directory?: string; url?: string; models: string }
const instructions = JSON.parse(process.argv[2] ?? '{}') as Instructions

let commits = 0
let armed = false
const writers = new WeakMap<pg.Client, boolean>()
const die = (): void => {
  process.kill(process.pid, 'SIGKILL')
}
const client = pg.Client.prototype as unknown as { query: (...args: unknown[]) => unknown }
const original = client.query
client.query = function (this: pg.Client, ...args: unknown[]) {
  const first = args[0] as string | { text?: string }
  const text = typeof first === 'string' ? first : (first.text ?? '')
  if (text.includes('insight.scope')) writers.set(this, false)
  if (writers.has(this) && /^\s*(insert|update|delete|with)/i.test(text)) writers.set(this, true)
  // Whoever only looked loses nothing by dying, and how often the queue is asked depends on the machine.
  if (!armed || text.toLowerCase() !== 'commit' || writers.get(this) !== true) return original.apply(this, args)
  writers.delete(this)
  commits += 1
  if (commits === instructions.kill && instructions.when === 'before') die()
  const answer = original.apply(this, args) as Promise<unknown>
  if (commits === instructions.kill) void answer.then(die, die)
  return answer
}

const database = await openDatabase({ url: instructions.url, directory: instructions.directory, poolSize: 4 })
const maintenance = new Maintenance(database, { info: () => undefined, warn: () => undefined, error: () => undefined })
await maintenance.start()
// The process before this one is known to be dead: its leases need not run out first.
const { requeueExpired } = await import('../../src/store/jobs.ts')
await requeueExpired(database.db, true)
armed = true
const engine = startTestEngine(database, { models: countedModels(instructions.models), concurrency: 1, chunksAtOnce: 1 })
const workspace = workspaceId('teacher-crash')
// One chunk is published as it is; of the second document's chunks each is written in a transaction of its own.
const filler = 'Words that fill the section until it is a chunk of its own. '.repeat(20)
const documents = [1, 2].map((parts) => ({
  fileId: `parts-${parts}`,
  text: Array.from(
    { length: parts },
    (_, at) =>
      `# Part ${at}\n\n[勾股定理|theorem|From ${parts}.${at}.] text [勾股定理 -uses-> Side ${at}] [勾股定理 = Pythagoras] ${filler}`,
  ).join('\n\n'),
}))
for (const { fileId, text } of documents) {
  const known = await engine.documents.get(workspace, fileId).catch(() => undefined)
  if (known === undefined) await engine.ingest(workspace, fileId, text, `${fileId}.md`)
  else await engine.settled(workspace, fileId)
}
const digest = await engine.digest(workspace)
const views = await Promise.all(documents.map(({ fileId }) => engine.documents.get(workspace, fileId)))
process.stdout.write(`${JSON.stringify({ digest, statuses: views.map((view) => view.parseStatus), commits })}\n`)
await engine.close()
await maintenance.stop()
await engine.deps.parser.close()
await database.close()
