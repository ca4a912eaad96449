// A LightRAG working directory, as its file storage writes it, becomes a workspace: texts, entities, relations and where they stand.
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { addDocumentCommands } from '../../src/cli/documents.ts'
import { addGraphCommands } from '../../src/cli/graph.ts'
import { addImportLightRagCommand } from '../../src/cli/import-lightrag.ts'
import { addSearchCommands } from '../../src/cli/search.ts'
import { workspaceId, workspaceScope } from '../../src/core/workspace.ts'
import { readLightRagFolder } from '../../src/parsers/lightrag-folder.ts'
import * as workspaces from '../../src/store/workspaces.ts'
import { openTestDatabase } from '../support/database.ts'
import { type CommandLine, commandLine, type Typed } from './support.ts'

const FIXTURE = 'fixtures/lightrag'
const WORKSPACE = workspaceId('teacher-moved')
let line: CommandLine
let folder: string
const typed = (...words: string[]): Promise<Typed> => line.type(...words, '-w', WORKSPACE)

beforeAll(async () => {
  line = commandLine(await openTestDatabase(), (program, context) => {
    addImportLightRagCommand(program, context, readLightRagFolder)
    addDocumentCommands(program, context, FIXTURE)
    addGraphCommands(program, context)
    addSearchCommands(program, context)
  })
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insight-lightrag-'))
  await cp(FIXTURE, folder, { recursive: true })
})

afterAll(async () => {
  await line.engine.close()
  await rm(folder, { recursive: true, force: true })
})

const byFirst = ([a]: unknown[], [b]: unknown[]): number => (String(a) < String(b) ? -1 : 1)

type Shown = {
  description: string
  aliases: string[]
  evidence: { source: string; quote: string }[]
  relations: { keywords: string; weight: number }[]
}
const entity = async (name: string): Promise<Shown> => (await typed('graph', 'entity', name, '--json')).json as unknown as Shown

test('documents keep their ids and names, and every entity stands on the passages that LightRAG named', async () => {
  const imported = await typed('import-lightrag', folder, '--json')
  expect(imported.notes[0]).toBe('1 entities rest on no chunk that is left and are not imported')
  const documents = imported.json['documents'] as Record<string, unknown>[]
  expect(
    documents.map(({ fileId, fileName, parseStatus, warnings }) => [fileId, fileName, parseStatus, warnings]).toSorted(byFirst),
  ).toEqual([
    ['doc-3b0c', '二次函数.pdf', 'completed', []],
    ['doc-77aa', 'doc-77aa', 'completed', []],
  ])
  const shown = await entity('二次函數')
  expect(shown.description).toBe('图像是抛物线的函数。\nA function of degree two.')
  expect(shown.evidence.map(({ source, quote }) => [source, quote]).toSorted(byFirst)).toEqual([
    ['user/doc-77aa', 'The vertex of 二次函数 lies on its axis.'],
    ['user/二次函数.pdf', '二次函数'],
  ])
  const [relation] = (await entity('一次函数')).relations
  expect(relation).toMatchObject({ source: '一次函数', target: '二次函数', keywords: 'prerequisite, 先修', weight: 2 })
})

test('text is not repeated where chunks overlapped, and a picture described beside the text is kept', async () => {
  const found = await typed('search', '抛物线的示意图', '--mode', 'lexical', '--no-public', '--json')
  expect((found.json['results'] as { content: string }[])[0]?.content).toContain('示意图')
  const { chunks } = await line.engine.documents.chunks(WORKSPACE, 'doc-77aa', { limit: 50 })
  const text = chunks.map(({ content }) => content).join('\n')
  expect(text.split('The axis is x = -b / 2a.')).toHaveLength(2)
})

test('nothing was extracted anew, and importing again costs nothing', async () => {
  const graph = await typed('graph', 'entities', '--no-public', '--json')
  expect((graph.json['entities'] as { name: string }[]).map(({ name }) => name).toSorted()).toEqual(['一次函数', '二次函数', '顶点公式'])
  const before = await line.engine.digest(WORKSPACE)
  const again = await typed('import-lightrag', folder, '--json')
  expect((again.json['documents'] as { timings: Record<string, number> }[]).every(({ timings }) => timings['embed'] === undefined)).toBe(
    true,
  )
  expect(await line.engine.digest(WORKSPACE)).toEqual(before)
})

test('deleting an imported document takes back what only it said', async () => {
  await typed('documents', 'delete', 'doc-77aa')
  expect((await entity('二次函数')).evidence.every(({ source }) => source === 'user/二次函数.pdf')).toBe(true)
  await typed('documents', 'delete', 'doc-3b0c')
  const [row] = await workspaces.counts(line.engine.deps.database, workspaceScope(WORKSPACE))
  expect(row).toMatchObject({ documents: 0, chunks: 0, entities: 0, relations: 0 })
})

test.each([
  ['a folder that is not there', () => rm(folder, { recursive: true }), 'The LightRAG folder cannot be read.'],
  ['no graph', () => rm(join(folder, 'graph_chunk_entity_relation.graphml')), 'graph_chunk_entity_relation.graphml is missing.'],
  [
    'a parent of workspaces',
    async () => {
      await cp(folder, join(folder, 'maths'), { recursive: true, filter: (path) => !path.includes('maths') }).catch(() => undefined)
      const inner = await mkdtemp(join(tmpdir(), 'insight-lightrag-'))
      await rename(folder, join(inner, 'maths'))
      folder = inner
    },
    'name one of them: maths',
  ],
  ['half a file', () => writeFile(join(folder, 'kv_store_text_chunks.json'), '{"chunk-1": {"con'), 'is not valid JSON'],
  [
    'a file of another kind',
    () => writeFile(join(folder, 'kv_store_text_chunks.json'), '{"chunk-1": {"text": "x"}}'),
    'kv_store_text_chunks.json is not what LightRAG writes: chunk-1.content',
  ],
  [
    'a broken graph',
    () => writeFile(join(folder, 'graph_chunk_entity_relation.graphml'), '<graphml><node id="a"></graphml>'),
    'graph_chunk_entity_relation.graphml is damaged',
  ],
  ['an empty library', () => writeFile(join(folder, 'kv_store_text_chunks.json'), '{}'), 'holds no chunks'],
])('%s is refused with a sentence', async (_name, spoil, sentence) => {
  await spoil()
  const { exit, notes } = await typed('import-lightrag', folder)
  expect([exit, notes.at(-1)]).toEqual([2, expect.stringContaining(sentence)])
})
