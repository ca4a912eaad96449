// Models that are asked over HTTP at a counting server in another process, so that a second question for a stored reply shows.
import type { EmbeddingModel, Models } from '../../src/ports/models.ts'
import { NO_USAGE } from '../../src/ports/models.ts'
import { bracketExtractor, testModels } from './engine.ts'

/** @param base answers POST to `/embed` and `/extract` with any JSON. */
export function countedModels(base: string): Models {
  const ask = async (path: string, texts: readonly string[]): Promise<void> => {
    const reply = await fetch(`${base}/${path}`, { method: 'POST', body: JSON.stringify(texts) })
    await reply.json()
  }
  const plain = testModels()
  const embedding: EmbeddingModel = {
    model: 'remote/counted',
    dim: plain.embedding.dim,
    maxBatch: 64,
    embed: async (texts, kind, signal) => {
      await ask('embed', texts)
      return plain.embedding.embed(texts, kind, signal)
    },
  }
  const brackets = bracketExtractor()
  return {
    ...plain,
    embedding,
    embeddingFor: () => embedding,
    extractor: {
      id: 'remote-extractor',
      extract: async (inputs, signal) => {
        await ask(
          'extract',
          inputs.map((input) => input.text),
        )
        return { ...(await brackets.extract(inputs, signal)), usage: NO_USAGE }
      },
    },
  }
}
