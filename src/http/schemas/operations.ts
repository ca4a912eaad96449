// What comes out of health and readiness.
import { z } from 'zod'

export const alive = z.object({ status: z.literal('ok') }).meta({ example: { status: 'ok' } })

export const ready = z
  .object({
    ready: z.literal(true),
    seeding: z.boolean().describe('The first filling of public is still going on.'),
    reasons: z.array(z.string()),
    checks: z.record(z.string(), z.string()),
  })
  .meta({ example: { ready: true, seeding: false, reasons: [], checks: { database: 'ok', queue: 'empty' } } })
