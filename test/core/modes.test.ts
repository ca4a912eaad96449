import { expect, it } from 'vitest'
import { MODE_TABLE, MODES, needsEmbedding, readsGraph } from '../../src/core/modes.ts'

it('every mode has a row and bypass alone has no leg', () => {
  expect(Object.keys(MODE_TABLE).toSorted()).toEqual([...MODES].toSorted())
  expect(MODES.filter((mode) => MODE_TABLE[mode].legs.length === 0)).toEqual(['bypass'])
})

it('only lexical and bypass work without an embedding model', () => {
  expect(MODES.filter((mode) => !needsEmbedding(mode))).toEqual(['lexical', 'bypass'])
})

it('keywords are asked for by the modes that read the graph', () => {
  expect(MODES.filter(readsGraph)).toEqual(['auto', 'local', 'global', 'hybrid', 'mix'])
})
