// Batching by length, and what happens when memory runs out.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lengthBuckets, OutOfMemory, runHalving } from '../../../src/models/onnx/batches.ts'

test('every row is in exactly one group and no group of several is over the budget', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 600 }), { maxLength: 80 }), fc.integer({ min: 1, max: 4096 }), (lengths, budget) => {
      const groups = lengthBuckets(lengths, budget)
      expect(groups.flat().toSorted((one, other) => one - other)).toEqual(lengths.map((_length, index) => index))
      for (const group of groups)
        expect(group.length === 1 || group.length * Math.max(...group.map((index) => lengths[index] ?? 0)) <= budget).toBe(true)
    }),
  )
})

test('rows of one length are packed to the budget', () => {
  expect(lengthBuckets([10, 10, 10, 10, 10], 20).map((group) => group.length)).toEqual([2, 2, 1])
})

test('out of memory halves until it fits, and the order stays', async () => {
  const runs: number[] = []
  const halved: number[] = []
  const run = async (rows: readonly number[]): Promise<number[]> => {
    runs.push(rows.length)
    if (rows.length > 2) throw new OutOfMemory('no room')
    return rows.map((row) => row * 10)
  }
  expect(await runHalving([1, 2, 3, 4, 5], run, (rows) => halved.push(rows))).toEqual([10, 20, 30, 40, 50])
  expect(runs).toEqual([5, 3, 2, 1, 2])
  expect(halved).toEqual([5, 3])
})

test('a single row that does not fit and any other failure are errors', async () => {
  const full = (): Promise<number[]> => Promise.reject(new OutOfMemory('no room'))
  await expect(runHalving([1], full, () => undefined)).rejects.toThrow('no room')
  await expect(
    runHalving(
      [1, 2],
      () => Promise.reject(new Error('broken')),
      () => undefined,
    ),
  ).rejects.toThrow('broken')
})
