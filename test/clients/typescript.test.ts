// The TypeScript client against the real service, and its types against the schemas that the service validates with.
import type { z } from 'zod'
import { afterAll, beforeAll, expect, test } from 'vitest'
import * as client from '../../clients/typescript/insight-rag.ts'
import type * as documents from '../../src/http/schemas/documents.ts'
import type * as graph from '../../src/http/schemas/graph.ts'
import type * as schemas from '../../src/http/schemas/search.ts'
import { type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'
import { TEST_SECRET, teacherToken } from '../support/tokens.ts'

/** Compiles only while every `Given` may stand where `Wanted` does. */
type Fits<Given extends Wanted, Wanted> = Given
export type Held = [
  Fits<client.SearchRequest, z.input<typeof schemas.searchRequest>>,
  Fits<z.output<typeof schemas.searchResponse>, client.SearchReply>,
  Fits<client.QueryRequest, z.input<typeof schemas.queryRequest>>,
  Fits<Extract<z.output<typeof schemas.queryResponse>, { answer: string }>, client.Answer>,
  Fits<client.ParseRequest, z.input<typeof documents.parseRequest>>,
  Fits<z.output<typeof documents.accepted>, client.Accepted>,
  Fits<z.output<typeof documents.documentView>, client.Document>,
  Fits<z.output<typeof graph.entityDetail>, client.Entity>,
  Fits<z.output<typeof graph.prerequisites>, client.Prerequisites>,
]

let place: ServicePlace
let service: Service
let rag: client.InsightRag

beforeAll(async () => {
  place = await servicePlace()
  service = await startService(place, { JWT_SECRET: TEST_SECRET })
  rag = new client.InsightRag(`${service.url}/`, { token: teacherToken('ts') })
}, 120_000)

afterAll(async () => {
  await service?.stop()
  await place?.clear()
})

test('a text and a file go in, are waited for, found, cited, walked and removed', async () => {
  const { fileId } = await rag.upload({ text: '# 二次函数\n\n学习二次函数之前必须先掌握一次函数。二次函数的图像是抛物线。' }, '教案.md')
  expect(await rag.settled(fileId)).toMatchObject({ parseStatus: 'completed', fileName: '教案.md', workspace: 'teacher-ts' })
  const second = await rag.upload(new Blob(['The vertex lies on the axis.']), 'vertex.txt')
  expect((await rag.settled(second.fileId)).chunkCount).toBe(1)
  const { results } = await rag.search({ query: '抛物线', includePublic: false, topK: 1 })
  expect(results[0]).toMatchObject({ source: 'user/教案.md', fileId })
  const heard: string[] = []
  let written = ''
  for await (const { event, data } of rag.stream({ query: '二次函数的图像是什么？', includePublic: false })) {
    if (heard.at(-1) !== event) heard.push(event)
    if (event === 'done') written = data.answer
  }
  expect(heard).toEqual(['references', 'token', 'done'])
  expect(written).toContain('[1]')
  expect((await rag.query({ query: '二次函数的图像是什么？', includePublic: false })).references[0]?.fileId).toBe(fileId)
  expect((await rag.entity('二次函數')).name).toMatch(/^二次函[数數]$/)
  expect((await rag.prerequisites('二次函数', 1)).chain.some(({ name }) => /^一次函[数數]$/.test(name))).toBe(true)
  expect((await rag.documents({ q: 'vertex' })).documents).toHaveLength(1)
  expect(await rag.remove(fileId)).toEqual({ fileId, deleted: true })
})

test('a refusal is an error with its code, status and request id', async () => {
  await expect(rag.document('nothing-here')).rejects.toMatchObject({
    code: 'not_found',
    status: 404,
    requestId: expect.stringMatching(/./),
  })
  const stranger = new client.InsightRag(service.url, { token: 'nonsense' })
  await expect(stranger.search({ query: 'x' })).rejects.toBeInstanceOf(client.InsightRagError)
  await expect(stranger.search({ query: 'x' })).rejects.toMatchObject({ code: 'unauthorized', status: 401 })
})
