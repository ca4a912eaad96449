// What comes out of the list of workspaces.
import { z } from 'zod'

export const profileParams = z.object({ workspace: z.string().max(80) })

const entityTypes = z.array(z.string().max(80)).max(100).nullable().describe('What extraction looks for; null: the default.')
const language = z.string().max(200).nullable().describe('Of descriptions, in words; null: the default, the language of the text.')

export const profileRequest = z
  .object({ entityTypes: entityTypes.default(null), language: language.default(null) })
  .meta({ example: { entityTypes: ['knowledge_point', 'formula', 'misconception'], language: 'Chinese in traditional characters' } })

export const profile = z
  .object({ workspace: z.string(), entityTypes, language, extractor: z.string().nullable().describe('Who extracts under this profile.') })
  .meta({
    example: {
      workspace: 'teacher-001',
      entityTypes: ['knowledge_point', 'formula'],
      language: null,
      extractor: 'builtin/term-extractor-v1',
    },
  })

export const workspaceList = z
  .object({
    workspaces: z.array(
      z.object({
        workspace: z.string(),
        kind: z.string().describe('public, teacher, course or kb.'),
        documents: z.number(),
        chunks: z.number(),
        entities: z.number(),
        relations: z.number(),
        revision: z.number().describe('Grows with every change of what searches see.'),
        embedding: z.object({ model: z.string(), dim: z.number() }),
      }),
    ),
  })
  .meta({
    example: {
      workspaces: [
        {
          workspace: 'public',
          kind: 'public',
          documents: 12,
          chunks: 180,
          entities: 95,
          relations: 120,
          revision: 12,
          embedding: { model: 'builtin/hashed-lexical-v1', dim: 1024 },
        },
      ],
    },
  })
