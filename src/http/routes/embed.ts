// The embedding service for other services.
import { AppError } from '../../core/errors.ts'
import { countTokens } from '../../core/tokens.ts'
import { defineRoute, type Route } from '../route.ts'
import { embedRequest, embedResponse, openAiEmbedRequest, openAiEmbedResponse } from '../schemas/embed.ts'

const embed = defineRoute({
  method: 'POST',
  path: '/embed',
  kind: 'embed',
  access: 'service',
  tag: 'embedding',
  summary: 'Embed texts',
  description: 'Vectors of unit length from the configured model, in the order of the texts.',
  schema: { body: embedRequest, reply: embedResponse },
  // 64 texts of the longest kind a caller sensibly sends; the model cuts each at its own limit.
  bodyLimit: () => 8 * 1024 * 1024,
  handle: async ({ engine, body, signal }) => {
    const { vectors, model, dim, truncated } = await engine.embed(body.texts, body.kind, signal)
    return { embeddings: vectors.map((vector) => Array.from(vector)), model, dim, truncated }
  },
})

const openAiEmbed = defineRoute({
  method: 'POST',
  path: '/v1/embeddings',
  kind: 'embed',
  access: 'service',
  tag: 'embedding',
  summary: 'Embed texts, for OpenAI clients',
  description: 'The same vectors in the shape that OpenAI clients read. Tokens are counted by estimate.',
  schema: { body: openAiEmbedRequest, reply: openAiEmbedResponse },
  bodyLimit: () => 8 * 1024 * 1024,
  handle: async ({ engine, body, signal }) => {
    const texts = typeof body.input === 'string' ? [body.input] : body.input
    const { vectors, model, dim } = await engine.embed(texts, 'document', signal)
    if (body.dimensions !== undefined && body.dimensions !== dim) {
      throw new AppError('invalid_request', `dimensions must be ${dim}, the dimension of ${model}.`)
    }
    const tokens = texts.reduce((sum, text) => sum + countTokens(text), 0)
    return {
      object: 'list' as const,
      data: vectors.map((vector, index) => ({
        object: 'embedding' as const,
        index,
        embedding:
          body.encoding_format === 'base64'
            ? Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
            : Array.from(vector),
      })),
      model,
      usage: { prompt_tokens: tokens, total_tokens: tokens },
    }
  },
})

export const embedRoutes: readonly Route[] = [embed, openAiEmbed]
