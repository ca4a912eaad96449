// Pictures as knowledge: a real model server describes them, over the real parser and the real stages.
import PDFDocument from 'pdfkit'
import sharp from 'sharp'
import { strToU8, zipSync } from 'fflate'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { workspaceId, type WorkspaceId } from '../../src/core/workspace.ts'
import { createModels } from '../../src/models/create.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS, type ParseOptions } from '../../src/ports/parser.ts'
import type { DocumentView } from '../../src/services/api.ts'
import { openTestDatabase } from '../support/database.ts'
import { startTestEngine, testModels, type TestEngine } from '../support/engine.ts'
import { messageText, type ChatBody } from '../support/model-replies.ts'
import { startModelServer, type ModelServer } from '../support/model-server.ts'

let database: Database
let server: ModelServer
let engine: TestEngine

beforeAll(async () => {
  database = await openTestDatabase()
})

beforeEach(async () => {
  server = await startModelServer()
  engine = startTestEngine(database, { models: seeingModels() })
})

afterEach(async () => {
  await engine.close()
  await server.close()
})

afterAll(() => database.close())

const seeingModels = () => ({
  ...testModels(),
  vision: createModels({ vision: { baseUrl: server.url, apiKey: 'k', model: 'qwen-vl-test', timeoutMs: 60_000 } }).vision,
})

const drawing = (side: number, shade: string): Promise<Buffer> =>
  sharp({ create: { width: side, height: side, channels: 3, background: shade } })
    .composite([
      {
        input: Buffer.from(
          `<svg width="${side}" height="${side}"><circle cx="${side / 2}" cy="${side / 2}" r="${side / 3}" fill="none" stroke="black"/></svg>`,
        ),
      },
    ])
    .png()
    .toBuffer()

/** A Word document of paragraphs and pictures, in the order given. */
function wordFile(parts: readonly (string | Buffer)[]): Buffer {
  const pictures = parts.filter((part) => typeof part !== 'string')
  const body = parts.map((part) =>
    typeof part === 'string'
      ? `<w:p><w:r><w:t>${part}</w:t></w:r></w:p>`
      : `<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="p"/><a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic><pic:blipFill><a:blip r:embed="rId${pictures.indexOf(part) + 1}"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r></w:p>`,
  )
  const namespaces =
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
  const relation = (id: number): string =>
    `<Relationship Id="rId${id}" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="media/image${id}.png"/>`
  return Buffer.from(
    zipSync({
      '[Content_Types].xml': strToU8(
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="png" ContentType="image/png"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
      ),
      '_rels/.rels': strToU8(
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
      ),
      'word/document.xml': strToU8(`<w:document ${namespaces}><w:body>${body.join('')}</w:body></w:document>`),
      'word/_rels/document.xml.rels': strToU8(
        `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${pictures.map((_, at) => relation(at + 1)).join('')}</Relationships>`,
      ),
      ...Object.fromEntries(pictures.map((picture, at) => [`word/media/image${at + 1}.png`, new Uint8Array(picture)])),
    }),
  )
}

async function ingest(
  workspace: WorkspaceId,
  fileId: string,
  fileName: string,
  bytes: Buffer,
  options: Partial<ParseOptions> = {},
): Promise<DocumentView> {
  await engine.documents.upload(workspace, { fileName, bytes, fileId, options: { ...DEFAULT_PARSE_OPTIONS, ...options } }, undefined)
  return engine.settled(workspace, fileId)
}

/** What the model was asked with its first picture. */
const firstRequest = (): string => {
  const [request] = server.requests
  return messageText((request?.body as ChatBody | undefined)?.messages?.at(-1))
}

const contentOf = async (workspace: WorkspaceId, fileId: string): Promise<string> =>
  (await engine.documents.chunks(workspace, fileId, { limit: 50 })).chunks.map((chunk) => chunk.content).join('\n')

test('a picture is described with the text around it, and the description is found in the chunks', async () => {
  const workspace = workspaceId('teacher-v1')
  const picture = await drawing(120, 'white')
  const file = wordFile(['抛物线的图像如下。', picture, '由图可知顶点在原点。'])
  const view = await ingest(workspace, 'f', 'a.docx', file)
  expect(view).toMatchObject({ parseStatus: 'completed', warnings: [], models: { vision: 'qwen-vl-test' } })
  expect(await contentOf(workspace, 'f')).toContain('抛物线的图像如下。\n\n图中是一条开口向上的抛物线 $y = x^2$。\n\n由图可知顶点在原点。')
  const request = firstRequest()
  expect(request).toContain('<before>\n抛物线的图像如下。\n</before>')
  expect(request).toContain('<after>\n由图可知顶点在原点。\n</after>')
  const { blocks } = await engine.documents.blocks(workspace, 'f', { limit: 10 })
  expect(blocks[1]).toMatchObject({
    ordinal: 1,
    type: 'image',
    description: { by: 'qwen-vl-test/see-1', text: '图中是一条开口向上的抛物线 $y = x^2$。' },
  })
  const asset = await engine.documents.asset(workspace, 'f', blocks[1]?.asset ?? '')
  expect([asset.mediaType, Buffer.from(asset.bytes).equals(picture)]).toEqual(['image/png', true])
  await expect(engine.documents.asset(workspaceId('teacher-v2'), 'f', blocks[1]?.asset ?? '')).rejects.toMatchObject({ code: 'not_found' })
})

test('equal pictures are asked about once, and small ones never', async () => {
  const workspace = workspaceId('teacher-v2')
  const picture = await drawing(100, 'white')
  const view = await ingest(
    workspace,
    'f',
    'a.docx',
    wordFile(['one', picture, 'two', Buffer.from(picture), 'three', await drawing(63, 'white')]),
  )
  expect(view.parseStatus).toBe('completed')
  expect(server.stats.chat.calls).toBe(1)
  expect((await contentOf(workspace, 'f')).match(/抛物线/g)).toHaveLength(2)
})

test('a changed document pays only for its new pictures', async () => {
  const workspace = workspaceId('teacher-v3')
  const picture = await drawing(100, 'white')
  await ingest(workspace, 'f', 'a.docx', wordFile(['one', picture]))
  await ingest(workspace, 'f', 'a.docx', wordFile(['one, changed', picture, 'two', await drawing(100, 'grey')]))
  expect(server.stats.chat.calls).toBe(2)
  expect((await contentOf(workspace, 'f')).match(/抛物线/g)).toHaveLength(2)
})

test('processImages: false asks nothing and keeps no picture', async () => {
  const workspace = workspaceId('teacher-v4')
  const view = await ingest(workspace, 'f', 'a.docx', wordFile(['one', await drawing(100, 'white')]), { processImages: false })
  expect([view.parseStatus, server.stats.chat.calls]).toEqual(['completed', 0])
})

test('a vision model that refuses is a warning; sent again, only what is missing is asked for', async () => {
  const workspace = workspaceId('teacher-v5')
  server.failNext('chat', { kind: 'status', status: 400, message: 'no' })
  const file = wordFile(['one', await drawing(100, 'white'), 'two', await drawing(100, 'grey')])
  const view = await ingest(workspace, 'f', 'a.docx', file)
  expect(view.parseStatus).toBe('completed')
  expect(view.warnings).toEqual([expect.stringMatching(/^A picture could not be described: /)])
  const calls = server.stats.chat.calls
  const again = await ingest(workspace, 'f', 'a.docx', file)
  expect(again).toMatchObject({ parseStatus: 'completed', warnings: [] })
  expect(server.stats.chat.calls).toBe(calls + 1)
  expect((await contentOf(workspace, 'f')).match(/抛物线/g)).toHaveLength(2)
  await ingest(workspace, 'f', 'a.docx', file)
  expect(server.stats.chat.calls).toBe(calls + 1)
})

test('replies of a try that did not come to its end are not paid for again', async () => {
  const workspace = workspaceId('teacher-v6')
  await engine.close()
  const models = seeingModels()
  let broken = true
  const embedding = {
    ...models.embedding,
    embed: (...input: Parameters<typeof models.embedding.embed>) =>
      broken ? Promise.reject(new Error('gone')) : models.embedding.embed(...input),
  }
  engine = startTestEngine(database, { models: { ...models, embedding, embeddingFor: () => embedding }, backoffMs: 10 })
  const failed = await ingest(workspace, 'f', 'a.docx', wordFile(['one', await drawing(100, 'white')]))
  expect(failed.parseStatus).toBe('failed')
  broken = false
  await engine.documents.retry(workspace, 'f', undefined)
  expect((await engine.settled(workspace, 'f')).parseStatus).toBe('completed')
  expect(server.stats.chat.calls).toBe(1)
})

test('a photo without a single word is a document when somebody describes it', async () => {
  const workspace = workspaceId('teacher-v7')
  const view = await ingest(workspace, 'f', 'photo.png', await drawing(400, 'white'))
  expect(view).toMatchObject({ parseStatus: 'completed', chunkCount: 1 })
  expect(await contentOf(workspace, 'f')).toContain('抛物线')
})

test('a picture that is too large for models is sent as a smaller copy', async () => {
  const workspace = workspaceId('teacher-v8')
  const large = await sharp({
    create: { width: 3000, height: 900, channels: 3, background: 'white', noise: { type: 'gaussian', mean: 200, sigma: 20 } },
  })
    .png()
    .toBuffer()
  const view = await ingest(workspace, 'f', 'a.docx', wordFile(['one', large]), { parseMethod: 'text' })
  expect(view).toMatchObject({ parseStatus: 'completed', warnings: [] })
  const parts = (server.requests[0]?.body as ChatBody | undefined)?.messages?.at(-1)?.content
  const url = Array.isArray(parts) ? (parts.find((part) => part.type === 'image_url')?.image_url?.url ?? '') : ''
  const size = await sharp(Buffer.from(url.split(',')[1] ?? '', 'base64')).metadata()
  expect([url.slice(0, 15), size.width]).toEqual(['data:image/jpeg', 2048])
})

test('a page that shows no word OCR could read comes as a picture and is described', async () => {
  const workspace = workspaceId('teacher-v9')
  const pdf = new PDFDocument({ size: [300, 400] })
  const parts: Buffer[] = []
  pdf.on('data', (part: Buffer) => parts.push(part))
  const ended = new Promise((resolve) => pdf.once('end', resolve))
  pdf.fontSize(12).text('The first page says that a parabola follows.')
  pdf.addPage().image(await drawing(400, 'white'), 0, 0, { width: 300, height: 400 })
  pdf.end()
  await ended
  const view = await ingest(workspace, 'f', 'scan.pdf', Buffer.concat(parts))
  expect(view).toMatchObject({ parseStatus: 'completed', models: { vision: 'qwen-vl-test' } })
  expect(await contentOf(workspace, 'f')).toMatch(/a parabola follows[^]*图中是一条开口向上的抛物线/)
  expect(firstRequest()).toContain('<before>\nThe first page says that a parabola follows.\n</before>')
})
