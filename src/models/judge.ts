// A NameJudge by a language model: several pairs a call, and anything but a clear word is no decision.
import { fence, renderPrompt } from '../core/prompts.ts'
import type { PromptTemplate } from '../core/prompts.ts'
import { readTolerantJson } from '../core/tolerant-json.ts'
import type { JsonValue } from '../core/tolerant-json.ts'
import type { ChatMessage, ChatModel, NameJudge, NamedThing, Verdict } from '../ports/models.ts'

const DESCRIPTION_CHARACTERS = 300
const TOKENS_PER_PAIR = 64

export function createJudge(chat: ChatModel, prompt: PromptTemplate): NameJudge {
  return {
    async judge(pairs, signal) {
      const ids = pairs.map((_pair, at) => `p${at + 1}`)
      const shown = pairs.map(([one, other], at) => fence('pair', { id: ids[at] ?? '' }, `${line(one)}\n${line(other)}`)).join('\n')
      const messages: ChatMessage[] = [
        { role: 'system', content: prompt.system },
        { role: 'user', content: renderPrompt(prompt.user, { pairs: shown, ids: ids.join(', ') }) },
      ]
      const maxOutputTokens = 64 + pairs.length * TOKENS_PER_PAIR
      const reply = await chat.complete({ messages, json: true, temperature: 0, maxOutputTokens }, signal)
      return { verdicts: parseVerdicts(reply.text, ids), usage: reply.usage }
    },
  }
}

const line = ({ name, type, description }: NamedThing): string =>
  JSON.stringify({ name, type, description: description.slice(0, DESCRIPTION_CHARACTERS) })

/** One verdict per id, `unsure` for those the reply does not decide in so many words. */
export function parseVerdicts(reply: string, ids: readonly string[]): Verdict[] {
  const said = new Map<string, Verdict>()
  const walk = (value: JsonValue, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 6) return
    if (!Array.isArray(value)) {
      const [id, verdict] = [value['id'], value['verdict']]
      if (typeof id === 'string' && (verdict === 'same' || verdict === 'different') && !said.has(id)) said.set(id, verdict)
    }
    for (const member of Object.values(value)) walk(member, depth + 1)
  }
  for (const value of readTolerantJson(reply).values) walk(value, 0)
  return ids.map((id) => said.get(id) ?? 'unsure')
}
