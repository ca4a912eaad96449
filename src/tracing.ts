// Traces for OpenTelemetry, sent over OTLP/HTTP. Its packages are loaded only when an endpoint is configured. Spans follow the steps that
// the service publishes: requests, jobs, stages, legs, and inside them the calls of models. Ids and codes, no content.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Context, Span } from '@opentelemetry/api'
import { HAPPENINGS, type Happening, type Step, STEPS } from './services/steps.ts'

export type TracingSettings = { endpoint: string; serviceName: string; version: string; headers?: Record<string, string> | undefined }

/** @returns what sends the rest and ends it. */
export async function startTracing({ endpoint, serviceName, version, headers = {} }: TracingSettings): Promise<() => Promise<void>> {
  const [api, { BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces`, headers })
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
  })
  const tracer = provider.getTracer('insight-rag', version)
  const inside = new AsyncLocalStorage<Context>()
  const spans = new WeakMap<Step, Span>()

  STEPS.start.bindStore(inside, (begun) => {
    const around = inside.getStore() ?? asked(begun.parent) ?? api.ROOT_CONTEXT
    const kind = begun.name === 'request' ? api.SpanKind.SERVER : api.SpanKind.INTERNAL
    const span = tracer.startSpan(
      begun.name === 'request' ? begun.of : `${begun.name} ${begun.of}`,
      { kind, attributes: begun.attributes },
      around,
    )
    spans.set(begun, span)
    return api.trace.setSpan(around, span)
  })
  const end = (message: unknown): void => {
    const ended = message as Step
    const span = spans.get(ended)
    const code = (ended.error as { code?: unknown } | undefined)?.code
    if (ended.error !== undefined) span?.setStatus({ code: api.SpanStatusCode.ERROR, message: typeof code === 'string' ? code : 'failed' })
    span?.setAttributes(ended.attributes).end()
  }
  const happened = (message: unknown): void => {
    const happening = message as Happening
    if (happening.kind !== 'model') return
    const { role, model, ok, ms, inputTokens, outputTokens } = happening
    const attributes = {
      'insight.role': role,
      'gen_ai.request.model': model,
      'gen_ai.usage.input_tokens': inputTokens,
      'gen_ai.usage.output_tokens': outputTokens,
    }
    const span = tracer.startSpan(
      `model ${role}`,
      { kind: api.SpanKind.CLIENT, attributes, startTime: Date.now() - ms },
      inside.getStore() ?? api.ROOT_CONTEXT,
    )
    if (!ok) span.setStatus({ code: api.SpanStatusCode.ERROR })
    span.end()
  }
  STEPS.asyncEnd.subscribe(end)
  HAPPENINGS.subscribe(happened)

  /** The caller's trace goes on in ours. */
  function asked(traceparent: string | undefined): Context | undefined {
    const [, traceId, spanId, flags] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '') ?? []
    if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
    return api.trace.setSpanContext(api.ROOT_CONTEXT, { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true })
  }

  return async () => {
    STEPS.start.unbindStore(inside)
    STEPS.asyncEnd.unsubscribe(end)
    HAPPENINGS.unsubscribe(happened)
    // An endpoint that is away must not keep the process from ending.
    await provider.shutdown().catch(() => undefined)
  }
}
