// Documents full of addresses: reading them asks none of these, whatever the format.
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ParserPool } from '../../src/parsers/pool.ts'

let server: Server
const asked: string[] = []
const pool = new ParserPool({ size: 1 })
beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end()
  })
  server.on('connection', () => asked.push('a connection'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterAll(async () => {
  server.close()
  await pool.close()
})

const base = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const addresses = (): string[] => Array.from({ length: 200 }, (_, at) => `${base()}/${at}.png`)

const svg = (): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="${base()}/svg"/></svg>`
const html = (): string =>
  `<html><head><link rel="stylesheet" href="${base()}/css"><base href="${base()}/"><script src="${base()}/js"></script></head><body><p>words</p>
  <iframe src="${base()}/frame"></iframe><object data="${base()}/object"></object>${svg()}${addresses()
    .map((address) => `<img src="${address}">`)
    .join('')}</body></html>`
const xml = (): string =>
  `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "${base()}/entity">]><?xml-stylesheet href="${base()}/xsl"?><r>words &x;</r>`
const docx = (): Uint8Array =>
  zipSync({
    '[Content_Types].xml': strToU8(
      '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>',
    ),
    '_rels/.rels': strToU8(
      '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>',
    ),
    'word/_rels/document.xml.rels': strToU8(
      `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/image" Target="${base()}/image" TargetMode="External"/><Relationship Id="r2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/attachedTemplate" Target="${base()}/template" TargetMode="External"/></Relationships>`,
    ),
    'word/document.xml': strToU8(
      '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><w:body><w:p><w:r><w:t>words</w:t></w:r></w:p><w:p><w:r><w:drawing><a:blip r:link="r1"/></w:drawing></w:r></w:p></w:body></w:document>',
    ),
  })

const options = { parseMethod: 'auto', processImages: true, processTables: true, processEquations: true } as const

test.each<[string, () => string | Uint8Array]>([
  [
    'page.md',
    () =>
      `# words\n\n${addresses()
        .map((address) => `![alt](${address})`)
        .join('\n\n')}\n\n[link](${base()}/link)\n\n${svg()}`,
  ],
  ['page.html', html],
  ['page.xml', xml],
  ['page.json', () => JSON.stringify({ title: 'words', image: `${base()}/json`, $ref: `${base()}/schema` })],
  ['page.docx', docx],
])('%s asks no address it names', async (fileName, content) => {
  const made = content()
  const bytes = typeof made === 'string' ? Buffer.from(made) : made
  const read = await pool.parse({ bytes, fileName, options }, AbortSignal.timeout(60_000))
  expect(JSON.stringify(read.blocks)).toContain('words')
  expect(asked).toEqual([])
})

test('the server that nobody asked does answer', async () => {
  await fetch(`${base()}/hello`)
  expect(asked).toContain('/hello')
})
