// A Summariser by a language model: many descriptions of one thing become one, in groups where they do not fit one call.
import { createHash } from 'node:crypto'
import { fence, renderPrompt } from '../core/prompts.ts'
import type { PromptTemplate } from '../core/prompts.ts'
import type { ChatModel, Summariser, Usage } from '../ports/models.ts'
import { NO_USAGE } from '../ports/models.ts'
import { estimateTokens } from './token-estimate.ts'
import { addUsage } from './usage.ts'

/** Tokens of descriptions per call, and words of the result; LightRAG's proportions. */
const GROUP_TOKENS = 12_000
const MAX_WORDS = 400
/** Groups shrink at every level, so this bounds only a model that returns more than it was given. */
const MAX_LEVELS = 6

export function createSummariser(chat: ChatModel, prompt: PromptTemplate, language: string): Summariser {
  const system = renderPrompt(prompt.system, { language, max_words: String(MAX_WORDS) })
  const fingerprint = createHash('sha256').update(system).digest('hex').slice(0, 8)

  async function one(name: string, descriptions: readonly string[], signal: AbortSignal): Promise<{ text: string; usage: Usage }> {
    const passages = descriptions.map((text, index) => fence('passage', { number: String(index + 1) }, text)).join('\n')
    const user = renderPrompt(prompt.user, { name, passages })
    const messages = [
      { role: 'system' as const, content: system },
      { role: 'user' as const, content: user },
    ]
    const reply = await chat.complete({ messages, temperature: 0, maxOutputTokens: 1500 }, signal)
    return { text: reply.text.trim(), usage: reply.usage }
  }

  return {
    id: `${prompt.id}+${fingerprint}/${chat.model}`,
    async summarise(name, descriptions, signal) {
      let usage = NO_USAGE
      let level = descriptions.filter((text) => text.trim() !== '')
      for (let depth = 0; depth < MAX_LEVELS && level.length > 1; depth += 1) {
        const summaries: string[] = []
        for (const group of grouped(level)) {
          const summary = group.length === 1 ? { text: group[0] ?? '', usage: NO_USAGE } : await one(name, group, signal)
          usage = addUsage(usage, summary.usage)
          summaries.push(summary.text)
        }
        level = summaries
      }
      return { text: level[0] ?? '', usage }
    },
  }
}

/** Neighbours up to the token limit, at least two together so that every level is smaller than the one before. */
function grouped(texts: readonly string[]): string[][] {
  const groups: string[][] = []
  let size = 0
  for (const text of texts) {
    const tokens = estimateTokens(text)
    const last = groups.at(-1)
    if (last && (last.length < 2 || size + tokens <= GROUP_TOKENS)) {
      last.push(text)
      size += tokens
    } else {
      groups.push([text])
      size = tokens
    }
  }
  return groups
}
