// What models are asked for a document: calls and tokens for each document and for each 1,000 characters, the cost by the catalogue's prices,
// and how near the estimate before the run comes. The models are the local protocol server, so calls and input are those of a real run, and
// output is only as long as the server's replies.
import { readConfig } from '../src/config.ts'
import { createParser } from '../src/app.ts'
import { workspaceId } from '../src/core/workspace.ts'
import { createModels } from '../src/models/create.ts'
import { DEFAULT_PARSE_OPTIONS } from '../src/ports/parser.ts'
import { type EstimateDeps, estimateFile, total } from '../src/services/estimate.ts'
import { document } from './spine/corpus.ts'
import { freshPlace, modelSettings, startApp, startModels } from './spine/place.ts'
import { printTable } from './spine/table.ts'

const DOCUMENTS = 20
const WORKSPACE = workspaceId('teacher-bench')
const FLUSH_MS = 1_500

const server = await startModels()
const place = await freshPlace(undefined, 'insight_bench_models')
const settings = { ...modelSettings(server.url), LLM_MODEL: 'qwen-plus', EMBEDDING_MODEL_NAME: 'text-embedding-v4', SUMMARIES: 'none' }
const env = { ...settings, ...place.env }
const app = await startApp(env)
const documents = Array.from({ length: DOCUMENTS }, (_unused, at) => document(at + 1))
const characters = documents.reduce((sum, { text }) => sum + text.length, 0)

type Spent = { role: string; calls: number; input: number; output: number; cny: number }

async function spent(): Promise<Spent[]> {
  await new Promise((resolve) => setTimeout(resolve, FLUSH_MS))
  const { use } = await app.engine.operations.modelUse(1, 100)
  return use.map((row) => ({ role: row.role ?? '', calls: row.calls, input: row.inputTokens, output: row.outputTokens, cny: row.costCny }))
}

async function ingest(texts: readonly { fileId: string; fileName: string; text: string }[]): Promise<void> {
  for (const { fileId, fileName, text } of texts) {
    await app.engine.documents.upload(WORKSPACE, { fileId, fileName, bytes: Buffer.from(text), options: DEFAULT_PARSE_OPTIONS }, undefined)
    for (;;) {
      const { parseStatus, parseError } = await app.engine.documents.get(WORKSPACE, fileId)
      if (parseStatus === 'completed') break
      if (parseStatus === 'failed') throw new Error(parseError ?? 'failed')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

const minus = (after: readonly Spent[], before: readonly Spent[]): Spent[] =>
  after.map((row) => {
    const was = before.find((other) => other.role === row.role)
    return {
      role: row.role,
      calls: row.calls - (was?.calls ?? 0),
      input: row.input - (was?.input ?? 0),
      output: row.output - (was?.output ?? 0),
      cny: row.cny - (was?.cny ?? 0),
    }
  })

await ingest(documents)
const first = await spent()
await ingest(documents)
const second = minus(await spent(), first)
const changed = documents.slice(0, 5).map((one) => ({ ...one, text: one.text.replace(/\n\n([^\n#]{20})/u, '\n\n$1另加一句。') }))
const before = await spent()
await ingest(changed)
const third = minus(await spent(), before)

const parser = createParser(readConfig(env, 'command'), 1)
const models = createModels(readConfig(env, 'command').models)
const { embedding, extractor, vision } = models
const price: EstimateDeps['price'] = (model, usage) => models.price(model, usage)
const estimates = []
for (const { fileName, text } of documents) {
  const bytes = Buffer.from(text)
  estimates.push(
    await estimateFile(
      { parser, embedding, extractor, vision, price, chunkMaxTokens: 512 },
      { name: fileName, bytes },
      AbortSignal.timeout(60_000),
    ),
  )
}
const remembered = await Promise.all(
  documents.map(async ({ fileName, text }) => {
    const request = { fileName, bytes: Buffer.from(text), options: DEFAULT_PARSE_OPTIONS }
    return (await app.engine.documents.estimate(WORKSPACE, request, AbortSignal.timeout(60_000))).costCny
  }),
)
const chunks = estimates.reduce((sum, estimate) => sum + estimate.chunks, 0)
const per = (value: number, by: number): string => (value / by).toFixed(2)
const sum = (rows: readonly Spent[], of: (row: Spent) => number): number => rows.reduce((all, row) => all + of(row), 0)
const line = (name: string, rows: readonly Spent[], count: number): string[] => [
  name,
  per(
    sum(rows, (row) => row.calls),
    count,
  ),
  per(
    sum(rows, (row) => row.input),
    count,
  ),
  per(
    sum(rows, (row) => row.output),
    count,
  ),
  per(sum(rows, (row) => row.cny) * 1000, count),
]
printTable(
  'What models are asked for',
  ['', 'calls', 'tokens in', 'tokens out', '1/1000 CNY'],
  [
    ...first.map((row) => line(`${row.role}, a document`, [row], DOCUMENTS)),
    line('together, a document', first, DOCUMENTS),
    line('together, 1,000 characters', first, characters / 1000),
    line('sent again unchanged, a document', second, DOCUMENTS),
    line('one paragraph changed, a document', third, changed.length),
  ],
)
const extract = first.find((row) => row.role === 'extract')
process.stdout.write(
  `\n${DOCUMENTS} documents, ${characters} characters, ${chunks} chunks: ${per(extract?.calls ?? 0, chunks)} extraction calls a chunk.\n` +
    `Estimated before the run: ${per((total(estimates.map(({ costCny }) => costCny)) ?? 0) * 1000, DOCUMENTS)}/1000 CNY a document, by an assumption of what the model writes;\n` +
    `${per((total(remembered) ?? 0) * 1000, DOCUMENTS)}/1000 by what the ledger says it wrote.\n`,
)
await Promise.all([parser.close(), models.close()])
await app.stopWork()
await app.close()
await place.clear()
server.process.kill()
