// What comes out of the list of workspaces.
import { z } from 'zod'

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
