// What operators see of a running service: metrics, the dashboard over them, and traces at a collector.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ModelServer, startModelServer } from '../support/model-server.ts'
import { type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'

type Attribute = { key: string; value: { stringValue?: string; intValue?: number | string } }
type Span = { traceId: string; spanId: string; parentSpanId?: string; name: string; attributes: Attribute[] }
type Sent = { resourceSpans: { resource: { attributes: Attribute[] }; scopeSpans: { spans: Span[] }[] }[] }

const SECRET = '一个只在文件里的句子'
const CALLER = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }

let collector: Server
const received: { path: string; auth: string | undefined; text: string }[] = []
let models: ModelServer
let place: ServicePlace
let service: Service
let metrics = ''

beforeAll(async () => {
  collector = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      received.push({
        path: request.url ?? '',
        auth: request.headers['x-collector'] as string | undefined,
        text: Buffer.concat(parts).toString(),
      })
      response.setHeader('content-type', 'application/json').end('{}')
    })
  }).listen(0, '127.0.0.1')
  await once(collector, 'listening')
  ;[place, models] = await Promise.all([servicePlace(), startModelServer({ dim: 64 })])
  service = await startService(place, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-collector=let-me=in',
    OTEL_SERVICE_NAME: 'rag-under-test',
    EMBEDDING_PROVIDER: 'openai',
    EMBEDDING_BASE_URL: models.url,
    EMBEDDING_API_KEY: 'k',
    EMBEDDING_MODEL_NAME: 'embedder',
    EMBEDDING_DIM: '64',
  })
  const { json } = await service.call('POST', '/api/documents', { fileName: 'a.md', text: `# 二次函数\n\n${SECRET}。` })
  for (;;) {
    const view = await service.call('GET', `/api/documents/${String(json['fileId'])}`)
    if (view.json['parseStatus'] === 'completed') break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const traceparent = `00-${CALLER.traceId}-${CALLER.spanId}-01`
  await service.call('POST', '/api/search', { query: '二次函数', mode: 'mix' }, { traceparent })
  await service.call('POST', '/api/search', { query: '二次函数' })
  metrics = String((await service.call('GET', '/metrics')).json['text'])
  // Ending sends what has not been sent.
  await service.stop()
}, 180_000)

afterAll(async () => {
  await service?.stop()
  collector?.close()
  await models?.close()
  await place?.clear()
})

const valueOf = (line: RegExp): number => Number(new RegExp(`^${line.source} (\\S+)$`, 'm').exec(metrics)?.[1])

describe('metrics', () => {
  test('legs, stages, jobs, models, the queue, the outbox and the pools are measured', () => {
    for (const [leg, count] of Object.entries({ vector: 2, lexical: 2, graph: 2, owned: 1, auto: 1 }))
      expect([leg, valueOf(new RegExp(`insight_leg_duration_seconds_count\\{leg="${leg}"\\}`))]).toEqual([leg, count])
    for (const stage of ['fetch', 'parse', 'extract', 'embed', 'publish'])
      expect(valueOf(new RegExp(`insight_stage_duration_seconds_count\\{stage="${stage}"\\}`)), stage).toBeGreaterThanOrEqual(1)
    expect(valueOf(/insight_job_attempts_total\{kind="ingest",outcome="done"\}/)).toBeGreaterThanOrEqual(1)
    expect(valueOf(/insight_model_call_duration_seconds_count\{role="embed",model="[^"]+",ok="true"\}/)).toBeGreaterThanOrEqual(1)
    expect(valueOf(/insight_database_up/)).toBe(1)
    expect(valueOf(/insight_outbox_lag_seconds/)).toBe(0)
    expect(valueOf(/insight_pool_connections\{pool="main",state="total"\}/)).toBeGreaterThanOrEqual(1)
    expect(valueOf(/insight_workspaces_own_index/)).toBe(0)
  })

  test('every series that the dashboard and the alerts ask for exists', () => {
    const named = new Set(
      [...metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm)].flatMap(([, name = '', type = '']) =>
        type === 'histogram' ? ['_bucket', '_sum', '_count'].map((end) => name + end) : [name],
      ),
    )
    const files = ['docs/grafana-dashboard.json', 'docs/prometheus-alerts.yml'].map((file) => readFileSync(file, 'utf8'))
    const asked = new Set(
      files.flatMap((file) => [...file.matchAll(/\b(?:insight|http|process|nodejs)_[a-z0-9_]+\b/g)].map(([name]) => name)),
    )
    expect(asked.size).toBeGreaterThan(15)
    expect([...asked].filter((name) => !named.has(name))).toEqual([])
    const dashboard = JSON.parse(files[0] ?? '') as {
      panels: { title: string; targets?: { expr: string }[]; gridPos: { x: number; w: number } }[]
    }
    const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    // Labels that nothing carries would leave a panel empty without an error.
    const labels = new Set([...metrics.matchAll(/(\w+)="/g)].map((match) => match[1]))
    const grouped = queries.flatMap((query) => [...query.matchAll(/by \(([^)]*)\)/g)].flatMap((match) => (match[1] ?? '').split(/, ?/)))
    expect(grouped.filter((label) => !labels.has(label) && !['instance', 'moved'].includes(label))).toEqual([])
    for (const { gridPos } of dashboard.panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })
})

describe('traces', () => {
  const spans = (): Span[] =>
    received.flatMap(({ text }) =>
      (JSON.parse(text) as Sent).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
    )
  const attributesOf = (span: Span | undefined): Record<string, unknown> =>
    Object.fromEntries((span?.attributes ?? []).map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]))

  test('a request goes on in the trace of its caller, with its legs and model calls inside', () => {
    const request = spans().find((span) => span.name === 'POST /api/search' && span.traceId === CALLER.traceId)
    expect(request?.parentSpanId).toBe(CALLER.spanId)
    expect(attributesOf(request)).toMatchObject({ 'http.response.status_code': 200, requestId: expect.any(String) })
    const inside = spans().filter((span) => span.parentSpanId === request?.spanId)
    expect(inside.map(({ name }) => name).toSorted()).toEqual(
      expect.arrayContaining(['leg graph', 'leg owned', 'leg vector', 'model embed']),
    )
  })

  test('a job is a trace of its stages', () => {
    const job = spans().find((span) => span.name === 'job ingest' && attributesOf(span)['workspace'] === 'teacher-dev')
    expect(attributesOf(job)).toMatchObject({ attempt: 1, jobId: expect.any(String), subject: expect.stringMatching(/^upload-/) })
    const stages = spans().filter((span) => span.parentSpanId === job?.spanId)
    expect(stages.map(({ name }) => name)).toEqual([
      'stage fetch',
      'stage parse',
      'stage see',
      'stage extract',
      'stage embed',
      'stage publish',
    ])
  })

  test('they carry the configured name and headers, and no content', () => {
    expect(new Set(received.map(({ path, auth }) => `${path} ${auth}`))).toEqual(new Set(['/v1/traces let-me=in']))
    expect(received[0]?.text).toContain('rag-under-test')
    const all = received.map(({ text }) => text).join('')
    expect(all).not.toContain(SECRET)
    expect(all).not.toContain('二次函数')
  })
})
