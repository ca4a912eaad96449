// Alive, ready, measured.
import { AppError } from '../../core/errors.ts'
import { defineRoute, type Route } from '../route.ts'
import { alive, ready } from '../schemas/operations.ts'

const tag = 'operations'

const healthz = defineRoute({
  method: 'GET',
  path: '/healthz',
  access: 'open',
  tag,
  summary: 'Alive',
  description: 'The process answers; nothing else is looked at.',
  schema: { reply: alive },
  handle: () => Promise.resolve({ status: 'ok' as const }),
})

const readyz = defineRoute({
  method: 'GET',
  path: '/readyz',
  access: 'open',
  tag,
  summary: 'Ready',
  description: 'Database, models and queue; 503 with the reasons in error.details while the service should get no traffic.',
  schema: { reply: ready },
  handle: async ({ engine, stopping }) => {
    if (stopping.aborted) throw new AppError('not_ready', 'The service is stopping.', { details: { ready: false, reasons: ['stopping'] } })
    const { ready: isReady, ...state } = await engine.readiness()
    if (!isReady) throw new AppError('not_ready', state.reasons.join(' ') || undefined, { details: { ready: false, ...state } })
    return { ready: true as const, ...state }
  },
})

const metrics = defineRoute({
  method: 'GET',
  path: '/metrics',
  access: 'operator',
  tag,
  summary: 'Metrics',
  description: 'For Prometheus.',
  schema: {},
  handle: async ({ metrics: registry }) => ({ contentType: registry.contentType, text: await registry.metrics() }),
})

export const operationRoutes: readonly Route[] = [healthz, readyz, metrics]
