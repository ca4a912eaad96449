// Overload: what a process lets in, who waits, who is refused, and that nobody who left is worked for.
import { expect, test } from 'vitest'
import { createAdmission } from '../../src/drivers/admission.ts'

const patient = new AbortController().signal
const settings = { atOnce: 2, longestWaitMs: 60_000, mostWaiting: 3 }

/** Work that ends when it is told to. */
function held() {
  const gate = Promise.withResolvers<void>()
  const started: string[] = []
  return { started, letGo: gate.resolve, work: (name: string) => async () => (started.push(name), await gate.promise, name) }
}

/** What has started by the time everything that could start has. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

test('so many run at once, so many wait, and one more is refused with the time to come back', async () => {
  const searches = createAdmission(settings)
  const { started, letGo, work } = held()
  const all = ['1', '2', '3', '4', '5'].map((name) => searches.run('a', patient, work(name)))
  await settled()
  expect(started).toEqual(['1', '2'])
  await expect(searches.run('b', patient, work('6'))).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 60 })
  letGo()
  expect(await Promise.all(all)).toEqual(['1', '2', '3', '4', '5'])
})

test('a tenant with one search is next after a tenant with many', async () => {
  const searches = createAdmission({ ...settings, atOnce: 1, mostWaiting: 100 })
  const order: string[] = []
  const work = (name: string) => async () => (order.push(name), await settled())
  await Promise.all([
    ...['a1', 'a2', 'a3', 'a4'].map((name) => searches.run('a', patient, work(name))),
    searches.run('b', patient, work('b1')),
  ])
  expect(order).toEqual(['a1', 'b1', 'a2', 'a3', 'a4'])
})

test('who waited too long is refused, and who left is not worked for; both make room', async () => {
  const searches = createAdmission({ atOnce: 1, longestWaitMs: 5, mostWaiting: 1 })
  const { started, letGo, work } = held()
  const first = searches.run('a', patient, work('first'))
  await expect(searches.run('a', patient, work('late'))).rejects.toMatchObject({ code: 'overloaded' })
  const leaving = new AbortController()
  const left = searches.run('a', leaving.signal, work('left'))
  leaving.abort(new Error('gone'))
  await expect(left).rejects.toThrow('gone')
  letGo()
  await first
  expect(await searches.run('a', patient, work('next'))).toBe('next')
  expect(started).toEqual(['first', 'next'])
})

test('a search that fails gives its place back', async () => {
  const searches = createAdmission({ ...settings, atOnce: 1 })
  await expect(searches.run('a', patient, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await searches.run('a', patient, () => Promise.resolve('well'))).toBe('well')
})
