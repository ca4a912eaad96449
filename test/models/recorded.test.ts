// Recordings: made once from the real model, replayed without it, and honest about what is missing.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createChatModel } from '../../src/models/openai/chat.ts'
import { createEmbeddingModel } from '../../src/models/openai/embedding.ts'
import { recordedChat, recordedEmbedding } from '../../src/models/recorded.ts'
import { startModelServer } from '../support/model-server.ts'
import type { ModelServer } from '../support/model-server.ts'
import { endpointOf } from './endpoint.ts'

const { signal } = new AbortController()
const folder = mkdtempSync(path.join(tmpdir(), 'recordings-'))
const command = 'RECORD=1 npx vitest run test/models/recorded.test.ts'
let server: ModelServer

beforeAll(async () => {
  server = await startModelServer()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  await server.close()
})

test('a chat is asked once and then replayed, also as a stream', async () => {
  const file = path.join(folder, 'chat.json')
  const request = { messages: [{ role: 'user' as const, content: '你好' }] }
  const made = await recordedChat('qwen-plus', { file, command, live: createChatModel(endpointOf(server), undefined) }).complete(
    request,
    signal,
  )
  const replay = recordedChat('qwen-plus', { file, command })
  expect(await replay.complete(request, signal)).toEqual(made)
  let text = ''
  for await (const piece of replay.stream(request, signal)) text += piece
  expect(text).toBe(made.text)
  expect(server.stats.chat.calls).toBe(1)
  expect(readFileSync(file, 'utf8')).not.toContain('test-key')
})

test('a missing recording fails with the command that makes it', async () => {
  const replay = recordedChat('qwen-plus', { file: path.join(folder, 'none.json'), command })
  await expect(replay.complete({ messages: [] }, signal)).rejects.toThrow(`Make it with: ${command}`)
})

test('embeddings are replayed text by text, whatever the batches', async () => {
  const file = path.join(folder, 'embedding.json')
  const live = createEmbeddingModel(endpointOf(server, { role: 'embed' }), undefined, { dim: 1024 })
  const space = { model: live.model, dim: 1024 }
  const made = await recordedEmbedding(space, { file, command, live }).embed(['甲', '乙'], 'document', signal)
  const replay = recordedEmbedding(space, { file, command })
  const [second] = (await replay.embed(['乙'], 'document', signal)).vectors
  expect(second).toEqual(made.vectors[1])
  await expect(replay.embed(['乙'], 'query', signal)).rejects.toThrow(command)
})
