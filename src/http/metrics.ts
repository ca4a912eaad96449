// Request rate, errors and durations for Prometheus. Labels are route patterns, never addresses: those hold ids.
import { collectDefaultMetrics, Histogram, type Registry } from 'prom-client'

export type RequestMetrics = { observe(labels: { method: string; route: string; status: number }, seconds: number): void }

/** Seconds; from a cached lookup to a long answer. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

export function requestMetrics(registry: Registry): RequestMetrics {
  collectDefaultMetrics({ register: registry })
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  })
  return { observe: ({ method, route, status }, seconds) => durations.observe({ method, route, status: String(status) }, seconds) }
}
