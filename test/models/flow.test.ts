// The flow control against a real server: throughput, 429s, priorities, the breaker and the ledger's records.
import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createFlows, flowingChat } from '../../src/models/flow.ts'
import type { Flow, UsageRecord } from '../../src/models/flow.ts'
import { createGate } from '../../src/models/gate.ts'
import type { Priority } from '../../src/models/gate.ts'
import { createChatModel } from '../../src/models/openai/chat.ts'
import type { Endpoint } from '../../src/models/roles.ts'
import type { ChatModel, ChatRequest } from '../../src/ports/models.ts'
import { startModelServer } from '../support/model-server.ts'
import type { Fault, ModelServer } from '../support/model-server.ts'
import { endpointOf } from './endpoint.ts'

const { signal } = new AbortController()
const ask: ChatRequest = { messages: [{ role: 'user', content: '问' }] }
let server: ModelServer
let records: UsageRecord[]

beforeEach(async () => {
  server = await startModelServer()
  records = []
})
afterEach(() => server.close())

function flowing(over: Partial<Endpoint> = {}, openMs?: number): { chat: ChatModel; flow: Flow } {
  const endpoint = endpointOf(server, over)
  const flow = createFlows((record) => records.push(record), { openMs })(endpoint)
  return { chat: flowingChat(createChatModel(endpoint, undefined), flow, 'ingest'), flow }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms))

const many = (chat: ChatModel, count: number): Promise<PromiseSettledResult<unknown>[]> =>
  Promise.allSettled(Array.from({ length: count }, () => chat.complete(ask, signal)))

describe('throughput', () => {
  test('whatever the latency, every slot is in use: as soon as one reply is there the next request arrives, and never one more', async () => {
    server.hold()
    const { chat, flow } = flowing({ concurrency: 8 })
    const done = many(chat, 64)
    for (let replies = 0; replies <= 56; replies += 1) {
      // As many as the limit is: on a machine that stood still meanwhile, latency may have lowered it.
      const { chat: seen } = server.stats
      const isFull = (): boolean => seen.inFlight >= flow.gate.limit && seen.calls === replies + seen.inFlight
      await expect.poll(isFull, { interval: 1 }).toBe(true)
      server.letGo(1)
    }
    server.letGo()
    await done
    expect(server.stats.chat).toMatchObject({ calls: 64, succeeded: 64, peakInFlight: 8 })
  })

  test('with 30 % of 429s every call is answered without storming: hardly more requests than the failures make necessary', async () => {
    server.failAt('chat', 0.3, { kind: 'status', status: 429, retryAfterMs: 5 })
    const { chat } = flowing({ concurrency: 16 })
    // A call that met three 429s in a row is what a job asks again later.
    for (let open = 70; open > 0;) open = (await many(chat, open)).filter(({ status }) => status === 'rejected').length
    expect(server.stats.chat.succeeded).toBe(70)
    expect(server.stats.chat.calls).toBeLessThanOrEqual(Math.ceil(70 / 0.7) + 1)
  })

  test('a limit nobody named is found: after the first refusals few more follow', async () => {
    vi.useFakeTimers()
    try {
      const narrow = createGate(32)
      const bears = { most: 4, now: 0, refused: 0 }
      const request = async (): Promise<void> => {
        const done = await narrow.acquire('ingest', signal)
        const refused = bears.now >= bears.most
        const ms = refused ? 2 : 50
        if (refused) bears.refused += 1
        else bears.now += 1
        await sleep(ms)
        if (!refused) bears.now -= 1
        narrow.observe({ status: refused ? 429 : 200, ms, retryAfterSeconds: undefined }, 'chat')
        done()
      }
      const all = async (count: number): Promise<void> => {
        const done = Promise.all(Array.from({ length: count }, request))
        await vi.runAllTimersAsync()
        await done
      }
      await all(100)
      const learning = bears.refused
      await all(200)
      expect(narrow.limit).toBeLessThanOrEqual(6)
      expect(bears.refused - learning).toBeLessThan(200 * 0.3)
      expect(learning).toBeGreaterThan(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the gate', () => {
  test('a live question overtakes summaries and ingestion; within a priority first come, first served', async () => {
    const gate = createGate(1)
    const release = await gate.acquire('ingest', signal)
    const order: string[] = []
    const waiting = (['ingest', 'summary', 'ingest', 'live', 'live'] satisfies Priority[]).map(async (priority, index) => {
      const done = await gate.acquire(priority, signal)
      order.push(`${priority}${index}`)
      done()
    })
    release()
    await Promise.all(waiting)
    expect(order).toEqual(['live3', 'live4', 'summary1', 'ingest0', 'ingest2'])
  })

  test('a tenant with a long queue does not delay another, and its own order stays', async () => {
    let tenant = 'a'
    const gate = createGate(1, () => tenant)
    const release = await gate.acquire('ingest', signal)
    const order: string[] = []
    const enter = async (name: string): Promise<void> => {
      const done = await gate.acquire('ingest', signal)
      order.push(name)
      done()
    }
    const waiting = ['a1', 'a2', 'a3'].map(enter)
    tenant = 'b'
    waiting.push(enter('b1'), enter('b2'))
    release()
    await Promise.all(waiting)
    expect(order).toEqual(['b1', 'a1', 'b2', 'a2', 'a3'])
  })

  test('an abort leaves the queue and takes no slot', async () => {
    const gate = createGate(1)
    const release = await gate.acquire('live', signal)
    const controller = new AbortController()
    const waiting = gate.acquire('live', controller.signal)
    controller.abort(new Error('gone'))
    await expect(waiting).rejects.toThrow('gone')
    release()
    release()
    expect(gate.inFlight).toBe(0)
    const next = await gate.acquire('live', signal)
    next()
  })

  test('429 halves no more than once for one burst, and success brings the limit back to its ceiling', () => {
    const gate = createGate(12)
    for (let burst = 0; burst < 10; burst += 1) gate.observe({ status: 429, ms: 2_000, retryAfterSeconds: undefined }, 'x')
    expect(gate.limit).toBe(8)
    for (let good = 0; good < 60; good += 1) gate.observe({ status: 200, ms: 2_000, retryAfterSeconds: undefined }, 'x')
    expect(gate.limit).toBe(12)
  })

  test('a pause the server asks for holds everybody back until it is over', async () => {
    const gate = createGate(4)
    gate.observe({ status: 429, ms: 1, retryAfterSeconds: 0.5 }, 'x')
    let started = false
    const enter = async (): Promise<void> => {
      const done = await gate.acquire('live', signal)
      started = true
      done()
    }
    const waiting = enter()
    await Promise.resolve()
    expect([started, gate.inFlight]).toEqual([false, 0])
    await waiting
    expect(started).toBe(true)
  })

  test('a server that becomes slow gets less at once', () => {
    const gate = createGate(12)
    for (const ms of [100, 100, 2_000, 2_000, 2_000]) gate.observe({ status: 200, ms, retryAfterSeconds: undefined }, 'keyword')
    expect(gate.limit).toBeLessThan(12)
  })

  test('one kind of call being slower than another is no overload', () => {
    const gate = createGate(12)
    const see = (ms: number, label: string): void => gate.observe({ status: 200, ms, retryAfterSeconds: undefined }, label)
    for (let call = 0; call < 10; call += 1) {
      see(100, 'keyword')
      see(9_000, 'extract')
    }
    expect(gate.limit).toBe(12)
  })
})

describe('the breaker', () => {
  test('after five failures in a row the server is left alone, and one success opens the way again', async () => {
    const { chat } = flowing({ retries: 0 }, 1_000)
    server.failNext('chat', ...Array.from({ length: 5 }, (): Fault => ({ kind: 'status', status: 500 })))
    for (let call = 0; call < 5; call += 1)
      await expect(chat.complete(ask, signal)).rejects.toMatchObject({ details: { reason: 'server' } })
    await expect(chat.complete(ask, signal)).rejects.toMatchObject({ code: 'llm_unavailable', details: { reason: 'circuit_open' } })
    expect(server.stats.chat.calls).toBe(5)
    await expect
      .poll(() =>
        chat.complete(ask, signal).then(
          () => 'answered',
          () => 'open',
        ),
      )
      .toBe('answered')
  })

  test('a refused key or a quota is no dead server', async () => {
    const { chat } = flowing({ retries: 0 })
    server.failNext(
      'chat',
      ...Array.from({ length: 12 }, (_unused, index): Fault => ({ kind: 'status', status: index % 2 === 0 ? 429 : 401 })),
    )
    await many(chat, 12)
    expect(await chat.complete(ask, signal)).toMatchObject({ truncated: false })
  })
})

describe('the ledger hears', () => {
  test('of every call: role, model, tokens, time, and what went wrong', async () => {
    const { chat } = flowing({ retries: 0, role: 'answer' })
    await chat.complete(ask, signal)
    server.failNext('chat', { kind: 'status', status: 401 }, { kind: 'stall' })
    await expect(chat.complete(ask, signal)).rejects.toThrow('refused the key')
    const controller = new AbortController()
    const left = chat.complete(ask, controller.signal)
    await expect.poll(() => server.stats.chat.calls).toBe(3)
    controller.abort(new Error('left'))
    await expect(left).rejects.toThrow('left')
    expect(records.map(({ role, model, ok, error }) => ({ role, model, ok, error }))).toEqual([
      { role: 'answer', model: 'qwen-plus', ok: true, error: undefined },
      { role: 'answer', model: 'qwen-plus', ok: false, error: 'llm_unavailable' },
      { role: 'answer', model: 'qwen-plus', ok: false, error: 'aborted' },
    ])
    expect(records[0]?.usage).toEqual({ inputTokens: 1, cachedTokens: 0, outputTokens: 4 })
    expect(records.every(({ ms }) => ms >= 0)).toBe(true)
  })

  test('in the async context of whoever called, also after waiting behind somebody else', async () => {
    const context = new AsyncLocalStorage<string>()
    const heard: (string | undefined)[] = []
    const endpoint = endpointOf(server, { concurrency: 1 })
    const flow = createFlows(() => heard.push(context.getStore()))(endpoint)
    const chat = flowingChat(createChatModel(endpoint, undefined), flow, 'live')
    await Promise.all(['甲', '乙', '丙'].map((who) => context.run(who, () => chat.complete(ask, signal))))
    expect(heard).toEqual(['甲', '乙', '丙'])
  })

  test('of streams, whole or left by the reader, and their slot comes back', async () => {
    const { chat, flow } = flowing({ concurrency: 1 })
    let text = ''
    for await (const piece of chat.stream(ask, signal)) text += piece
    for await (const _piece of chat.stream(ask, signal)) break
    expect(text).toBe('回声：问')
    expect(flow.gate.inFlight).toBe(0)
    expect(records.map(({ ok, error }) => [ok, error])).toEqual([
      [true, undefined],
      [false, 'aborted'],
    ])
    expect(records[0]?.usage.outputTokens).toBe(4)
  })
})
