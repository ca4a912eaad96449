// What goes in and out of deciding which entities are one thing.
import { z } from 'zod'
import { limit } from './common.ts'

const name = z.string().min(1).max(512)
const mergeId = z.string().min(1).max(64).describe('Undoes the merge.')

export const mergesQuery = z.object({ limit: limit(50) })
export const mergeList = z
  .object({
    merges: z.array(
      z.object({
        mergeId,
        from: z.array(z.string()).describe('The names that were merged, as they are compared.'),
        into: z.string(),
        madeBy: z.string().describe('person or model.'),
        madeAt: z.string(),
      }),
    ),
  })
  .meta({
    example: {
      merges: [{ mergeId: 'm_3yQ1', from: ['抛物线函数'], into: '二次函數', madeBy: 'person', madeAt: '2026-01-01T00:00:00.000Z' }],
    },
  })

const resolutionId = z.string().min(1).max(100).describe('From the list.')
const resolutionSide = z.object({ name: z.string(), type: z.string(), description: z.string(), degree: z.number() })

export const resolutionList = z
  .object({
    resolutions: z.array(
      z.object({
        resolutionId,
        a: resolutionSide,
        b: resolutionSide,
        score: z.number().describe('0 to 1.'),
        reason: z
          .enum(['wording', 'spelling', 'meaning'])
          .describe('What makes them look alike; meaning is nearness in the embedding space.'),
        unsure: z.boolean().describe('A language model was asked and could not say.'),
      }),
    ),
    uncompared: z.number().describe('New names that the next call compares.'),
  })
  .meta({
    example: {
      resolutions: [
        {
          resolutionId: 'e_1.e_2',
          a: { name: 'quadratic function', type: 'knowledge_point', description: 'A function of degree two.', degree: 4 },
          b: { name: 'quadratic functions', type: 'knowledge_point', description: '', degree: 1 },
          score: 0.971,
          reason: 'spelling' as const,
          unsure: false,
        },
      ],
      uncompared: 0,
    },
  })

export const resolutionParams = z.object({ resolutionId })
export const acceptRequest = z
  .object({ into: name.optional().describe('The name that stays; the better connected one when it is not given.') })
  .default({})
  .meta({ example: { into: 'quadratic function' } })
export const accepted = z
  .object({ resolutionId, mergeId, into: z.string() })
  .meta({ example: { resolutionId: 'e_1.e_2', mergeId: 'm_3yQ1', into: 'quadratic function' } })
export const rejected = z
  .object({ resolutionId, rejected: z.literal(true) })
  .meta({ example: { resolutionId: 'e_1.e_2', rejected: true as const } })
