// The inference worker: inference blocks the thread it runs in, so it runs in this one and nothing else does.
import { readFileSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { Tokenizer } from '@huggingface/tokenizers'
import { env, InferenceSession, Tensor } from 'onnxruntime-node'
import type { Failure, Readout, Request, Response, WorkerSetup } from './messages.ts'

const setup = workerData as WorkerSetup
const port = parentPort
if (!port) throw new Error('The inference worker must be started as a worker thread.')

const answer = (response: Response, transfer: ArrayBuffer[] = []): void => port.postMessage(response, transfer)

// The runtime reports missing CUDA libraries on standard error with the machine's paths; the outcome is reported by us.
env.logLevel = 'fatal'

/** A graph that is not of the expected shape; the sentence is for the operator. */
class WrongGraph extends Error {}

type Loaded = { session: InferenceSession; tokenizer: Tokenizer; device: 'cuda' | 'cpu' }

async function openSession(): Promise<{ session: InferenceSession; device: 'cuda' | 'cpu' }> {
  const options = {
    intraOpNumThreads: setup.threads,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all' as const,
    logSeverityLevel: 4 as const,
  }
  if (setup.device !== 'cpu') {
    try {
      return {
        session: await InferenceSession.create(setup.modelFile, { ...options, executionProviders: ['cuda', 'cpu'] }),
        device: 'cuda',
      }
    } catch (error) {
      if (setup.device === 'cuda') throw error
      // `auto`: the CUDA libraries are not there; whoever opened this worker is told which device it became.
    }
  }
  return { session: await InferenceSession.create(setup.modelFile, { ...options, executionProviders: ['cpu'] }), device: 'cpu' }
}

async function load(): Promise<Loaded> {
  const { session, device } = await openSession()
  const json = (file: string): object => JSON.parse(readFileSync(file, 'utf8')) as object
  return { session, device, tokenizer: new Tokenizer(json(setup.tokenizerFile), json(setup.tokenizerConfigFile)) }
}

/** Cuts in front of the special tokens at the end (Qwen3's end mark), which the pooled position must keep. */
function tokenise(
  tokenizer: Tokenizer,
  texts: readonly string[],
  maxTokens: number,
  specialTokens: boolean,
): { rows: Int32Array[]; cut: boolean[] } {
  const suffix = specialTokens ? tokenizer.encode('').ids : []
  const rows: Int32Array[] = []
  const cut: boolean[] = []
  for (const text of texts) {
    const { ids } = tokenizer.encode(text, { add_special_tokens: specialTokens })
    const over = ids.length > maxTokens
    rows.push(Int32Array.from(over ? [...ids.slice(0, maxTokens - suffix.length), ...suffix] : ids))
    cut.push(over)
  }
  return { rows, cut }
}

/** Rows padded on the right: with causal attention nothing behind a row's last token can reach it. */
function feedsFor(session: InferenceSession, rows: readonly Int32Array[]): Record<string, Tensor> {
  const longest = Math.max(...rows.map((row) => row.length))
  const shape = [rows.length, longest]
  const filled = (value: (row: Int32Array, at: number) => number): BigInt64Array => {
    const cells = new BigInt64Array(rows.length * longest)
    for (const [index, row] of rows.entries()) {
      for (let at = 0; at < longest; at += 1) cells[index * longest + at] = BigInt(value(row, at))
    }
    return cells
  }
  const feeds: Record<string, Tensor> = {}
  for (const input of session.inputMetadata) {
    if (!input.isTensor) throw new WrongGraph(`The graph has an input ${input.name} that is no tensor.`)
    if (input.name === 'input_ids')
      feeds[input.name] = new Tensor(
        'int64',
        filled((row, at) => row[at] ?? 0),
        shape,
      )
    else if (input.name === 'attention_mask')
      feeds[input.name] = new Tensor(
        'int64',
        filled((row, at) => (at < row.length ? 1 : 0)),
        shape,
      )
    else if (input.name === 'position_ids')
      feeds[input.name] = new Tensor(
        'int64',
        filled((row, at) => Math.min(at, row.length - 1)),
        shape,
      )
    else if (input.name.startsWith('past_key_values')) feeds[input.name] = emptyPast(input, rows.length)
    else throw new WrongGraph(`The graph wants an input ${input.name}, which is not known here.`)
  }
  return feeds
}

/** `[batch, heads, 0, headDim]`: a decoder's memory before its first token. */
function emptyPast(input: InferenceSession.TensorValueMetadata, batch: number): Tensor {
  const fixed = input.shape.map((size) => (typeof size === 'number' && size > 0 ? size : 0))
  const shape = [batch, fixed[1] ?? 0, 0, fixed[3] ?? 0]
  return input.type === 'float16' ? new Tensor('float16', new Uint16Array(0), shape) : new Tensor('float32', new Float32Array(0), shape)
}

const HIDDEN_OUTPUTS = ['sentence_embedding', 'last_hidden_state', 'token_embeddings']

function readOut(
  session: InferenceSession,
  tokenizer: Tokenizer,
  outputs: InferenceSession.OnnxValueMapType,
  rows: readonly Int32Array[],
  readout: Readout,
): Float32Array[] {
  const name = readout.kind === 'logits' ? 'logits' : HIDDEN_OUTPUTS.find((one) => session.outputNames.includes(one))
  const output = name === undefined ? undefined : outputs[name]
  if (!(output instanceof Tensor))
    throw new WrongGraph(`The graph has no output ${readout.kind === 'logits' ? 'logits' : HIDDEN_OUTPUTS.join(' or ')}.`)
  const values = asFloats(output)
  const width = output.dims.at(-1) ?? 0
  const tokens = output.dims.length === 3 ? (output.dims[1] ?? 1) : 1
  const wanted = readout.kind === 'logits' ? readout.tokens.map((token) => tokenId(tokenizer, token)) : undefined
  if (wanted?.some((id) => id >= width)) throw new WrongGraph(`The graph knows ${width} tokens, fewer than its tokenizer.`)
  return rows.map((row, index) => {
    const start = (index * tokens + (tokens === 1 ? 0 : row.length - 1)) * width
    return wanted ? Float32Array.from(wanted, (id) => values[start + id] ?? Number.NaN) : values.slice(start, start + width)
  })
}

function tokenId(tokenizer: Tokenizer, token: string): number {
  const id = tokenizer.token_to_id(token)
  if (id === undefined) throw new WrongGraph(`The tokenizer has no token ${token}.`)
  return id
}

function asFloats(tensor: Tensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data
  const { buffer, byteOffset, length } = tensor.data as Uint16Array
  if (tensor.type !== 'float16') throw new WrongGraph(`The graph answers in ${tensor.type}.`)
  return Float32Array.from(new Float16Array(buffer, byteOffset, length))
}

function failureOf(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof WrongGraph) return { kind: 'protocol', message }
  return { kind: /alloc|out of memory|memory/i.test(message) ? 'memory' : 'run', message }
}

async function serve({ session, tokenizer }: Loaded, request: Request): Promise<void> {
  try {
    if (request.type === 'tokenise') {
      const { rows, cut } = tokenise(tokenizer, request.texts, request.maxTokens, request.specialTokens)
      answer({ type: 'tokenised', id: request.id, rows, cut })
      return
    }
    const outputs = await session.run(feedsFor(session, request.rows))
    const values = readOut(session, tokenizer, outputs, request.rows, request.readout)
    answer({ type: 'ran', id: request.id, values })
  } catch (error) {
    answer({ type: 'failed', id: request.id, failure: failureOf(error) })
  }
}

try {
  const loaded = await load()
  port.on('message', (request: Request) => void serve(loaded, request))
  answer({ type: 'ready', device: loaded.device })
} catch (error) {
  answer({ type: 'unloadable', message: error instanceof Error ? error.message : String(error) })
}
