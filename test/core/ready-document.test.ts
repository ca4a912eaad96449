import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { AppError } from '../../src/core/errors.ts'
import { isReady, readReadyDocument, READY_FORMAT, READY_MEDIA_TYPE } from '../../src/core/ready-document.ts'
import { parserFor } from '../../src/parsers/registry.ts'
import { sniffMediaType } from '../../src/parsers/sniff.ts'

const page = readFileSync('docs/migration-from-lightrag.md', 'utf8')
const example = /```json\n([\s\S]*?)```/.exec(page)?.[1] ?? ''

test('the example of the documentation is known by its content, whatever its name, and is read', async () => {
  for (const name of ['a.pdf', 'a.txt', 'a.json', 'a'])
    expect(sniffMediaType(Buffer.from(example), name)).toEqual({ mediaType: READY_MEDIA_TYPE, warnings: [] })
  expect(sniffMediaType(Buffer.from('{"title": "insight-rag-document/1"}'), 'a.json').mediaType).toBe('application/json')
  const parse = await parserFor(READY_MEDIA_TYPE)
  const read = await parse(Buffer.from(example), {} as Parameters<typeof parse>[1])
  expect(read.blocks.map(({ type, headings, page: at }) => [type, headings, at])).toEqual([
    ['heading', [], undefined],
    ['paragraph', ['二次函数'], 1],
  ])
  expect(read.stated?.relations).toMatchObject([
    { source: '一次函数', target: '二次函数', keywords: ['prerequisite'], weight: 1, block: 1 },
  ])
  expect(read.stated?.by).toBeUndefined()
  expect(isReady(example)).toBe(true)
})

test.each([
  [{ blocks: [] }, 'blocks'],
  [{ blocks: [{ text: '' }] }, 'blocks.0.text'],
  [{ blocks: [{ text: 'x' }], entities: [{ name: 'a', block: 1 }] }, 'there is no block 1'],
  [{ blocks: [{ text: 'x' }], extractor: 'builtin-9' }, 'extractor'],
  [{ blocks: [{ text: 'x' }], relations: [{ source: 'a', target: 'b', weight: -1, block: 0 }] }, 'relations.0.weight'],
])('%j is refused naming what is wrong', (fields, named) => {
  const read = () => readReadyDocument({ format: READY_FORMAT, ...fields })
  expect(read).toThrow(AppError)
  expect(read).toThrow(named)
})
