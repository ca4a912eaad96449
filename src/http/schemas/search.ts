// What goes in and out of search and query.
import { z } from 'zod'
import { QUERY_BUDGETS } from '../../core/budget.ts'
import { MODES } from '../../core/modes.ts'
import { collection, fileId, storedMetadata, teacherId } from './common.ts'

const keywords = z.array(z.string().trim().min(1).max(200)).max(50).default([])

const filterValue = z.union([z.string(), z.number(), z.boolean()])

const bound = z.union([z.number(), z.string().max(200)]).optional()

const conditions = z
  .strictObject({
    in: z.array(filterValue).min(1).max(100).optional(),
    gte: bound,
    gt: bound,
    lte: bound,
    lt: bound,
    contains: z.string().min(1).max(200).optional(),
  })
  .refine((given) => Object.values(given).some((value) => value !== undefined), 'must name at least one of in, gte, gt, lte, lt, contains')
  .refine(
    ({ gte, gt, lte, lt }) => new Set([gte, gt, lte, lt].filter((value) => value !== undefined).map((value) => typeof value)).size <= 1,
    'must compare with numbers or with texts, not with both',
  )

const tokenBudget = (what: string, inQuery: number) =>
  z
    .number()
    .int()
    .min(0)
    .max(200_000)
    .optional()
    .describe(`Tokens of ${what}. Left out, a search is not cut, and a query has ${inQuery.toLocaleString('en')}.`)

const searchFields = {
  query: z
    .string()
    .max(8_000)
    .refine((value) => value.trim() !== '', 'must not be blank')
    .describe('The question, 1 to 8,000 characters.'),
  mode: z.enum(MODES).default('auto').describe('Which legs are asked and how their finds are ranked.'),
  topK: z.number().int().min(1).max(100).default(10).describe('Caps results, entities and relations, each.'),
  chunkTopK: z.number().int().min(1).max(100).default(20).describe('The pool of chunks before ranking.'),
  includePublic: z.boolean().default(true).describe('Search the workspace public as well.'),
  collections: z.array(collection).max(100).default([]).describe('Only these collections; empty: all.'),
  filters: z
    .record(
      z.string().min(1).max(200),
      z.union(
        [filterValue, z.array(filterValue).max(100), conditions],
        'must be a text, a number, true or false, a list of those, or an object of in, gte, gt, lte, lt (numbers or texts, not both) and contains',
      ),
    )
    .default({})
    .describe('By metadata: keys are ANDed, values ORed; {"gte": 2020, "lt": 2024} and {"contains": "text"} compare instead.'),
  fileIds: z.array(fileId).max(100).optional().describe('Only these documents; empty: all.'),
  highLevelKeywords: keywords.describe('Themes; empty: found in the query.'),
  lowLevelKeywords: keywords.describe('Names of things; empty: found in the query.'),
  rerank: z.boolean().default(false).describe('Ask the rerank model for the final order.'),
  maxEntityTokens: tokenBudget('entities', QUERY_BUDGETS.entities),
  maxRelationTokens: tokenBudget('relations', QUERY_BUDGETS.relations),
  maxTotalTokens: tokenBudget('results; in a query of all that the model is given', QUERY_BUDGETS.total),
  maxPerDocument: z.number().int().min(1).max(100).optional().describe('At most this many results of one document; left out: no limit.'),
  expand: z.enum(['none', 'section']).optional().describe('section: each result with the text around it under the same headings.'),
  explain: z.boolean().default(false).describe('Tell the rank and score of each result in each leg, and the way through the graph.'),
  teacherId: teacherId.optional(),
}

export const searchRequest = z.object(searchFields).meta({ example: { query: '二次函数', mode: 'hybrid', topK: 10 } })

const turn = z.object({ role: z.enum(['user', 'assistant', 'system']), content: z.string().max(32_000) })

export const queryRequest = z
  .object({
    ...searchFields,
    stream: z.boolean().default(false).describe('Answer with server-sent events: references, token…, done, or error.'),
    history: z.array(turn).max(100).default([]).describe('The talk so far, oldest first.'),
    userPrompt: z.string().max(8_000).optional().describe('How the answer should be written.'),
    rewrite: z
      .boolean()
      .optional()
      .describe(
        'Make a follow-up a question of its own before it is searched; needs a history and a language model. Left out: as the settings say.',
      ),
    onlyContext: z.boolean().default(false).describe('Return what the model would be given, and call no answering model.'),
  })
  .meta({ example: { query: '二次函数的图像有什么特点？', topK: 5 } })

const pathStep = z.object({
  chunkId: z.string().optional().describe('A chunk walked over; the entity beside it leads on.'),
  entity: z.string().optional(),
  relation: z.object({ source: z.string(), target: z.string(), keywords: z.string() }).optional(),
  found: z
    .enum(['name', 'alias', 'similarity', 'relation', 'entity'])
    .optional()
    .describe(
      'Named by the question; by another name of what it names; near it; an end of the relation before; a relation of the entity before.',
    ),
  score: z.number().optional().describe('0 to 1, of having been found.'),
  leads: z.enum(['title', 'mention', 'assertion']).optional().describe('What the result has to do with the last step.'),
})

const searchResult = z.object({
  content: z.string(),
  source: z.string().describe('user/<file name> or public/<file name>.'),
  workspace: z.string(),
  fileId: z.string(),
  chunkId: z.string(),
  score: z.number().describe('0 to 1.'),
  page: z.number().nullable(),
  headings: z.array(z.string()),
  metadata: storedMetadata,
  section: z.object({ content: z.string(), chunkIds: z.array(z.string()) }).optional(),
  explain: z
    .record(
      z.string(),
      z.object({
        rank: z.number(),
        score: z.number(),
        path: z.array(pathStep).optional().describe('From the question through the graph; the last step leads to the result.'),
        aliases: z
          .array(z.object({ asked: z.string(), name: z.string(), workspace: z.string() }))
          .optional()
          .describe('Names that the question does not use, for things that it names: why its words need not stand in the result.'),
      }),
    )
    .optional()
    .describe('By leg; only when asked for.'),
})

const entityHit = z.object({
  name: z.string(),
  type: z.string(),
  description: z.string(),
  workspace: z.string(),
  score: z.number(),
  chunkIds: z.array(z.string()),
})

const relationHit = z.object({
  source: z.string(),
  target: z.string(),
  keywords: z.string(),
  description: z.string(),
  weight: z.number(),
  workspace: z.string(),
  score: z.number(),
  chunkIds: z.array(z.string()),
})

const degraded = {
  degraded: z.literal(true).optional().describe('A keyword or rerank model was down; the answer is what could be had without it.'),
  degradedReason: z.string().optional(),
}

const exampleResult = {
  content: '二次函数的图像是抛物线。',
  source: 'user/教案.pdf',
  workspace: 'teacher-001',
  fileId: 'file-7f3a',
  chunkId: 'c1',
  score: 0.83,
  page: 3,
  headings: ['二次函数', '图像'],
  metadata: {},
}

export const searchResponse = z
  .object({
    mode: z.enum(MODES),
    results: z.array(searchResult),
    entities: z.array(entityHit),
    relations: z.array(relationHit),
    keywords: z.object({ highLevel: z.array(z.string()), lowLevel: z.array(z.string()) }),
    timings: z.object({ embedMs: z.number(), retrieveMs: z.number(), totalMs: z.number() }),
    ...degraded,
  })
  .meta({
    example: {
      mode: 'hybrid',
      results: [exampleResult],
      entities: [
        {
          name: '二次函数',
          type: 'knowledge_point',
          description: '形如 y = ax² + bx + c',
          workspace: 'public',
          score: 0.9,
          chunkIds: ['c1'],
        },
      ],
      relations: [
        {
          source: '一次函数',
          target: '二次函数',
          keywords: 'prerequisite',
          description: '先学一次函数',
          weight: 2,
          workspace: 'public',
          score: 0.7,
          chunkIds: ['c1'],
        },
      ],
      keywords: { highLevel: [], lowLevel: ['二次函数'] },
      timings: { embedMs: 3, retrieveMs: 9, totalMs: 14 },
    },
  })

const reference = z.object({
  id: z.number(),
  source: z.string(),
  workspace: z.string(),
  fileId: z.string(),
  chunkId: z.string(),
  page: z.number().nullable(),
  headings: z.array(z.string()),
})

const exampleReference = {
  id: 1,
  source: 'user/教案.pdf',
  workspace: 'teacher-001',
  fileId: 'file-7f3a',
  chunkId: 'c1',
  page: 3,
  headings: ['二次函数'],
}

const answer = z.object({
  answer: z.string(),
  references: z.array(reference),
  usage: z.object({ inputTokens: z.number(), cachedTokens: z.number(), outputTokens: z.number() }),
  noEvidence: z.boolean().describe('Nothing was found; the answer says so and cites nothing.'),
  searchedFor: z.string().optional().describe('The question that was searched, where the follow-up was rewritten.'),
  cached: z.literal(true).optional().describe('Given before, with nothing changed since; no model was called.'),
  ...degraded,
})

const context = z.object({
  context: z.string(),
  references: z.array(reference),
  results: z.array(searchResult),
  searchedFor: z.string().optional(),
})

export const queryResponse = z
  .union([answer, context])
  .describe('An answer, or with onlyContext what the model would have been given.')
  .meta({
    example: {
      answer: '二次函数的图像是抛物线 [1]。',
      references: [exampleReference],
      usage: { inputTokens: 812, cachedTokens: 0, outputTokens: 21 },
      noEvidence: false,
    },
  })
