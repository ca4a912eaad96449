// A KeywordModel by a language model: what a question names, and what it is about.
import { displayName, nameKey } from '../core/names.ts'
import { fence, renderPrompt } from '../core/prompts.ts'
import type { PromptTemplate } from '../core/prompts.ts'
import { readTolerantJson } from '../core/tolerant-json.ts'
import type { JsonValue } from '../core/tolerant-json.ts'
import type { ChatModel, KeywordModel } from '../ports/models.ts'

const MAX_KEYWORDS = 8
const HIGH = ['highLevel', 'high_level', 'high_level_keywords', 'highLevelKeywords', 'high']
const LOW = ['lowLevel', 'low_level', 'low_level_keywords', 'lowLevelKeywords', 'low']

export function createKeywordModel(chat: ChatModel, prompt: PromptTemplate): KeywordModel {
  const system = renderPrompt(prompt.system, { max_keywords: String(MAX_KEYWORDS) })
  return {
    async keywords(query, signal) {
      const user = renderPrompt(prompt.user, { question: fence('question', {}, query) })
      const messages = [
        { role: 'system' as const, content: system },
        { role: 'user' as const, content: user },
      ]
      const reply = await chat.complete({ messages, json: true, temperature: 0, maxOutputTokens: 512 }, signal)
      return { ...parseKeywords(reply.text), usage: reply.usage }
    },
  }
}

/** Both lists from whatever the model wrote; a reply that cannot be read gives empty lists, which retrieval copes with. */
export function parseKeywords(reply: string): { highLevel: string[]; lowLevel: string[] } {
  const object = readTolerantJson(reply).values.find((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
  const member = (names: readonly string[]): JsonValue | undefined => {
    const record = object as Record<string, JsonValue> | undefined
    return names.map((name) => record?.[name]).find((value) => value !== undefined)
  }
  return { highLevel: cleanList(member(HIGH)), lowLevel: cleanList(member(LOW)) }
}

function cleanList(value: JsonValue | undefined): string[] {
  const raw = Array.isArray(value) ? value : typeof value === 'string' ? value.split(/[,，、;；]/) : []
  const byKey = new Map<string, string>()
  for (const entry of raw) {
    const name = typeof entry === 'string' ? displayName(entry) : ''
    if (name !== '' && !byKey.has(nameKey(name))) byKey.set(nameKey(name), name)
  }
  return [...byKey.values()].slice(0, MAX_KEYWORDS)
}
