// An Extractor by a language model: several chunks a call, evidence checked per chunk, an unreadable reply halves the batch.
import { createHash } from 'node:crypto'
import pLimit from 'p-limit'
import type { LimitFunction } from 'p-limit'
import { AppError } from '../core/errors.ts'
import { EMPTY_EXTRACTION } from '../core/extraction.ts'
import type { Extraction } from '../core/extraction.ts'
import { attributeRecords, MAX_ENTITIES, MAX_RECORDS } from '../core/extraction-parse.ts'
import { readRecords } from '../core/extraction-records.ts'
import { fence, renderPrompt } from '../core/prompts.ts'
import type { PromptTemplate } from '../core/prompts.ts'
import type { ChatMessage, ChatModel, ExtractInput, ExtractionProfile, Extractor, Usage } from '../ports/models.ts'
import { NO_USAGE } from '../ports/models.ts'
import { DEFAULT_PROFILE } from './profile.ts'
import { estimateTokens } from './token-estimate.ts'
import { addUsage } from './usage.ts'

export type ExtractorOptions = {
  prompt: PromptTemplate
  gleaningPrompt: PromptTemplate
  profile?: ExtractionProfile | undefined
  /** Extra rounds for what was missed; default 0, for each costs as much as the first. */
  gleaning?: number | undefined
  /** Chunks per call at most; default 4. */
  chunksPerCall?: number | undefined
  /** Text tokens per call at most; default 6,000: four chunks of the default size. */
  tokensPerCall?: number | undefined
  /** Tokens that the model is assumed to write for a token of text, for estimates. */
  outputShare?: number | undefined
  /** Calls of one `extract` in flight; default 4. The flow control bounds all of them together. */
  parallel?: number | undefined
}

type Numbered = ExtractInput & { position: number }
type Tally = { usage: Usage; calls: number }
/** What is known of the model over all calls: how many single chunks in a row it answered with nothing that can be read. */
type Manner = { unread: number; oneAtATime: LimitFunction }
type Call = {
  chat: ChatModel
  system: string
  user: string
  gleaning: string
  rounds: number
  signal: AbortSignal
  tally: Tally
  manner: Manner
  /** This batch is a part of one that is being taken apart. */
  isPart: boolean
}

/** After so many single chunks the model plainly does not extract, and taking batches apart would only cost. */
const UNREAD_IN_A_ROW = 2

/** About 1,000 tokens per chunk is a rich answer; the model's own limit is lower sometimes and is then used. */
const OUTPUT_TOKENS_PER_CHUNK = 4096
/** Tags around a chunk. */
const FRAME_TOKENS = 20

export function createExtractor(chat: ChatModel, options: ExtractorOptions): Extractor {
  const {
    prompt,
    gleaningPrompt,
    profile = DEFAULT_PROFILE,
    gleaning = 0,
    chunksPerCall = 4,
    tokensPerCall = 6000,
    parallel = 4,
    outputShare = 1,
  } = options
  const system = renderPrompt(prompt.system, {
    entity_types: profile.entityTypes.join(', '),
    language: profile.language,
    max_entities: String(MAX_ENTITIES),
    max_records: String(MAX_RECORDS),
  })
  const fingerprint = createHash('sha256').update(`${system}\n${gleaning}`).digest('hex').slice(0, 8)

  const manner: Manner = { unread: 0, oneAtATime: pLimit(1) }

  return {
    id: `${prompt.id}+${fingerprint}/${chat.model}`,
    chunksPerCall,
    expect(inputs) {
      const batches = packed(inputs, chunksPerCall, tokensPerCall)
      const rounds = 1 + gleaning
      const texts = batches.flat().reduce((sum, { text }) => sum + estimateTokens(text) + FRAME_TOKENS, 0)
      const frame = batches.length * estimateTokens(system + prompt.user)
      const outputTokens = Math.ceil(texts * outputShare) * rounds
      return {
        model: chat.model,
        calls: batches.length * rounds,
        usage: { ...NO_USAGE, inputTokens: (texts + frame) * rounds, outputTokens },
      }
    },
    async extract(inputs, signal) {
      const tally: Tally = { usage: NO_USAGE, calls: 0 }
      const stop = new AbortController()
      const call: Call = {
        chat,
        system,
        user: prompt.user,
        gleaning: `${gleaningPrompt.system}\n\n${gleaningPrompt.user}`,
        rounds: gleaning,
        signal: AbortSignal.any([signal, stop.signal]),
        tally,
        manner,
        isPart: false,
      }
      const extractions: Extraction[] = inputs.map(() => EMPTY_EXTRACTION)
      const limit = pLimit(parallel)
      try {
        await Promise.all(
          packed(inputs, chunksPerCall, tokensPerCall).map((batch) =>
            limit(async () => {
              const done = await extractBatch(call, batch, true)
              for (const [index, extraction] of done.entries()) extractions[batch[index]?.position ?? -1] = extraction
            }),
          ),
        )
      } finally {
        stop.abort()
      }
      return { extractions, usage: tally.usage, calls: tally.calls }
    },
  }
}

/** Neighbours together, as many as fit; chunks without text cost nothing. */
function packed(inputs: readonly ExtractInput[], most: number, tokens: number): Numbered[][] {
  const batches: Numbered[][] = []
  let size = Infinity
  for (const [position, input] of inputs.entries()) {
    if (input.text.trim() === '') continue
    const own = estimateTokens(input.text)
    const last = batches.at(-1)
    if (last && last.length < most && size + own <= tokens) {
      last.push({ ...input, position })
      size += own
    } else {
      batches.push([{ ...input, position }])
      size = own
    }
  }
  return batches
}

/** @param mayAskAgain chunks the reply passed over are asked for once more, and only once. */
async function extractBatch(call: Call, batch: readonly Numbered[], mayAskAgain: boolean): Promise<Extraction[]> {
  const sources = batch.map(({ text }, index) => ({ id: `c${index + 1}`, text }))
  const ids = sources.map(({ id }) => id)
  const messages = messagesFor(call, batch, ids)
  const reply = await ask(call, messages, batch.length)
  if (reply === undefined) return batch.length > 1 ? halves(call, batch) : [{ ...EMPTY_EXTRACTION, dropped: 1 }]

  const reading = readRecords(reply.text, ids)
  const unusable = !reading.recognised || reply.truncated || reading.truncated
  if (reading.recognised) call.manner.unread = 0
  else if (batch.length === 1 && !reply.truncated) call.manner.unread += 1
  if (unusable && batch.length > 1) return reading.recognised || reply.truncated ? halves(call, batch) : unread(call, batch)
  await glean(call, messages, reply.text, ids, reading)
  const extractions = attributeRecords({ ...reading, truncated: unusable }, sources)

  const missing = batch.filter((_input, index) => reading.sections.length > 0 && !reading.sections.includes(`c${index + 1}`))
  if (missing.length === 0 || missing.length === batch.length || !mayAskAgain) return extractions
  const again = await extractBatch(call, missing, false)
  for (const [index, input] of missing.entries()) extractions[batch.indexOf(input)] = again[index] ?? EMPTY_EXTRACTION
  return extractions
}

/** Taken apart one batch after the other, so that a model that answers in prose shows itself with the first of them. */
async function unread(call: Call, batch: readonly Numbered[]): Promise<Extraction[]> {
  if (!call.isPart) return call.manner.oneAtATime(() => unread({ ...call, isPart: true }, batch))
  const isHopeless = (): boolean => call.manner.unread >= UNREAD_IN_A_ROW
  const unanswered = (part: readonly Numbered[]): Extraction[] => part.map(() => ({ ...EMPTY_EXTRACTION, truncated: true }))
  if (isHopeless()) return unanswered(batch)
  const middle = Math.ceil(batch.length / 2)
  const left = await extractBatch(call, batch.slice(0, middle), true)
  const right = batch.slice(middle)
  return [...left, ...(isHopeless() ? unanswered(right) : await extractBatch(call, right, true))]
}

async function halves(call: Call, batch: readonly Numbered[]): Promise<Extraction[]> {
  const middle = Math.ceil(batch.length / 2)
  const [left, right] = await Promise.all([extractBatch(call, batch.slice(0, middle), true), extractBatch(call, batch.slice(middle), true)])
  return [...left, ...right]
}

function messagesFor(call: Call, batch: readonly Numbered[], ids: readonly string[]): ChatMessage[] {
  const chunks = batch.map(({ text, header }, index) => fence('chunk', { id: ids[index] ?? '', context: header }, text)).join('\n\n')
  return [
    { role: 'system', content: call.system },
    { role: 'user', content: renderPrompt(call.user, { chunks, ids: ids.join(', ') }) },
  ]
}

/** undefined when the provider refuses this very text, by its content filter or its length: other chunks must not suffer for it. */
async function ask(call: Call, messages: ChatMessage[], chunks: number): Promise<{ text: string; truncated: boolean } | undefined> {
  call.tally.calls += 1
  try {
    const maxOutputTokens = chunks * OUTPUT_TOKENS_PER_CHUNK
    const reply = await call.chat.complete({ messages, json: true, temperature: 0, maxOutputTokens }, call.signal)
    call.tally.usage = addUsage(call.tally.usage, reply.usage)
    return reply
  } catch (error) {
    const reason = error instanceof AppError ? error.details?.['reason'] : undefined
    if (reason === 'content_filter' || reason === 'too_long') return undefined
    throw error
  }
}

async function glean(
  call: Call,
  messages: ChatMessage[],
  first: string,
  ids: readonly string[],
  reading: ReturnType<typeof readRecords>,
): Promise<void> {
  const history = [...messages]
  let answer = first
  for (let round = 0; round < call.rounds; round += 1) {
    history.push({ role: 'assistant', content: answer }, { role: 'user', content: renderPrompt(call.gleaning, { ids: ids.join(', ') }) })
    const more = await ask(call, history, ids.length)
    if (more === undefined || more.truncated) return
    const found = readRecords(more.text, ids)
    if (found.records.length === 0) return
    reading.records.push(...found.records)
    answer = more.text
  }
}
