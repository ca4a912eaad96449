// The whole service as agents and administrators use its graph: the seeded order of learning, and a correction that lasts.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { servicePlace, startService } from '../support/service.ts'

type Chain = { entity: string; chain: { name: string; level: number; evidence: { source: string }[] }[] }

test(
  'the seeded curriculum gives a planner its chain over HTTP and MCP, and a correction counts at once',
  { timeout: 240_000 },
  async () => {
    const place = await servicePlace()
    const service = await startService(place)
    const client = new Client({ name: 'planner', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`)))
    for (const entity of ['頂點公式', '顶点公式', 'vertex form']) {
      const { structuredContent } = await client.callTool({ name: 'get_prerequisites', arguments: { entity, depth: 2 } })
      const { json } = await service.call('GET', `/api/graph/prerequisites?entity=${encodeURIComponent(entity)}&depth=2`)
      expect(structuredContent).toEqual(json)
      const found = json as unknown as Chain
      expect(found.entity).toBe('頂點公式')
      expect(found.chain.find((step) => step.name === '二次函數')).toMatchObject({ level: 1 })
      expect(found.chain.find((step) => step.name === '一次函數')).toMatchObject({ level: 2 })
      expect(found.chain[0]?.evidence[0]?.source).toMatch(/^public\//)
    }

    const own = { 'x-workspace': 'teacher-planner' }
    expect((await service.call('POST', '/api/graph/entities', { name: '我的單元', type: 'unit' }, own)).status).toBe(200)
    expect((await service.call('POST', '/api/graph/entities', { name: '我的單元' }, own)).status).toBe(409)
    expect((await service.call('POST', '/api/graph/entities', { name: '二次函數' }, own)).status).toBe(200)
    const relation = { source: '二次函数', target: '我的单元', keywords: 'prerequisite' }
    expect((await service.call('POST', '/api/graph/relations', relation, own)).json).toMatchObject({
      source: '二次函數',
      target: '我的單元',
      weight: 1,
    })
    const { structuredContent } = await client.callTool({ name: 'get_prerequisites', arguments: { entity: '我的单元' } })
    expect(structuredContent).toBeUndefined()
    const planner = new Client({ name: 'planner', version: '1.0.0' })
    await planner.connect(new StreamableHTTPClientTransport(new URL(`${service.url}/mcp`), { requestInit: { headers: own } }))
    const mine = await planner.callTool({ name: 'get_prerequisites', arguments: { entity: '我的单元', depth: 2 } })
    expect(JSON.stringify(mine.structuredContent)).toMatch(/"二次函數","level":1.*"一次函數","level":2/)

    for (const [body, status] of [
      [{ from: ['我的單元'], into: '我的单元' }, 400],
      [{ from: [], into: 'x' }, 400],
      [{ from: ['沒有'], into: '我的單元' }, 404],
    ] as const) {
      expect((await service.call('POST', '/api/graph/entities/merge', body, own)).status).toBe(status)
    }
    const merge = await service.call('POST', '/api/graph/entities/merge', { from: ['二次函數'], into: '我的單元' }, own)
    expect((await service.call('POST', `/api/graph/merges/${String(merge.json['mergeId'])}/undo`, undefined, own)).json).toMatchObject({
      undone: true,
    })
    expect((await service.call('PATCH', '/api/graph/entities/nobody', { type: 'x' }, own)).status).toBe(404)
    expect((await service.call('PATCH', `/api/graph/entities/${encodeURIComponent('我的單元')}`, {}, own)).status).toBe(400)
    expect(
      (
        await service.call(
          'DELETE',
          '/api/graph/relations?source=%E4%BA%8C%E6%AC%A1%E5%87%BD%E6%95%B8&target=%E6%88%91%E7%9A%84%E5%96%AE%E5%85%83',
          undefined,
          own,
        )
      ).status,
    ).toBe(200)
    expect((await service.call('DELETE', `/api/graph/entities/${encodeURIComponent('我的單元')}`, undefined, own)).status).toBe(200)
    expect((await service.call('GET', `/api/graph/entities/${encodeURIComponent('我的單元')}`, undefined, own)).status).toBe(404)

    await client.close()
    await planner.close()
    expect(await service.stop()).toBe(0)
    await place.clear()
  },
)
