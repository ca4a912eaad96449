// What goes in and out of the graph routes.
import { z } from 'zod'
import { workspaceId } from '../../core/workspace.ts'
import { AppError } from '../../core/errors.ts'
import { cursor, limit, nextCursor } from './common.ts'

const MAX_NAME = 512
const BLANK = 'must not be blank'

const name = z
  .string()
  .max(MAX_NAME)
  .refine((value) => value.trim() !== '', BLANK)
  .describe('A name or alias, in either script and any case.')
  .meta({ example: '二次函數' })

/** One workspace alone; without it the caller's own and public are read. */
const workspace = z
  .string()
  .refine((value) => {
    try {
      return workspaceId(value) === value
    } catch (error) {
      if (error instanceof AppError) return false
      throw error
    }
  }, 'must be public, teacher-<id>, course-<id> or kb-<id>')
  .optional()
  .describe("Read this workspace alone; without it the caller's own and public.")

const type = z.string().trim().min(1).max(64).describe('What kind of thing it is.').meta({ example: 'knowledge_point' })
const description = z.string().max(8_000).describe('What it is, in a few sentences.')

export const entityParams = z.object({ name })

export const entityQuery = z.object({ workspace })

export const entityListQuery = z.object({
  q: z.string().max(MAX_NAME).optional().describe('A name, alias, or part of one; without it the best connected entities.'),
  workspace,
  limit: limit(50),
  cursor: cursor.optional(),
})

const entitySummary = z.object({
  name: z.string(),
  type: z.string(),
  description: z.string(),
  degree: z.number().describe('How many relations it has.'),
  workspace: z.string(),
})

const exampleEntity = {
  name: '二次函數',
  type: 'knowledge_point',
  description: '形如 y = ax² + bx + c 的函數。',
  degree: 12,
  workspace: 'public',
}

export const entityList = z
  .object({ entities: z.array(entitySummary), nextCursor })
  .meta({ example: { entities: [exampleEntity], nextCursor: null } })

const evidence = z.array(
  z.object({
    chunkId: z.string(),
    fileId: z.string(),
    source: z.string().describe('user/<file name> or public/<file name>.'),
    page: z.number().nullable(),
    quote: z.string().describe('The words of the document.'),
  }),
)

const relation = z.object({
  source: z.string(),
  target: z.string(),
  keywords: z.string().describe('Comma-separated; prerequisite means that source must be known before target.'),
  description: z.string(),
  weight: z.number(),
})

const exampleRelation = { source: '一次函數', target: '二次函數', keywords: 'prerequisite', description: '先學一次函數', weight: 2 }
const exampleEvidence = {
  chunkId: 'c1',
  fileId: 'file-7f3a',
  source: 'public/教材.pdf',
  page: 3,
  quote: '學習二次函數之前須先掌握一次函數',
}

export const entityDetail = z
  .object({
    ...entitySummary.shape,
    aliases: z.array(z.string()),
    relations: z.array(relation).describe('The heaviest, at most 100.'),
    evidence: evidence.describe('At most 20.'),
  })
  .meta({ example: { ...exampleEntity, aliases: ['quadratic function'], relations: [exampleRelation], evidence: [exampleEvidence] } })

export const subgraphQuery = z
  .object({
    entity: name,
    depth: z.int().min(1).max(3).default(1).describe('Steps away from the entity.'),
    maxNodes: z.int().min(1).max(1_000).default(100),
    workspace,
  })
  .meta({ example: { entity: '二次函數', depth: 1 } })

export const subgraph = z
  .object({
    nodes: z.array(z.object({ id: z.string(), name: z.string(), type: z.string(), degree: z.number(), workspace: z.string() })),
    edges: z.array(
      z.object({
        source: z.string().describe('The id of a node.'),
        target: z.string().describe('The id of a node.'),
        keywords: z.string(),
        weight: z.number(),
      }),
    ),
    truncated: z.boolean().describe('There is more than the budget let through.'),
  })
  .meta({
    example: {
      nodes: [{ id: 'public e_1', name: '二次函數', type: 'knowledge_point', degree: 12, workspace: 'public' }],
      edges: [],
      truncated: true,
    },
  })

export const prerequisitesQuery = z
  .object({ entity: name, depth: z.int().min(1).max(10).default(5).describe('Levels to go back.'), workspace })
  .meta({ example: { entity: '頂點公式', depth: 3 } })

export const prerequisites = z
  .object({
    entity: z.string(),
    chain: z
      .array(z.object({ name: z.string(), level: z.number().describe('1 is needed directly.'), description: z.string(), evidence }))
      .describe('Nearest first.'),
    cycles: z.array(z.array(z.string())).describe('Names that are each said to be needed before the next, and the last before the first.'),
  })
  .meta({
    example: { entity: '頂點公式', chain: [{ name: '二次函數', level: 1, description: '…', evidence: [exampleEvidence] }], cycles: [] },
  })

export const newEntity = z
  .object({ name, type: type.optional(), description: description.optional() })
  .meta({ example: { name: '配方法', type: 'method', description: '把二次式寫成完全平方。' } })

const changes = (fields: Record<string, unknown>): boolean => Object.values(fields).some((value) => value !== undefined)
const NOTHING = 'must change something'

export const entityChange = z
  .object({
    name: name.optional().describe('A new name; the old one stays an alias.'),
    type: type.optional(),
    description: description.optional(),
  })
  .refine(changes, { error: NOTHING, path: ['body'] })
  .meta({ example: { description: '圖像是拋物線的函數。' } })

export const entityDeleted = z.object({ name: z.string(), deleted: z.literal(true) }).meta({ example: { name: '配方法', deleted: true } })

/** A list, or one text with commas between. */
const keywords = z
  .union([z.string().max(2_000), z.array(z.string().max(200)).max(50)], 'must be a text or a list of texts')
  .transform((value) =>
    (typeof value === 'string' ? value.split(/[,，、;；]/) : value).map((word) => word.trim().toLowerCase()).filter((word) => word !== ''),
  )
  .describe('Comma-separated, or a list; prerequisite means that source must be known before target.')
  .meta({ example: 'prerequisite' })

const weight = z.number().positive().max(1_000_000).describe('How much it counts; 1 when it is not given.')

const relationFields = { keywords: keywords.optional(), description: description.optional(), weight: weight.optional() }

export const newRelation = z.object({ source: name, target: name, ...relationFields }).meta({ example: exampleRelation })

export const relationQuery = z.object({ source: name, target: name }).meta({ example: { source: '一次函數', target: '二次函數' } })

export const relationChange = z
  .object(relationFields)
  .refine(changes, { error: NOTHING, path: ['body'] })
  .meta({ example: { weight: 3 } })

export const relationView = z
  .object({ ...relation.shape, workspace: z.string() })
  .meta({ example: { ...exampleRelation, workspace: 'teacher-001' } })

export const relationDeleted = z
  .object({ source: z.string(), target: z.string(), deleted: z.literal(true) })
  .meta({ example: { source: '一次函數', target: '二次函數', deleted: true } })

export const mergeRequest = z
  .object({ from: z.array(name).min(1).max(50).describe('Entities that are the same thing as into.'), into: name })
  .meta({ example: { from: ['拋物線函數'], into: '二次函數' } })

const mergeId = z.string().min(1).max(64).describe('From the answer to the merge.')

export const merged = z.object({ mergeId }).meta({ example: { mergeId: 'm_3yQ1' } })
export const mergeParams = z.object({ mergeId })
export const unmerged = z.object({ mergeId, undone: z.literal(true) }).meta({ example: { mergeId: 'm_3yQ1', undone: true } })
