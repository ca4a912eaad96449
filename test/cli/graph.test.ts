// The graph and files from the command line, as they are typed.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addDocumentCommands } from '../../src/cli/documents.ts'
import { addGraphCommands } from '../../src/cli/graph.ts'
import { addIngestCommand } from '../../src/cli/ingest.ts'
import { addSearchCommands } from '../../src/cli/search.ts'
import { AppError } from '../../src/core/errors.ts'
import { workspaceId } from '../../src/core/workspace.ts'
import { openTestDatabase } from '../support/database.ts'
import { type CommandLine, commandLine, type Typed } from './support.ts'

const WORKSPACE = 'teacher-cli'
let line: CommandLine
let folder: string
const typed = (...words: string[]): Promise<Typed> => line.type(...words, '-w', WORKSPACE)

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insight-cli-'))
  line = commandLine(await openTestDatabase(), (program, context) => {
    addIngestCommand(program, context)
    addDocumentCommands(program, context, folder)
    addGraphCommands(program, context)
    addSearchCommands(program, context)
  })
  await line.engine.ingest(
    workspaceId(WORKSPACE),
    'lesson',
    '[一次函数|concept|y=kx+b] [二次函数|concept|抛物线] [一次函数 -prerequisite-> 二次函数] [二次函数 -prerequisite-> 顶点公式]',
  )
})

afterAll(async () => {
  await line.engine.close()
  await rm(folder, { recursive: true, force: true })
})

test('the graph is read: entities, one of them, its surroundings, and what comes before it', async () => {
  expect((await typed('graph', 'entities', '函数', '--json')).json['entities']).toHaveLength(2)
  const shown = await typed('graph', 'entity', '二次函數')
  expect(shown.out).toContain('二次函数  (concept, teacher-cli)')
  expect(shown.out).toContain('一次函数 → 二次函数  (prerequisite; weight 1)')
  expect(shown.out).toContain('evidence\n  user/lesson.txt')
  const around = await typed('graph', 'subgraph', '二次函数')
  expect(around.out).toContain('3 entities, 2 relations')
  const chain = (await typed('graph', 'prerequisites', '顶点公式', '--json')).json['chain'] as { name: string; level: number }[]
  expect(chain.map(({ name, level }) => [name, level])).toEqual([
    ['二次函数', 1],
    ['一次函数', 2],
  ])
})

test('the graph is corrected, and a merge is taken back by the command that it prints', async () => {
  expect((await typed('graph', 'add', '拋物線函數', '--type', 'concept', '--description', '同二次函数')).exit).toBe(0)
  expect((await typed('graph', 'relate', '拋物線函數', '顶点公式', '--keywords', 'Related，像', '--json')).json).toMatchObject({
    keywords: 'related, 像',
    weight: 1,
  })
  expect((await typed('graph', 'relate', '拋物線函數', '顶点公式', '--weight', '3', '--json')).json).toMatchObject({ weight: 3 })
  expect((await typed('graph', 'edit', '拋物線函數', '--description', '改了', '--json')).json).toMatchObject({ description: '改了' })
  const { out } = await typed('graph', 'merge', '二次函数', '拋物線函數')
  expect((await typed('graph', 'entity', '拋物線函數', '--json')).json).toMatchObject({ name: '二次函数' })
  const undo = /insight-rag (graph undo \S+ -w \S+)/.exec(out)?.[1]?.split(' ') ?? []
  expect((await line.type(...undo)).out).toBe('the merge is undone\n')
  expect((await typed('graph', 'entity', '拋物線函數', '--json')).json).toMatchObject({ name: '拋物線函數' })
  expect((await typed('graph', 'unrelate', '拋物線函數', '顶点公式')).exit).toBe(0)
  expect((await typed('graph', 'remove', '拋物線函數')).exit).toBe(0)
  expect((await typed('graph', 'entity', '拋物線函數')).exit).toBe(4)
})

test.each([
  [['graph', 'entity', 'nobody'], 4, 'not_found'],
  [['graph', 'subgraph', '二次函数', '--depth', '4'], 2, '--depth must be a whole number from 1 to 3.'],
  [['graph', 'entities', '--limit', 'many'], 2, '--limit must be'],
  [['graph', 'edit', '二次函数'], 2, 'Say what to change'],
  [['graph', 'relate', '二次函数', '顶点公式', '--weight', '-1'], 2, '--weight'],
  [['graph', 'undo', 'm_none'], 4, 'not_found'],
])('%j ends with exit number %d and a sentence', async (words, exit, sentence) => {
  const { notes, exit: got } = await typed(...words)
  expect([got, notes.join('\n')]).toEqual([exit, expect.stringContaining(sentence)])
})

test('files, folders and patterns are read, each once, and the list is narrowed and paged', async () => {
  await mkdir(join(folder, 'deep'))
  for (const name of ['a.md', 'b.md', 'deep/c.txt', 'deep/d.md']) await writeFile(join(folder, name), `[${name}]`)
  const read = await typed('ingest', join(folder, '**/*.md'), join(folder, 'deep'), '-c', 'cli', '--json')
  const documents = read.json['documents'] as { fileName: string; parseStatus: string }[]
  expect(documents.map(({ fileName, parseStatus }) => `${fileName} ${parseStatus}`).toSorted()).toEqual([
    'a.md completed',
    'b.md completed',
    'c.txt completed',
    'd.md completed',
  ])
  expect(read.notes.at(-1)).toMatch(/^4\/4 /)
  const names = (page: Typed): string[] => (page.json['documents'] as { fileName: string }[]).map(({ fileName }) => fileName)
  expect(names(await typed('documents', 'list', '--match', 'c.t', '--json'))).toEqual(['c.txt'])
  const first = await typed('documents', 'list', '--collection', 'cli', '--limit', '3', '--json')
  const rest = await typed(
    'documents',
    'list',
    '--collection',
    'cli',
    '--limit',
    '3',
    '--cursor',
    String(first.json['nextCursor']),
    '--json',
  )
  expect([...names(first), ...names(rest)].toSorted()).toEqual(['a.md', 'b.md', 'c.txt', 'd.md'])
})

test('one refused file among several is named and the others are read', async () => {
  await writeFile(join(folder, 'empty.md'), '')
  const { notes, exit, out } = await typed('ingest', join(folder, 'a.md'), join(folder, 'empty.md'))
  expect(notes).toContain('empty.md: invalid_request: The file is empty.')
  expect([exit, notes.at(-1)]).toEqual([2, 'invalid_request: 1 of 2 files were refused.'])
  expect(out).toContain('a.md')
  expect((await typed('ingest', join(folder, 'nowhere'))).notes.at(-1)).toMatch(/nowhere cannot be read/)
  expect((await typed('ingest', join(folder, '*.none'))).notes.at(-1)).toMatch(/no files at these paths/)
})

test('a command that names no workspace acts where a call without a credential would', async () => {
  const file = join(folder, 'own.md')
  await writeFile(file, '# 麒麟\n\n[麒麟|concept|神獸]')
  expect((await line.type('ingest', file)).exit).toBe(0)
  const { documents } = (await line.type('documents', 'list', '--json')).json as { documents: { workspace: string; fileName: string }[] }
  expect(documents).toMatchObject([{ workspace: 'teacher-dev', fileName: 'own.md' }])
  const found = (await line.type('search', '麒麟', '--json')).json as { results: { source: string }[] }
  expect(found.results[0]?.source).toBe('user/own.md')
  expect((await line.type('graph', 'entity', '麒麟', '--json')).json).toMatchObject({ workspace: 'teacher-dev' })
})

test('an answer and a search that were made without a model say so, to people and to machines', async () => {
  const away = { keywords: () => Promise.reject(new AppError('llm_unavailable')) }
  Object.assign(line.engine.deps.models, { keywords: away })
  for (const command of ['query', 'search']) {
    const people = await typed(command, '二次函数')
    expect([command, people.notes]).toEqual([command, [expect.stringMatching(/^degraded: The keyword model could not be reached/)]])
    expect((await typed(command, '二次函数', '--json')).json).toMatchObject({
      degraded: true,
      degradedReason: expect.stringContaining('keyword model') as string,
    })
  }
  Object.assign(line.engine.deps.models, { keywords: undefined })
})

test.each(['0x10', '1e1', ' 5', '5.0', ''])('-k %j is no whole number', async (count) => {
  expect((await typed('search', '二次函数', '-k', count)).exit).toBe(2)
})
