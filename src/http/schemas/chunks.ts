// What goes in and out of the route of one chunk.
import { z } from 'zod'
import { fileId, storedMetadata } from './common.ts'

export const chunkParams = z.object({
  fileId,
  chunkId: z.string().min(1).max(200).describe('As results and evidence name it.').meta({ example: 'c1' }),
})

export const chunkDetail = z
  .object({
    chunkId: z.string(),
    fileId: z.string(),
    source: z.string().describe('user/<file name> or public/<file name>.'),
    workspace: z.string(),
    ordinal: z.number().describe('Its place in the document, from 0.'),
    content: z.string(),
    headings: z.array(z.string()),
    page: z.number().nullable(),
    tokens: z.number(),
    metadata: storedMetadata,
  })
  .meta({
    example: {
      chunkId: 'c1',
      fileId: 'file-7f3a',
      source: 'user/教案.pdf',
      workspace: 'teacher-001',
      ordinal: 0,
      content: '形如 y = ax² + bx + c 的函数。',
      headings: ['二次函数'],
      page: 1,
      tokens: 14,
      metadata: {},
    },
  })
