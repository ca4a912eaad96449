// What goes in and out of the course routes; snake_case, as their callers write it.
import { z } from 'zod'

export const courseId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, "_" or "-"')
  .describe('The course; its workspace is course-<id>.')

const MAX_CHUNKS = 1_000

const items = z.array(z.unknown()).max(MAX_CHUNKS)

const chunkExample = {
  chunk_id: 'math-101-l1-s2-003',
  text: '二次函数的图像是一条抛物线。',
  lecture_id: 'l1',
  section_id: 's2',
  source_type: 'transcript',
  order_in_section: 3,
}

export const putChunks = z
  .union([items, z.object({ chunks: items })], `must be a list of at most ${MAX_CHUNKS} chunks, bare or as {"chunks": […]}`)
  .transform((body) => (Array.isArray(body) ? body : body.chunks))
  .describe('Ready-to-Embed chunks; every item is checked, and one bad item refuses all of them.')
  .meta({ example: [chunkExample] })

export const putChunksQuery = z.object({
  replace: z.enum(['true', 'false']).default('false').describe('true drops the chunks that are not named.'),
})

export const putChunksReply = z
  .object({
    accepted: z.number().describe('Chunks that were taken, those without text included.'),
    skipped: z.number().describe('Those of them without text: kept, never embedded.'),
  })
  .meta({ example: { accepted: 1, skipped: 0 } })

export const embedQuery = z.object({
  rebuild: z.enum(['true', 'false']).default('false').describe('true embeds every chunk anew; otherwise only what changed.'),
})

export const embedReply = z
  .object({ status: z.literal('pending'), job_id: z.string() })
  .meta({ example: { status: 'pending', job_id: '0198f3a2-0000-7000-8000-000000000000' } })

const status = z.object({
  course_id: z.string(),
  status: z.enum(['not_started', 'pending', 'running', 'done', 'failed']),
  progress: z.number().describe('0..1: chunks that are settled, as a share of all.'),
  error: z.string().nullable(),
  chunks: z.number().describe('Handed over, those without text included.'),
  vectors: z.number().describe('Searchable; chunks less skipped once the status is done.'),
  skipped: z.number().describe('Without text.'),
})

const statusExample = { course_id: 'math-101', status: 'done' as const, progress: 1, error: null, chunks: 12, vectors: 11, skipped: 1 }

export const courseStatus = status.meta({ example: statusExample })

export const courseList = z.object({ courses: z.array(status) }).meta({ example: { courses: [statusExample] } })

/** Ids may be numbers in the database they come from. */
const filter = z.union([z.string().min(1), z.int()], 'must be a text or a whole number').transform(String)

export const courseSearch = z
  .object({
    query: z.string().trim().min(1).max(8_000),
    top_k: z.int().min(1).max(20).default(5),
    lecture_id: filter.optional(),
    section_id: filter.optional(),
    source_type: filter.optional(),
  })
  .meta({ example: { query: '抛物线', top_k: 5, lecture_id: 'l1' } })

export const courseSearchReply = z
  .object({
    results: z.array(
      z.object({
        chunk_id: z.string(),
        text: z.string(),
        score: z.number().describe('Cosine similarity, 0..1.'),
        metadata: z.record(z.string(), z.unknown()).describe('Everything that came with the chunk.'),
      }),
    ),
  })
  .meta({
    example: {
      results: [
        { chunk_id: chunkExample.chunk_id, text: chunkExample.text, score: 0.82, metadata: { lecture_id: 'l1', section_id: 's2' } },
      ],
    },
  })

export const courseDeleted = z
  .object({ course_id: z.string(), deleted: z.literal(true) })
  .meta({ example: { course_id: 'math-101', deleted: true as const } })
