// An Answerer by a language model: numbered evidence in, cited answer out, streamed. Without evidence it does not ask the model.
import { fence, renderPrompt } from '../core/prompts.ts'
import type { PromptTemplate } from '../core/prompts.ts'
import { detectLanguage } from '../core/text.ts'
import type { Language } from '../core/text.ts'
import type { Answerer, AnswerRequest, ChatMessage, ChatModel } from '../ports/models.ts'
import { NO_USAGE } from '../ports/models.ts'

const LANGUAGE_NAMES: Record<Language, string> = {
  'zh-Hant': 'Chinese in traditional characters',
  'zh-Hans': 'Chinese in simplified characters',
  en: 'English',
  other: 'the language of the question',
}

const NOTHING_FOUND: Record<Language, string> = {
  'zh-Hant': '在可用的資料中找不到與這個問題有關的內容，因此無法作答。',
  'zh-Hans': '在可用的资料中找不到与这个问题有关的内容，因此无法作答。',
  en: 'The available material contains nothing on this question, so it cannot be answered from it.',
  other: 'The available material contains nothing on this question, so it cannot be answered from it.',
}

/** The sentence for a question without evidence, in the question's language and script. */
export const nothingFound = (question: string): string => NOTHING_FOUND[detectLanguage(question)]

export function createAnswerer(chat: ChatModel, prompt: PromptTemplate): Answerer {
  return {
    id: `${prompt.id}/${chat.model}`,
    model: chat.model,
    async *answer(request, signal) {
      // Facts of the graph alone carry no citation, so they are no evidence.
      if (request.evidence.length === 0) {
        const text = nothingFound(request.question)
        yield text
        return { text, usage: NO_USAGE }
      }
      const reply = yield* chat.stream({ messages: answerMessages(prompt, request), temperature: 0.2 }, signal)
      return { text: reply.text, usage: reply.usage }
    },
  }
}

/** System, then history as its own messages, then evidence and question: history never mixes with evidence. */
function answerMessages(prompt: PromptTemplate, request: AnswerRequest): ChatMessage[] {
  const system = renderPrompt(prompt.system, {
    language: LANGUAGE_NAMES[detectLanguage(request.question)],
    user_prompt: request.userPrompt ? `- The reader asks in addition: ${request.userPrompt}` : '',
  })
  const evidence = request.evidence.map(({ id, source, headings, page, content }) =>
    fence(
      'evidence',
      { number: String(id), source, place: [...headings, ...(page === undefined ? [] : [`p. ${page}`])].join(' / ') },
      content,
    ),
  )
  const user = renderPrompt(prompt.user, {
    graph: request.facts.trim() === '' ? '' : `Graph:\n${fence('graph', {}, request.facts)}\n\n`,
    evidence: evidence.join('\n\n'),
    question: request.question,
  })
  // A caller's system messages would outrank ours, so history carries only the two sides of the talk.
  const history = request.history.filter(({ role }) => role !== 'system')
  return [{ role: 'system', content: system.trim() }, ...history, { role: 'user', content: user }]
}
