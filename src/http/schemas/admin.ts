// What goes in and out of the routes for administrators and of the question who one is.
import { z } from 'zod'
import { CALLBACK_STATES, USE_BY } from '../../services/operations.ts'
import { limit } from './common.ts'

export const me = z
  .object({
    kind: z.enum(['teacher', 'admin', 'service']),
    workspace: z.string().nullable().describe("The caller's own; null for callers without one."),
    development: z.boolean().describe('No auth setting is made: a call without a credential is an administrator.'),
    uploadMaxBytes: z.number(),
  })
  .meta({ example: { kind: 'teacher', workspace: 'teacher-001', development: false, uploadMaxBytes: 52_428_800 } })

export const pageSize = z.object({ limit: limit(100) })

export const queue = z
  .object({
    depth: z.array(z.object({ kind: z.string(), state: z.string(), jobs: z.number(), oldestSeconds: z.number() })),
    jobs: z.array(
      z.object({
        jobId: z.string(),
        workspace: z.string(),
        kind: z.string(),
        subject: z.string().describe('What the job is about: a fileId, a course, a build.'),
        state: z.enum(['queued', 'running']),
        attempts: z.number(),
        maxAttempts: z.number(),
        reason: z.string().nullable().describe('Why the last attempt failed.'),
        nextAttemptAt: z.string(),
        ageSeconds: z.number(),
      }),
    ),
  })
  .meta({ example: { depth: [{ kind: 'ingest', state: 'queued', jobs: 3, oldestSeconds: 12.5 }], jobs: [] } })

export const callbackQuery = pageSize.extend({ state: z.enum(CALLBACK_STATES).default('parked').describe('parked: undeliverable.') })

export const callbacks = z
  .object({
    callbacks: z.array(
      z.object({
        eventId: z.string(),
        workspace: z.string(),
        fileId: z.string(),
        kind: z.string(),
        state: z.enum(CALLBACK_STATES),
        attempts: z.number(),
        reason: z.string().nullable(),
        createdAt: z.string(),
        nextAttemptAt: z.string(),
      }),
    ),
  })
  .meta({ example: { callbacks: [] } })

export const replayRequest = z
  .object({
    eventIds: z.array(z.uuid()).min(1).max(1_000).optional().describe('Without ids and times every parked callback is sent again.'),
    since: z.iso.datetime({ offset: true }).optional().describe('Only callbacks made at this time or later.'),
    until: z.iso.datetime({ offset: true }).optional().describe('Only callbacks made before this time.'),
  })
  .meta({ example: { eventIds: ['0a4f6c1e-5a0b-4c5e-9a55-0d2f4d2b7a10'] } })

export const replayed = z.object({ replayed: z.number() }).meta({ example: { replayed: 1 } })

export const auditQuery = pageSize.extend({
  before: z.int().min(1).optional().describe('Only entries before this one.'),
  verify: z.enum(['true', 'false']).optional().describe('`true`: reads the whole trail and says whether it is as it was written.'),
})

export const auditTrail = z
  .object({
    entries: z.array(
      z.object({
        entry: z.number().describe('Counted from 1; numbers left out are ends of acts.'),
        at: z.string(),
        actor: z.string().describe('admin, admin:<teacher id>, or cli:<user of the machine>.'),
        action: z.string().describe('Method and pattern of the route, or the command.'),
        workspace: z.string().nullable(),
        subject: z.record(z.string(), z.unknown()).describe('Ids that the address or the command named.'),
        requestId: z.string().nullable(),
        outcome: z.string().nullable().describe('done, accepted, or the code of an error; null where nothing says how it ended.'),
      }),
    ),
    brokenAt: z
      .number()
      .nullable()
      .optional()
      .describe(
        'With `verify`: the first entry that is not as it was written, or after which one is missing; null when the whole trail is.',
      ),
  })
  .meta({
    example: {
      entries: [
        {
          entry: 1,
          at: '2026-11-28T04:00:00.000Z',
          actor: 'admin:12',
          action: 'DELETE /api/documents/:fileId',
          workspace: 'teacher-001',
          subject: { fileId: 'file-1' },
          requestId: 'f0a6f7c2-7a0e-4a8a-9d0f-3d6c8d2f5b11',
          outcome: 'done',
        },
      ],
      brokenAt: null,
    },
  })

export const useQuery = pageSize.extend({
  days: z.int().min(1).max(366).default(30),
  by: z.enum(USE_BY).default('model').describe('What calls are summed by, besides the workspace; workspace: nothing else.'),
})

const use = z.array(
  z.object({
    workspace: z.string(),
    role: z.string().optional(),
    model: z.string().optional(),
    day: z.string().optional(),
    fileId: z.string().optional(),
    queryId: z.string().optional(),
    calls: z.number(),
    failed: z.number(),
    inputTokens: z.number(),
    cachedTokens: z.number(),
    outputTokens: z.number(),
    costCny: z.number().describe('By the catalogue; models without a price count nothing.'),
  }),
)

const exampleUse = {
  workspace: 'teacher-001',
  role: 'extract',
  model: 'qwen-plus',
  calls: 40,
  failed: 1,
  inputTokens: 52_000,
  cachedTokens: 9_000,
  outputTokens: 8_000,
  costCny: 0.05,
}

export const documentUse = z.object({ use }).meta({ example: { use: [exampleUse] } })

export const modelUse = z
  .object({
    use,
    budget: z.object({
      monthlyCny: z.number().nullable().describe('What each workspace may spend in a month; null: no limit is set.'),
      near: z
        .array(z.object({ workspace: z.string(), spentCny: z.number(), share: z.number().describe('At 1 new model work waits.') }))
        .describe('Workspaces that have used 80 % of it this month or more, the dearest first.'),
    }),
  })
  .meta({
    example: {
      use: [exampleUse],
      budget: { monthlyCny: 100, near: [{ workspace: 'teacher-001', spentCny: 84.2, share: 0.842 }] },
    },
  })
