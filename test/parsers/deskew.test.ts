import sharp, { type OutputInfo } from 'sharp'
import { expect, test } from 'vitest'
import { skewOf } from '../../src/parsers/deskew.ts'
import { fixture, parseHere } from './support.ts'

async function turned(degrees: number): Promise<{ data: Buffer; info: OutputInfo; png: Buffer }> {
  const upright = await sharp(await fixture('score-sheet.png'))
    .flatten({ background: '#fff' })
    .grayscale()
    .png()
    .toBuffer()
  const png = await sharp(upright).rotate(degrees, { background: '#fff' }).png().toBuffer()
  return { ...(await sharp(png).grayscale().raw().toBuffer({ resolveWithObject: true })), png }
}

test.each([0, 1, 2.5, -3, 4])('a sheet that was turned by %d degrees is turned back', async (degrees) => {
  const { data, info } = await turned(degrees)
  expect(Math.abs(skewOf(data, info.width, info.height) + degrees)).toBeLessThan(0.3)
})

test('noise and empty pages are left as they lie', () => {
  expect(skewOf(new Uint8Array(400 * 400).fill(255), 400, 400)).toBe(0)
  let state = 1
  const noise = Uint8Array.from({ length: 400 * 400 }, () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 24)
  expect(skewOf(noise, 400, 400)).toBe(0)
})

test('a table that was scanned askew keeps its rows and columns', { timeout: 60_000 }, async () => {
  const straight = await parseHere(await fixture('score-sheet.png'), 'sheet.png')
  const askew = await parseHere((await turned(2.5)).png, 'sheet.png')
  const grid = (document: typeof straight) =>
    document.blocks.filter((block) => block.table !== undefined).map(({ table }) => [table?.rows, table?.columns])
  expect(grid(askew)).toEqual(grid(straight))
})
