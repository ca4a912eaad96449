// What the model server says: deterministic content that is sensible enough for the whole pipeline to run on.
import { createHash } from 'node:crypto'

export type ChatBody = {
  model?: string
  messages?: { role: string; content: string | { type: string; text?: string; image_url?: { url: string } }[] }[]
  stream?: boolean
  stream_options?: { include_usage?: boolean }
  response_format?: { type?: string }
  max_tokens?: number
}

/** One per CJK character, one per other word or mark: close enough for counting, and the same everywhere. */
export const countTokens = (text: string): number =>
  text.match(/[\u3400-\u9fff]|(?:(?![\u3400-\u9fff])[\p{L}\p{N}])+|[^\s\p{L}\p{N}]/gu)?.length ?? 0

export function messageText(message: NonNullable<ChatBody['messages']>[number] | undefined): string {
  if (!message) return ''
  return typeof message.content === 'string' ? message.content : message.content.map((part) => part.text ?? '').join('\n')
}

/** The reply to a chat request by what is in it: chunks, a question, evidence, passages, an image; else an echo. */
export function defaultReply(body: ChatBody): string {
  const last = body.messages?.at(-1)
  // A follow-up asking for what was missed gets nothing new.
  if (body.messages?.some(({ role }) => role === 'assistant') && /Look once more/.test(messageText(last))) return '{"chunks":[]}'
  const text = messageText(last)
  if (text.includes('<chunk ')) return extractionReply(text)
  if (text.includes('<question>')) return keywordReply(text)
  if (text.includes('<evidence ')) return answerReply(text)
  if (text.includes('<passage ')) return summaryReply(text)
  if (Array.isArray(last?.content) && last.content.some(({ type }) => type === 'image_url')) return '图中是一条开口向上的抛物线 $y = x^2$。'
  return `回声：${text.slice(0, 200)}`
}

const fenced = (tag: string, text: string): { attributes: string; body: string }[] =>
  [...text.matchAll(new RegExp(`<${tag}([^>]*)>\\n([\\s\\S]*?)\\n</${tag}>`, 'g'))].map((match) => ({
    attributes: match[1] ?? '',
    body: match[2] ?? '',
  }))

function extractionReply(text: string): string {
  const chunks = fenced('chunk', text).map(({ attributes, body }) =>
    Object.assign({ id: /id="([^"]*)"/.exec(attributes)?.[1] ?? '' }, extractionOf(body)),
  )
  return JSON.stringify({ chunks })
}

const TERM =
  /[「《“]([^」》”\n]{2,20})[」》”]|((?:(?![的是在和与與及了把对對为為由从從有用即叫学學习習先])[\u4e00-\u9fff]){1,4}(?:定理|公式|定律|函数|函數|方程|法则|法則))|(\b[A-Z][a-z]+(?: [A-Z][a-z]+)*\b)/gu

/** Terms in quotation marks, things that end like a theorem, capitalised words; neighbours in a sentence are related. */
function extractionOf(chunk: string): { entities: object[]; relations: object[] } {
  const entities = new Map<string, object>()
  const relations: object[] = []
  for (const [sentence] of chunk.matchAll(/[^。！？!?\n]+[。！？!?]?/gu)) {
    const quote = sentence.trim().slice(0, 80)
    const terms = [...new Set([...sentence.matchAll(TERM)].map((match) => (match[1] ?? match[2] ?? match[3] ?? '').trim()))].filter(
      (term) => term.length > 1,
    )
    for (const term of terms.slice(0, 6)) {
      entities.set(term, entities.get(term) ?? { name: term, type: typeOf(term), description: quote, aliases: [], quote: term })
    }
    for (const [index, target] of terms.slice(1, 6).entries()) {
      const keywords = [/先|基础|基礎|before|prerequisite/i.test(sentence) ? 'prerequisite' : 'related']
      relations.push({ source: terms[index] ?? '', target, keywords, description: quote, quote })
    }
  }
  return { entities: [...entities.values()].slice(0, 40), relations: relations.slice(0, 60) }
}

const typeOf = (term: string): string => (term.endsWith('定理') ? 'theorem' : term.endsWith('公式') ? 'formula' : 'knowledge_point')

function keywordReply(text: string): string {
  const question = fenced('question', text)[0]?.body ?? ''
  const terms = [...question.matchAll(TERM)].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
  return JSON.stringify({
    highLevel: ['关系'],
    lowLevel: terms.length > 0 ? [...new Set(terms)] : [question.replace(/[？?。]/g, '').slice(0, 20)],
  })
}

function answerReply(text: string): string {
  const [first] = fenced('evidence', text)
  const number = /number="(\d+)"/.exec(first?.attributes ?? '')?.[1] ?? '1'
  return `${
    (first?.body ?? '')
      .split(/(?<=[。！？!?\n])/u, 1)[0]
      ?.trim()
      .slice(0, 120) ?? ''
  } [${number}]`
}

const summaryReply = (text: string): string =>
  `${/^Name: (.*)$/m.exec(text)?.[1] ?? ''}：${fenced('passage', text)
    .map(({ body }) => body)
    .join('；')
    .slice(0, 300)}`

/** A unit vector `[dim]` in which texts that share words (CJK: characters and pairs of them) are near. */
export function hashedVector(text: string, dim: number): number[] {
  const vector = Array.from({ length: dim }, () => 0)
  for (const feature of featuresOf(text.normalize('NFKC').toLowerCase())) {
    const digest = createHash('sha1').update(feature).digest()
    vector[digest.readUInt32BE(0) % dim] = (vector[digest.readUInt32BE(0) % dim] ?? 0) + ((digest[4] ?? 0) % 2 === 0 ? 1 : -1)
  }
  const length = Math.hypot(...vector)
  if (length === 0) vector[0] = 1
  return vector.map((component) => component / (length || 1))
}

function featuresOf(text: string): string[] {
  const features: string[] = []
  for (const [run] of text.matchAll(/[\u3400-\u9fff]+|(?:(?![\u3400-\u9fff])[\p{L}\p{N}])+/gu)) {
    if (!/^[\u3400-\u9fff]/.test(run)) features.push(run)
    else
      for (let at = 0; at < run.length; at += 1)
        features.push(run.slice(at, at + 1), ...(at + 1 < run.length ? [run.slice(at, at + 2)] : []))
  }
  return features
}

/** Share of the query's features that the document has, 0..1. */
export function overlap(query: string, document: string): number {
  const wanted = new Set(featuresOf(query.toLowerCase()))
  const has = new Set(featuresOf(document.toLowerCase()))
  return wanted.size === 0 ? 0 : [...wanted].filter((feature) => has.has(feature)).length / wanted.size
}
