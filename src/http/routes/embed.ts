// The embedding service for other services.
import { defineRoute, type Route } from '../route.ts'
import { embedRequest, embedResponse } from '../schemas/embed.ts'

const embed = defineRoute({
  method: 'POST',
  path: '/embed',
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

export const embedRoutes: readonly Route[] = [embed]
