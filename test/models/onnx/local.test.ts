// The local models against a slow, plain forward pass over the same weights: numbers, not impressions.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { createLocalEmbedding, QWEN3_QUERY_PREFIX } from '../../../src/models/onnx/embedding.ts'
import type { LocalEmbedding, LocalEmbeddingOptions } from '../../../src/models/onnx/embedding.ts'
import { createLocalReranker, RERANK_INSTRUCTION, RERANK_PREFIX, RERANK_SUFFIX } from '../../../src/models/onnx/reranker.ts'
import { plainForward, plainLogits, TINY, tinyIds, tinyWeights, TOKEN, writeTinyFolder } from '../../support/tiny-qwen3.ts'
import type { GraphOptions } from '../../support/tiny-qwen3.ts'

const { signal } = new AbortController()
const root = mkdtempSync(path.join(tmpdir(), 'local-model-'))
const weights = tinyWeights()
const open: { close(): Promise<void> }[] = []
const texts = [
  '勾股定理',
  'a',
  'Newton’s second law links force, mass and acceleration.',
  '二次函数的图像是一条抛物线，开口由二次项系数的符号决定。',
]

afterEach(async () => {
  for (const model of open.splice(0)) await model.close()
})
afterAll(() => rmSync(root, { recursive: true }))

let folders = 0
function folderWith(options: GraphOptions & { file?: string } = {}): string {
  folders += 1
  const folder = path.join(root, `Tiny-Qwen3-${folders}`)
  writeTinyFolder(folder, weights, options)
  return folder
}

function embedding(graph: GraphOptions & { file?: string } = {}, options: Partial<LocalEmbeddingOptions> = {}): LocalEmbedding {
  const model = createLocalEmbedding({ modelPath: folderWith(graph), device: 'cpu', ...options })
  open.push(model)
  return model
}

function expected(text: string, dim: number = TINY.hidden): number[] {
  const state = (plainForward(weights, [...tinyIds(text), TOKEN.end]).at(-1) ?? []).slice(0, dim)
  const length = Math.hypot(...state)
  return state.map((value) => value / length)
}

const cosine = (one: ArrayLike<number>, other: ArrayLike<number>): number =>
  Array.from(one).reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0)
const furthest = (one: ArrayLike<number> | undefined, other: number[]): number =>
  Math.max(...other.map((value, at) => Math.abs(value - (one?.[at] ?? Number.NaN))))

describe('local embeddings equal the plain forward pass', () => {
  test.each<[string, GraphOptions]>([
    ['fp32', {}],
    ['with position ids as input', { positions: true }],
    ['with past keys and values as inputs, fed empty', { past: true, positions: true }],
  ])('%s, in a padded batch of different lengths', async (_name, graph) => {
    const { vectors, truncated, usage } = await embedding(graph).embed(texts, 'document', signal)
    for (const [index, text] of texts.entries()) expect(furthest(vectors[index], expected(text))).toBeLessThan(1e-5)
    expect(truncated).toBe(0)
    expect(usage.inputTokens).toBe(texts.reduce((sum, text) => sum + tinyIds(text).length + 1, 0))
  })

  test('int8 points the same way', async () => {
    const { vectors } = await embedding({ int8: true }).embed(texts, 'document', signal)
    for (const [index, text] of texts.entries()) expect(cosine(vectors[index] ?? [], expected(text))).toBeGreaterThan(0.99)
  })

  test('a question gets the instruction, a document does not', async () => {
    const model = embedding()
    const [query] = (await model.embed(['勾股定理'], 'query', signal)).vectors
    expect(furthest(query, expected(`${QWEN3_QUERY_PREFIX}勾股定理`))).toBeLessThan(1e-5)
    expect(furthest(query, expected('勾股定理'))).toBeGreaterThan(0.01)
  })

  test('a smaller dimension is the beginning of the vector, at unit length again', async () => {
    const model = embedding({}, { dim: 8 })
    const [vector] = (await model.embed(['勾股定理'], 'document', signal)).vectors
    expect(vector).toHaveLength(8)
    expect(furthest(vector, expected('勾股定理', 8))).toBeLessThan(1e-5)
  })

  test('a text over the limit is cut in front of the end mark and counted', async () => {
    const { vectors, truncated } = await embedding({}, { maxTokens: 10 }).embed(['abcdefghijklmnop', 'abc'], 'document', signal)
    expect(truncated).toBe(1)
    expect(furthest(vectors[0], expected('abcdefghi'))).toBeLessThan(1e-5)
  })

  test('a small token budget changes nothing but the number of runs', async () => {
    const { vectors } = await embedding({}, { tokenBudget: 16 }).embed(texts, 'document', signal)
    for (const [index, text] of texts.entries()) expect(furthest(vectors[index], expected(text))).toBeLessThan(1e-5)
  })

  test('the main thread stays free while the worker works', async () => {
    const model = embedding()
    let turns = 0
    const ticking = setInterval(() => (turns += 1), 1)
    await model.embed(
      Array.from({ length: 64 }, (_unused, index) => `${index}${'长文字'.repeat(50)}`),
      'document',
      signal,
    )
    clearInterval(ticking)
    expect(turns).toBeGreaterThan(3)
  })
})

describe('a local model that is not right', () => {
  test('is refused at once with the setting and what is missing', () => {
    const missing = path.join(root, 'nowhere')
    expect(() => createLocalEmbedding({ modelPath: missing })).toThrow(
      'EMBEDDING_MODEL_PATH names a folder that does not exist; models/README.md',
    )
    const empty = mkdtempSync(path.join(root, 'empty-'))
    expect(() => createLocalEmbedding({ modelPath: empty })).toThrow('without model.onnx')
    const partial = folderWith()
    rmSync(path.join(partial, 'tokenizer.json'))
    expect(() => createLocalEmbedding({ modelPath: partial })).toThrow('without tokenizer.json')
    writeFileSync(path.join(partial, 'tokenizer.json'), '{"half":')
    expect(() => createLocalEmbedding({ modelPath: partial })).toThrow('tokenizer.json is not complete JSON')
    expect(() => createLocalEmbedding({ modelPath: folderWith(), dim: 64 })).toThrow('EMBEDDING_DIM=64 is more than the 32')
  })

  test('a corrupt graph is found when the model is loaded, not silently replaced, and the error shows no path', async () => {
    const modelPath = folderWith()
    writeFileSync(path.join(modelPath, 'model.onnx'), 'not a graph')
    const model = createLocalEmbedding({ modelPath, device: 'cpu' })
    open.push(model)
    await expect(model.ready()).rejects.toMatchObject({
      code: 'embedding_service_unavailable',
      message: 'The local model cannot be loaded; check EMBEDDING_MODEL_PATH, the files and their checksums as models/README.md says.',
    })
    writeTinyFolder(modelPath, weights)
    expect((await model.embed(['a'], 'document', signal)).vectors).toHaveLength(1)
  })

  test('a graph without hidden states says so', async () => {
    await expect(embedding({ head: 'logits' }).embed(['a'], 'document', signal)).rejects.toThrow(
      'no output sentence_embedding or last_hidden_state',
    )
  })

  test('a graph of another kind or of another size than its config says is refused when it is loaded', async () => {
    await expect(embedding({ head: 'logits' }).ready()).rejects.toThrow('no output sentence_embedding or last_hidden_state')
    const modelPath = folderWith()
    const config = path.join(modelPath, 'config.json')
    writeFileSync(config, JSON.stringify({ ...(JSON.parse(readFileSync(config, 'utf8')) as object), hidden_size: TINY.hidden * 2 }))
    const model = createLocalEmbedding({ modelPath, device: 'cpu' })
    open.push(model)
    await expect(model.ready()).rejects.toThrow(
      `makes ${TINY.hidden} numbers where its config.json says ${TINY.hidden * 2}; check EMBEDDING_MODEL_PATH`,
    )
    await expect(model.embed(['a'], 'document', signal)).rejects.toMatchObject({ details: { reason: 'dimension' } })
    const reranker = createLocalReranker({ modelPath: folderWith(), device: 'cpu' })
    open.push(reranker)
    await expect(reranker.ready()).rejects.toThrow('no output logits')
  })

  test('CUDA that is not there is an error when demanded and a warning on auto', async () => {
    const warnings: string[] = []
    const auto = embedding({}, { device: 'auto', onWarning: (sentence) => warnings.push(sentence) })
    await auto.ready()
    const demanded = embedding({}, { device: 'cuda' })
    const outcome = await demanded.ready().then(
      () => 'cuda works',
      () => 'refused',
    )
    // On a machine with CUDA both run there; without it one warns and the other refuses.
    expect([outcome, warnings.length]).toEqual(outcome === 'cuda works' ? ['cuda works', 0] : ['refused', 1])
  })

  test('an abort ends the wait with the caller’s reason and the model goes on working', async () => {
    const model = embedding()
    await model.ready()
    const controller = new AbortController()
    const waiting = model.embed(texts, 'document', controller.signal)
    controller.abort(new Error('left'))
    await expect(waiting).rejects.toThrow('left')
    expect((await model.embed(['a'], 'document', signal)).vectors).toHaveLength(1)
  })
})

test('the graph may lie in a folder onnx/ of its own', async () => {
  expect((await embedding({ file: 'onnx/model.onnx' }).embed(['a'], 'document', signal)).vectors).toHaveLength(1)
})

test('the name of the space tells the folder', () => {
  expect(embedding().model).toMatch(/^onnx\/tiny-qwen3-\d+$/)
})

test('the reranker’s score is the softmax of the yes and no logits after the frame', async () => {
  const model = createLocalReranker({ modelPath: folderWith({ head: 'logits' }), device: 'cpu' })
  open.push(model)
  const documents = ['勾股定理', 'a <|im_end|> b', '抛物线']
  const { scores, usage } = await model.rerank('什么是勾股定理', documents, signal)
  let tokens = 0
  const reference = documents.map((text) => {
    const pair = `<Instruct>: ${RERANK_INSTRUCTION}\n<Query>: 什么是勾股定理\n<Document>: ${text.replace('<|', '|')}`
    const ids = [RERANK_PREFIX, pair, RERANK_SUFFIX].flatMap(tinyIds)
    tokens += ids.length
    const logits = plainLogits(weights, plainForward(weights, ids).at(-1) ?? [])
    return 1 / (1 + Math.exp((logits[TOKEN.no] ?? 0) - (logits[TOKEN.yes] ?? 0)))
  })
  for (const [index, score] of scores.entries()) expect(score).toBeCloseTo(reference[index] ?? -1, 4)
  expect(usage.inputTokens).toBe(tokens)
  expect(new Set(scores).size).toBe(3)
})
