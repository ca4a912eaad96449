// The answerer that writes nothing of its own: it quotes the sentences of the evidence that cover the question best, each with its citation.
import { indexTerms, queryTerms } from '../../core/terms.ts'
import { detectLanguage } from '../../core/text.ts'
import type { Answerer, AnswerRequest, Evidence } from '../../ports/models.ts'
import { NO_USAGE } from '../../ports/models.ts'
import { nothingFound } from '../answerer.ts'
import { sentenceSpans } from './sentences.ts'

const MAX_SENTENCES = 4
const MAX_SENTENCE = 300
/** A further sentence must cover at least this share of the question's weight that is still open. */
const MIN_GAIN = 0.12

type Sentence = { text: string; evidence: number; order: number; terms: ReadonlySet<string> }

/** Terms that identify something: a lone digit or Latin letter is content only when the question has nothing else. */
function contentTerms(question: string): string[] {
  const terms = queryTerms(question)
  const telling = terms.filter((term) => !/^[a-z\d]$/.test(term))
  return telling.length > 0 ? telling : terms
}

/** Whether a piece of text holds a term; a single Chinese character stands for every term it begins. */
function holds(terms: ReadonlySet<string>, wanted: string): boolean {
  if (terms.has(wanted)) return true
  return /^\p{Script=Han}$/u.test(wanted) && [...terms].some((term) => term.startsWith(wanted))
}

/** True when the evidence shares at least one content term with the question. */
export function hasEvidence(question: string, evidence: readonly Evidence[]): boolean {
  const wanted = contentTerms(question)
  return evidence.some(({ content, headings }) => {
    const terms = new Set(indexTerms([...headings, content].join('\n')).keys())
    return wanted.some((term) => holds(terms, term))
  })
}

function sentencesOf(evidence: readonly Evidence[]): Sentence[] {
  const seen = new Set<string>()
  const sentences: Sentence[] = []
  for (const { id, content, headings } of evidence) {
    for (const { start, end } of sentenceSpans(content)) {
      const text = content
        .slice(start, Math.min(end, start + MAX_SENTENCE))
        .replace(/^#{1,6}\s+/, '')
        .replace(/[\ud800-\udbff]$/, '')
        .trim()
      // The same sentence in two chunks (overlap, copies) is quoted once.
      if (text.length < 4 || seen.has(text)) continue
      seen.add(text)
      sentences.push({ text, evidence: id, order: sentences.length, terms: new Set(indexTerms([...headings, text].join('\n')).keys()) })
    }
  }
  return sentences
}

/** Greedy cover: each time the sentence that adds most idf weight of terms not yet covered; ties keep the evidence's order. */
function pick(wanted: readonly string[], sentences: readonly Sentence[]): Sentence[] {
  const weight = new Map<string, number>()
  for (const term of wanted) {
    const frequency = sentences.filter(({ terms }) => holds(terms, term)).length
    if (frequency > 0) weight.set(term, Math.log(1 + sentences.length / frequency))
  }
  const total = [...weight.values()].reduce((sum, value) => sum + value, 0)
  const open = new Map(weight)
  const picked: Sentence[] = []
  while (picked.length < MAX_SENTENCES) {
    let best: { sentence: Sentence; gain: number } | undefined
    for (const sentence of sentences) {
      if (picked.includes(sentence)) continue
      let gain = 0
      for (const [term, value] of weight) if (holds(sentence.terms, term)) gain += (open.get(term) ?? 0) + 0.1 * value
      // A heading-like fragment repeats the question's words without saying anything about them.
      if (sentence.text.length < 12) gain *= 0.5
      if (best === undefined || gain > best.gain) best = { sentence, gain }
    }
    if (best === undefined || best.gain <= 0 || (picked.length > 0 && best.gain < MIN_GAIN * total)) break
    picked.push(best.sentence)
    for (const term of wanted) if (holds(best.sentence.terms, term)) open.delete(term)
  }
  return picked.toSorted((a, b) => a.order - b.order)
}

/** One line, and a bracketed number of the source's own cannot pass for a citation of ours. */
function quotable(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').replace(/\[(\d+)\]/g, '($1)')
}

/** The answer as its pieces, one per sentence; without shared terms the one sentence that says so, uncited. */
export function extractAnswer({ question, evidence }: Pick<AnswerRequest, 'question' | 'evidence'>): string[] {
  const picked = hasEvidence(question, evidence) ? pick(contentTerms(question), sentencesOf(evidence)) : []
  if (picked.length === 0) return [nothingFound(question)]
  const lead = {
    'zh-Hant': '資料中與問題有關的內容：',
    'zh-Hans': '资料中与问题有关的内容：',
    en: 'From the material:',
    other: 'From the material:',
  }[detectLanguage(question)]
  return [lead, ...picked.map(({ text, evidence: id }) => `\n- ${quotable(text)} [${id}]`)]
}

export function createBuiltinAnswerer(): Answerer {
  return {
    id: 'builtin/extractive-v1',
    model: 'builtin/extractive-v1',
    async *answer(request, signal) {
      let text = ''
      for (const piece of extractAnswer(request)) {
        signal.throwIfAborted()
        text += piece
        yield piece
      }
      return { text, usage: NO_USAGE }
    },
  }
}
