// The JSON Schemas of what releases tell other systems, by file name. schemas/ holds them as files; a test keeps the two equal.
import { z } from 'zod'
import { EVENT_PAYLOADS, eventEnvelope } from './release-events.ts'
import { buildReport } from './release-report.ts'
import { releaseManifest, releaseRequest } from './release-request.ts'

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): object =>
  z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' })

export function releaseSchemas(): Record<string, object> {
  const events = Object.entries(EVENT_PAYLOADS).map(([type, payload]) => [
    `events/${type}.schema.json`,
    schemaOf(eventEnvelope.extend({ event_type: z.literal(type), payload }), 'output'),
  ])
  return {
    'event-envelope.schema.json': schemaOf(eventEnvelope, 'output'),
    'kb-index-build-report.schema.json': schemaOf(buildReport, 'output'),
    'kb-release-manifest.schema.json': schemaOf(releaseManifest, 'input'),
    'kb-build-request.schema.json': schemaOf(releaseRequest, 'input'),
    ...(Object.fromEntries(events) as Record<string, object>),
  }
}
