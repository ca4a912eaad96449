// A QuestionRewriter by a language model: a follow-up becomes a question that a search can understand.
import { fence, renderPrompt } from '../core/prompts.ts'
import type { PromptTemplate } from '../core/prompts.ts'
import { cleanText } from '../core/text.ts'
import type { ChatMessage, ChatModel, QuestionRewriter } from '../ports/models.ts'
import { cutToTokens } from './token-estimate.ts'

/** What a follow-up points at was said lately. */
const MAX_TURNS = 6
const TOKENS_PER_TURN = 600
/** Longer than any question; a model that answers instead of rewriting is found out by it. */
const MAX_CHARACTERS = 1000

export function createRewriter(chat: ChatModel, prompt: PromptTemplate): QuestionRewriter {
  return {
    async rewrite(question, history, signal) {
      const talk = fence('talk', {}, talkOf(history))
      const user = renderPrompt(prompt.user, { talk, question: fence('question', {}, question) })
      const messages: ChatMessage[] = [
        { role: 'system', content: prompt.system },
        { role: 'user', content: user },
      ]
      const reply = await chat.complete({ messages, temperature: 0, maxOutputTokens: 512 }, signal)
      const [line = ''] = cleanText(reply.text).trim().split('\n', 1)
      const rewritten = line.replace(/^["“「『]|["”」』]$/g, '').trim()
      const isQuestion = rewritten !== '' && rewritten.length <= MAX_CHARACTERS && !reply.truncated
      return { question: isQuestion ? rewritten : question, usage: reply.usage }
    },
  }
}

/** The latest turns of both sides; a caller's system messages are no part of the talk. */
function talkOf(history: readonly ChatMessage[]): string {
  return history
    .filter(({ role }) => role !== 'system')
    .slice(-MAX_TURNS)
    .map(({ role, content }) => `${role}: ${cutToTokens(content, TOKENS_PER_TURN).text}`)
    .join('\n')
}
