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

/** The shape that OpenAI clients send; `encoding_format: base64` is what the official ones ask for. */
export const openAiEmbedRequest = z
  .object({
    input: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(64)]),
    model: z.string().optional().describe('Ignored: there is one model.'),
    encoding_format: z.enum(['float', 'base64']).default('float'),
    dimensions: z.number().int().optional(),
    user: z.string().optional(),
  })
  .meta({ example: { input: ['二次函数的图像是抛物线。'], model: 'any' } })

export const openAiEmbedResponse = z
  .object({
    object: z.literal('list'),
    data: z.array(z.object({ object: z.literal('embedding'), index: z.number(), embedding: z.union([z.array(z.number()), z.string()]) })),
    model: z.string(),
    usage: z.object({ prompt_tokens: z.number(), total_tokens: z.number() }),
  })
  .meta({
    example: {
      object: 'list',
      data: [{ object: 'embedding', index: 0, embedding: [0.6, 0.8] }],
      model: 'builtin/hashed-lexical-v1',
      usage: { prompt_tokens: 9, total_tokens: 9 },
    },
  })
