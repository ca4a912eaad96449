// A process that re-embeds a workspace and kills itself in the round it is told to; the last one is left to finish.
//   node reembed-child.ts '{"workspace": "course-x", "killAtRound": 3 | 0, "directory": "…" | "url": "…"}'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { workspaceId } from '../../src/core/workspace.ts'
import type { EmbeddingModel, Models } from '../../src/ports/models.ts'
import { reembedStatus, reembedWorkspace } from '../../src/services/reembed/reembed.ts'
import * as jobs from '../../src/store/jobs.ts'
import { startTestEngine, testModels } from './engine.ts'

type Instructions = { workspace: string; killAtRound: number; directory?: string; url?: string }
const instructions = JSON.parse(process.argv[2] ?? '{}') as Instructions

const plain = testModels(undefined)
let rounds = 0
let texts = 0
const moved: EmbeddingModel = {
  model: 'remote/moved',
  dim: plain.embedding.dim,
  maxBatch: 64,
  embed: async (inputs, kind, signal) => {
    if (kind === 'document') {
      rounds += 1
      texts += inputs.length
      process.stdout.write(`${inputs.length}\n`)
      if (rounds === instructions.killAtRound) process.kill(process.pid, 'SIGKILL')
    }
    return plain.embedding.embed(inputs, kind, signal)
  },
}
const models: Models = {
  ...plain,
  embedding: moved,
  embeddingFor: (model, dim) => (model === moved.model ? moved : plain.embeddingFor(model, dim)),
}
const database = await openDatabase({ url: instructions.url, directory: instructions.directory, poolSize: 4 })
// The process before this one is known to be dead: its leases need not run out first.
await jobs.requeueExpired(database.db, true)
const engine = startTestEngine(database, { models, concurrency: 1 })
const workspace = workspaceId(instructions.workspace)
if ((await reembedStatus(engine.deps, workspace)) === undefined) await reembedWorkspace(engine.deps, workspace, {})
for (;;) {
  const status = await reembedStatus(engine.deps, workspace)
  if (status?.state === 'switched' || status?.state === 'failed') {
    process.stdout.write(`${JSON.stringify({ ...status, texts })}\n`)
    break
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
}
await engine.close()
await engine.deps.parser.close()
await database.close()
