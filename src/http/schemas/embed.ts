// What goes in and out of the embedding service.
import { z } from 'zod'

export const embedRequest = z
  .object({
    texts: z
      .array(z.string().refine((text) => text.trim() !== '', 'must not be empty'))
      .min(1)
      .max(64)
      .describe('1 to 64 texts; longer ones than EMBEDDING_MAX_TOKENS are cut and counted.'),
    kind: z.enum(['document', 'query']).default('document').describe('Some models embed questions differently.'),
  })
  .meta({ example: { texts: ['二次函数的图像是抛物线。'], kind: 'document' } })

export const embedResponse = z
  .object({
    embeddings: z.array(z.array(z.number())).describe('In the order of the texts; each of unit length.'),
    model: z.string(),
    dim: z.number(),
    truncated: z.number().describe('How many texts were cut.'),
  })
  .meta({ example: { embeddings: [[0.6, 0.8]], model: 'builtin/hashed-lexical-v1', dim: 2, truncated: 0 } })
