// What one tenant could learn of another without reading it: from scores, from what a second upload costs, from counts.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PUBLIC_WORKSPACE, workspaceId, workspaceScope, type WorkspaceId } from '../../src/core/workspace.ts'
import type { Database } from '../../src/ports/database.ts'
import type { Models } from '../../src/ports/models.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import type { SearchResponse } from '../../src/services/api.ts'
import { MODES } from '../../src/core/modes.ts'
import { createRetrieval } from '../../src/services/retrieve/retrieval.ts'
import { openTestDatabase } from '../support/database.ts'
import { bracketExtractor, startTestEngine, testModels, type TestEngine } from '../support/engine.ts'
import { searchRequest } from '../support/requests.ts'

let database: Database
let engine: TestEngine
const extractor = bracketExtractor()
const embedded: string[] = []

/** The built-in models, which are never cached, under names that are. */
function remoteModels(): Models {
  const plain = testModels(extractor)
  const embedding = {
    ...plain.embedding,
    model: 'remote/counted',
    embed: (texts: readonly string[], kind: 'document' | 'query', signal: AbortSignal) => {
      if (kind === 'document') embedded.push(...texts)
      return plain.embedding.embed(texts, kind, signal)
    },
  }
  return { ...plain, embedding, embeddingFor: () => embedding }
}

beforeAll(async () => {
  database = await openTestDatabase()
  engine = startTestEngine(database, { models: remoteModels() })
})
afterAll(() => engine.close())

const [mine, theirs] = [workspaceId('teacher-a'), workspaceId('teacher-b')]

async function answers(workspace: WorkspaceId, query: string): Promise<unknown[]> {
  const all: SearchResponse[] = []
  for (const mode of MODES) {
    const retrieval = createRetrieval(engine.deps)
    all.push(
      await retrieval.search(
        workspaceScope(workspace, PUBLIC_WORKSPACE),
        searchRequest({ query, mode, explain: true }),
        AbortSignal.timeout(60_000),
      ),
    )
  }
  return all.map((answer) => ({ ...answer, timings: undefined }))
}

test('whatever another tenant stores, no mode’s results, scores or explanations change here', async () => {
  await engine.ingest(mine, 'one', '# 二次函数\n\n[抛物线|concept|二次函数的图像] zanzibar parabola\n\n[抛物线 -has-> 顶点]')
  await engine.ingest(mine, 'two', '# 勾股定理\n\n[勾股定理|theorem|直角三角形] zanzibar triangle')
  const before = await answers(mine, 'zanzibar 抛物线')
  for (let at = 0; at < 12; at++) {
    await engine.ingest(
      theirs,
      `t${at}`,
      `# 抛物线 ${at}\n\nzanzibar zanzibar [抛物线|concept|another ${at}] [抛物线 -has-> 焦点 ${at}] [抛物线 = zanzibar]`,
    )
  }
  expect(await answers(mine, 'zanzibar 抛物线')).toEqual(before)
})

test('a file that another tenant has already costs as much as one that nobody has, and the second time costs nothing', async () => {
  const text = '# 余弦定理\n\n[余弦定理|theorem|任意三角形的边角关系] 用于解三角形'
  const cost = async (workspace: WorkspaceId, fileId: string): Promise<[extracted: number, embedded: number]> => {
    const before = [extractor.texts.length, embedded.length] as const
    await engine.ingest(workspace, fileId, text, 'same.md')
    return [extractor.texts.length - before[0], embedded.length - before[1]]
  }
  const first = await cost(workspaceId('teacher-first'), 'f')
  expect(first[0]).toBeGreaterThan(0)
  expect(first[1]).toBeGreaterThan(0)
  expect(await cost(workspaceId('teacher-second'), 'f')).toEqual(first)
  expect(await cost(workspaceId('teacher-second'), 'f')).toEqual([0, 0])
})

test('a hundred parses of one file at once are one job and a hundred equal answers', async () => {
  const workspace = workspaceId('teacher-hundred')
  await engine.worker.stop()

  const accepted = await Promise.all(
    Array.from({ length: 100 }, () =>
      engine.documents.parse(
        workspace,
        { fileId: 'same', options: DEFAULT_PARSE_OPTIONS, signedUrl: 'https://files.example.com/x', fileName: 'x.md' },
        'jwt',
      ),
    ),
  )
  expect(new Set(accepted.map((answer) => JSON.stringify(answer))).size).toBe(1)
  expect(accepted[0]).toMatchObject({ fileId: 'same', parseStatus: 'pending' })
})
