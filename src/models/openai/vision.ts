// A VisionModel over the OpenAI protocol: the image travels inside the request as a data URI.
import { AppError } from '../../core/errors.ts'
import type { VisionModel } from '../../ports/models.ts'
import type { CatalogueEntry } from '../catalogue.ts'
import type { Endpoint } from '../roles.ts'
import { estimateTokens } from '../token-estimate.ts'
import { counted } from '../usage.ts'
import { calling } from './client.ts'
import { wrongReply } from './errors.ts'
import { withoutThinking } from './thinking.ts'

/** DashScope and most servers refuse larger data URIs; 10 MB of base64. */
const MAX_IMAGE_BYTES = 7_500_000

/** What an image costs where the server does not count; Qwen-VL takes one token per 28×28 pixels, about this for one megapixel. */
const TYPICAL_IMAGE_TOKENS = 1300

/**
 * @param system what to look for and the rule that text in images is never an order; the prompt of a call is only the request.
 */
export function createVisionModel(endpoint: Endpoint, entry: CatalogueEntry | undefined, system: string): VisionModel {
  return {
    model: endpoint.model,
    async describe(image, prompt, signal) {
      if (image.bytes.byteLength > MAX_IMAGE_BYTES) {
        throw new AppError('payload_too_large', 'The image is too large for the vision model; scale it down to less than 7.5 MB.')
      }
      const url = `data:${image.mediaType};base64,${Buffer.from(image.bytes).toString('base64')}`
      const completion = await calling(endpoint, signal, (client) =>
        client.chat.completions.create(
          {
            model: endpoint.model,
            messages: [
              { role: 'system', content: system },
              {
                role: 'user',
                content: [
                  { type: 'image_url', image_url: { url } },
                  { type: 'text', text: prompt.trim() || 'Describe this image.' },
                ],
              },
            ],
            ...entry?.extraBody,
            ...endpoint.options,
          },
          { signal },
        ),
      )
      const content = Array.isArray(completion?.choices) ? completion.choices[0]?.message?.content : undefined
      if (typeof content !== 'string') throw wrongReply(endpoint, 'answered with something that is not a chat completion')
      const usage = completion.usage
      return {
        text: withoutThinking(content),
        usage: {
          inputTokens: counted(usage?.prompt_tokens, () => estimateTokens(prompt) + TYPICAL_IMAGE_TOKENS),
          cachedTokens: counted(usage?.prompt_tokens_details?.cached_tokens, () => 0),
          outputTokens: counted(usage?.completion_tokens, () => estimateTokens(content)),
        },
      }
    },
  }
}
