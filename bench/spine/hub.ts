// One measured process: publishing a document that touches an entity with few mentions, and one that touches an entity with very many.
// The mentions are written through the same path as any other evidence, so that votes and mentions agree.
//   node bench/spine/hub.ts '{"env": {…}, "hubs": [{"mentions": 40, "aliased": false}], "documents": 15}'
import { sql } from 'kysely'
import type { ChunkKnowledge } from '../../src/core/knowledge.ts'
import { chunkKnowledge } from '../../src/core/knowledge.ts'
import { workspaceId, workspaceScope, type WorkspaceId } from '../../src/core/workspace.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { applyEvidence } from '../../src/services/graph/evidence.ts'
import * as chunks from '../../src/store/chunks.ts'
import * as documents from '../../src/store/documents.ts'
import { withScope } from '../../src/store/scope.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { startTestEngine } from '../../test/support/engine.ts'
import { quantile, watchStatements } from './meter.ts'

/** `aliased`: every chunk gives the hub's second name as well. */
export type Hub = { mentions: number; aliased: boolean }
export type HubOrder = { env: { DATABASE_URL?: string }; hubs: readonly Hub[]; documents: number }
/** Milliseconds of the publish transaction after its lock, and rows that the server's scans returned meanwhile. */
export type HubFigures = Hub & { publishMs: number; removeMs: number; rowsRead: number }

const order = JSON.parse(process.argv[2] ?? '{}') as HubOrder
/** Chunks written in one transaction while loading. */
const BATCH = 500
/** Other entities that the hub is related to, each through several chunks. */
const NEIGHBOURS = 1000

const watched = watchStatements()
const database = await openDatabase({ url: order.env.DATABASE_URL, directory: undefined, poolSize: 4 })
const engine = startTestEngine(database, { concurrency: 1 })

type NamedHub = Hub & { id: string; name: string }

const aliasOf = (hub: NamedHub): string => `${hub.name}别名`

/** A small document in the test extractor's language, about the hub, a known neighbour and a name of its own. */
function note(hub: NamedHub, n: number): string {
  const alias = hub.aliased ? ` [${hub.name} = ${aliasOf(hub)}]` : ''
  return `[${hub.name}|theorem|Said by note ${n}.] stands here.${alias} [${hub.name} -related-> 邻居${n}] and [${hub.name} -uses-> 自有${n}] are told too.`
}

/** What the n-th loaded chunk says: the hub, one neighbour, and how they hang together. */
function statement(hub: NamedHub, n: number): ChunkKnowledge {
  const neighbour = `邻居${n % NEIGHBOURS}`
  const quote = `${hub.name}与${neighbour}的第${n}处联系`
  const aliases = hub.aliased ? [aliasOf(hub)] : []
  return chunkKnowledge({
    entities: [
      { name: hub.name, type: 'theorem', description: quote, aliases, quote },
      { name: neighbour, type: 'theorem', description: quote, aliases: [], quote },
    ],
    relations: [{ source: hub.name, target: neighbour, keywords: ['related'], description: quote, quote, weight: 1 }],
    dropped: 0,
    truncated: false,
  })
}

async function load(workspace: WorkspaceId, hub: NamedHub): Promise<void> {
  for (let from = 0; from < hub.mentions; from += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, hub.mentions - from) }, (_, index) => from + index)
    await withScope(database, workspaceScope(workspace), async (tx) => {
      await workspaces.lockForPublish(tx, workspace)
      const fileId = `${hub.id}-${from}`
      await documents.startAttempt(tx, workspace, {
        fileId,
        jobId: crypto.randomUUID(),
        fileName: fileId,
        collection: 'default',
        metadata: {},
      })
      const rows = numbers.map((n) => chunkRow(`c_${hub.id}_${n}`, n - from))
      await chunks.upsert(
        tx,
        workspace,
        rows.map((row) => ({ ...row, file_id: fileId })),
      )
      const add = numbers.map((n) => ({ chunkId: `c_${hub.id}_${n}`, knowledge: statement(hub, n), rank: 1 as const, extractor: 'bench' }))
      await applyEvidence(tx, workspace, { removeChunks: [], add })
    })
  }
}

const chunkRow = (id: string, ordinal: number): chunks.ChunkRow => ({
  chunk_id: id,
  ordinal,
  content: id,
  header: '',
  headings: [],
  page: null,
  page_end: null,
  tokens: 1,
  text_hash: id,
  embed_hash: id,
  extractor: 'bench',
  collection: 'default',
  metadata: {},
})

/** Rows that scans of this database returned so far. Sessions report at most once a second, hence the pause. */
async function rowsRead(): Promise<number> {
  if (database.engine === 'pglite') return Number.NaN
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  const found = await sql<{ rows: number }>`
    select sum(coalesce(idx_tup_fetch, 0) + seq_tup_read)::float8 as rows from pg_stat_user_tables
    where relname in ('entity_mentions', 'relation_mentions', 'entity_votes', 'relation_votes', 'entities', 'relations', 'chunks')`.execute(
    database.db,
  )
  return found.rows[0]?.rows ?? 0
}

const workspace = workspaceId('teacher-hub')
const hubs = order.hubs.map((hub, index): NamedHub => ({ ...hub, id: `hub-${index}`, name: `枢纽${index}号` }))
const figures: HubFigures[] = []
await engine.ingest(workspace, 'first', '[开始|theorem|A first document makes the workspace.]')
for (const hub of hubs) await load(workspace, hub)
await sql`analyze`.execute(database.db)
for (const hub of hubs) await engine.ingest(workspace, `warm-${hub.id}`, note(hub, 900))
for (const hub of hubs) {
  const { id, mentions, aliased } = hub
  const before = await rowsRead()
  watched.publishMs.length = 0
  for (let n = 0; n < order.documents; n++) await engine.ingest(workspace, `note-${id}-${n}`, note(hub, n))
  const publishMs = quantile(watched.publishMs, 0.5)
  const read = ((await rowsRead()) - before) / order.documents
  watched.publishMs.length = 0
  for (let n = 0; n < order.documents; n++) await engine.documents.remove(workspace, `note-${id}-${n}`)
  figures.push({ mentions, aliased, publishMs, removeMs: quantile(watched.publishMs, 0.5), rowsRead: read })
}
await engine.close()
await engine.deps.parser.close()
await database.close()
process.stdout.write(`${JSON.stringify(figures)}\n`)
