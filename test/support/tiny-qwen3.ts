// A model with the shape of Qwen3 and known random weights, small enough to compute by hand: as an ONNX folder for the runtime,
// and as a slow, plain forward pass for comparison. Both read the same weights and share nothing else.
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { GraphBuilder } from './onnx-writer.ts'

export const TINY = {
  vocab: 320,
  hidden: 32,
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  inner: 48,
  theta: 10_000,
  epsilon: 1e-6,
} as const

export type Layer = Record<'norm1' | 'q' | 'k' | 'v' | 'qNorm' | 'kNorm' | 'o' | 'norm2' | 'gate' | 'up' | 'down', Float32Array>
export type Weights = { embedding: Float32Array; layers: Layer[]; norm: Float32Array; head: Float32Array }

/** Deterministic numbers in ±scale (mulberry32). */
function numbers(seed: number): (count: number, scale: number, around?: number) => Float32Array {
  let state = seed
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  return (count, scale, around = 0) => Float32Array.from({ length: count }, () => around + (next() * 2 - 1) * scale)
}

export function tinyWeights(seed = 7): Weights {
  const { vocab, hidden, layers, heads, kvHeads, headDim, inner } = TINY
  const make = numbers(seed)
  const layer = (): Layer => ({
    norm1: make(hidden, 0.2, 1),
    q: make(hidden * heads * headDim, 0.4),
    k: make(hidden * kvHeads * headDim, 0.4),
    v: make(hidden * kvHeads * headDim, 0.4),
    qNorm: make(headDim, 0.2, 1),
    kNorm: make(headDim, 0.2, 1),
    o: make(heads * headDim * hidden, 0.4),
    norm2: make(hidden, 0.2, 1),
    gate: make(hidden * inner, 0.4),
    up: make(hidden * inner, 0.4),
    down: make(inner * hidden, 0.4),
  })
  return {
    embedding: make(vocab * hidden, 1),
    layers: Array.from({ length: layers }, layer),
    norm: make(hidden, 0.2, 1),
    head: make(hidden * vocab, 0.4),
  }
}

// ---- the plain forward pass ----

/** Final hidden states `[tokens, hidden]` of one sequence, in double precision. */
export function plainForward(weights: Weights, ids: readonly number[]): number[][] {
  const { hidden, headDim, heads, kvHeads, inner } = TINY
  let states = ids.map((id) => [...weights.embedding.subarray(id * hidden, (id + 1) * hidden)])
  for (const layer of weights.layers) {
    const normed = states.map((state) => rmsNorm(state, layer.norm1))
    const queries = normed.map((state, at) =>
      split(multiply(state, layer.q, heads * headDim)).map((head) => rotate(rmsNorm(head, layer.qNorm), at)),
    )
    const keys = normed.map((state, at) =>
      split(multiply(state, layer.k, kvHeads * headDim)).map((head) => rotate(rmsNorm(head, layer.kNorm), at)),
    )
    const values = normed.map((state) => split(multiply(state, layer.v, kvHeads * headDim)))
    states = states.map((state, at) => {
      const attended = (queries[at] ?? []).flatMap((query, head) =>
        attend(query, keys.slice(0, at + 1), values, Math.floor((head * kvHeads) / heads)),
      )
      return add(state, multiply(attended, layer.o, hidden))
    })
    states = states.map((state) => {
      const normed = rmsNorm(state, layer.norm2)
      const up = multiply(normed, layer.up, inner)
      const gated = multiply(normed, layer.gate, inner).map((value, at) => (value / (1 + Math.exp(-value))) * (up[at] ?? 0))
      return add(state, multiply(gated, layer.down, hidden))
    })
  }
  return states.map((state) => rmsNorm(state, weights.norm))
}

/** Logits `[vocab]` of one hidden state. */
export const plainLogits = (weights: Weights, state: readonly number[]): number[] => multiply(state, weights.head, TINY.vocab)

function rmsNorm(values: readonly number[], weight: Float32Array): number[] {
  const mean = values.reduce((sum, value) => sum + value * value, 0) / values.length
  return values.map((value, at) => (value / Math.sqrt(mean + TINY.epsilon)) * (weight[at] ?? 0))
}

function multiply(row: readonly number[], matrix: Float32Array, columns: number): number[] {
  return Array.from({ length: columns }, (_unused, column) =>
    row.reduce((sum, value, at) => sum + value * (matrix[at * columns + column] ?? 0), 0),
  )
}

const add = (one: readonly number[], other: readonly number[]): number[] => one.map((value, at) => value + (other[at] ?? 0))

function split(row: readonly number[]): number[][] {
  return Array.from({ length: row.length / TINY.headDim }, (_unused, head) => row.slice(head * TINY.headDim, (head + 1) * TINY.headDim))
}

/** Rotary position: the first half of a head with the second. */
function rotate(head: readonly number[], position: number): number[] {
  const half = head.length / 2
  return head.map((value, at) => {
    const angle = position / TINY.theta ** ((2 * (at % half)) / head.length)
    const partner = at < half ? -(head[at + half] ?? 0) : (head[at - half] ?? 0)
    return value * Math.cos(angle) + partner * Math.sin(angle)
  })
}

function attend(query: readonly number[], keys: readonly number[][][], values: readonly number[][][], kvHead: number): number[] {
  const scores = keys.map((key) => query.reduce((sum, value, at) => sum + value * (key[kvHead]?.[at] ?? 0), 0) / Math.sqrt(TINY.headDim))
  const highest = Math.max(...scores)
  const weights = scores.map((score) => Math.exp(score - highest))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  return query.map((_unused, at) => weights.reduce((sum, weight, key) => sum + (weight / total) * (values[key]?.[kvHead]?.[at] ?? 0), 0))
}

// ---- the same as an ONNX graph ----

export type GraphOptions = {
  /** `hidden` for embeddings, `logits` for the reranker. */
  head?: 'hidden' | 'logits'
  /** With inputs for past keys and values, as decoders are exported; they must be fed empty. */
  past?: boolean
  /** With position ids as an input instead of computed inside. */
  positions?: boolean
  /** Matrices as eight-bit integers. */
  int8?: boolean
}

function tinyGraph(weights: Weights, options: GraphOptions = {}): Buffer {
  const { vocab, hidden, layers, heads, kvHeads, headDim } = TINY
  const graph = new GraphBuilder()
  const ids = graph.input('input_ids', 'int64', ['batch', 'tokens'])
  const mask = graph.input('attention_mask', 'int64', ['batch', 'tokens'])
  const tokens = graph.op('Gather', [graph.op('Shape', [ids]), graph.integer(1)])
  const range = graph.op('Range', [graph.integer(0), tokens, graph.integer(1)])
  const positions = options.positions
    ? graph.input('position_ids', 'int64', ['batch', 'tokens'])
    : graph.op('Unsqueeze', [range, graph.integers(0)])
  const frequencies = Float32Array.from({ length: headDim / 2 }, (_unused, at) => 1 / TINY.theta ** ((2 * at) / headDim))
  const angles = graph.op('Mul', [
    graph.op('Unsqueeze', [graph.op('Cast', [positions], [{ name: 'to', value: 1 }]), graph.integers(2)]),
    graph.constant(frequencies, [1, 1, headDim / 2]),
  ])
  const both = graph.op('Unsqueeze', [graph.op('Concat', [angles, angles], [{ name: 'axis', value: 2 }]), graph.integers(1)])
  const rotary = { cos: graph.op('Cos', [both]), sin: graph.op('Sin', [both]) }
  const bias = attentionBias(graph, range, mask)
  let state = graph.op('Gather', [graph.constant(weights.embedding, [vocab, hidden]), ids])
  for (const [index, layer] of weights.layers.entries()) {
    const past = options.past
      ? (['key', 'value'] as const).map((name) =>
          graph.input(`past_key_values.${index}.${name}`, 'float', ['batch', kvHeads, 'past', headDim]),
        )
      : []
    state = layerGraph(graph, layer, { state, rotary, bias, past, int8: options.int8 ?? false })
  }
  const normed = rmsGraph(graph, state, weights.norm)
  if (options.head === 'logits') {
    graph.op('MatMul', [normed, graph.constant(weights.head, [hidden, vocab])], [], 'logits')
    graph.output('logits', 'float', ['batch', 'tokens', vocab])
  } else {
    graph.op('Identity', [normed], [], 'last_hidden_state')
    graph.output('last_hidden_state', 'float', ['batch', 'tokens', hidden])
  }
  if (heads % kvHeads !== 0 || layers !== weights.layers.length) throw new Error('The tiny shape does not fit its weights.')
  return graph.build()
}

/** `[batch, 1, query, key]`: 0 where a query may look, a large negative number elsewhere. */
function attentionBias(graph: GraphBuilder, range: string, mask: string): string {
  const rows = graph.op('Unsqueeze', [range, graph.integers(1)])
  const columns = graph.op('Unsqueeze', [range, graph.integers(0)])
  const causal = graph.op('Unsqueeze', [graph.op('LessOrEqual', [columns, rows]), graph.integers(0, 1)])
  const present = graph.op('Unsqueeze', [graph.op('Cast', [mask], [{ name: 'to', value: 9 }]), graph.integers(1, 2)])
  return graph.op('Where', [graph.op('And', [causal, present]), graph.scalar(0), graph.scalar(-1e9)])
}

function rmsGraph(graph: GraphBuilder, input: string, weight: Float32Array): string {
  const mean = graph.op(
    'ReduceMean',
    [graph.op('Mul', [input, input])],
    [
      { name: 'axes', value: [-1] },
      { name: 'keepdims', value: 1 },
    ],
  )
  const root = graph.op('Sqrt', [graph.op('Add', [mean, graph.scalar(TINY.epsilon)])])
  return graph.op('Mul', [graph.op('Div', [input, root]), graph.constant(weight, [weight.length])])
}

function linear(graph: GraphBuilder, input: string, matrix: Float32Array, rows: number, int8: boolean): string {
  const shape = [rows, matrix.length / rows]
  if (!int8) return graph.op('MatMul', [input, graph.constant(matrix, shape)])
  const scale = Math.max(...matrix.map(Math.abs)) / 127
  const [quantised = '', inputScale = '', zero = ''] = graph.ops('DynamicQuantizeLinear', [input], 3)
  const integers = graph.constant(
    Int8Array.from(matrix, (value) => Math.round(value / scale)),
    shape,
  )
  const product = graph.op('MatMulInteger', [quantised, integers, zero, graph.constant(Int8Array.of(0), [])])
  const real = graph.op('Cast', [product], [{ name: 'to', value: 1 }])
  return graph.op('Mul', [graph.op('Mul', [real, graph.scalar(scale)]), inputScale])
}

type LayerInputs = { state: string; rotary: { cos: string; sin: string }; bias: string; past: string[]; int8: boolean }

function layerGraph(graph: GraphBuilder, layer: Layer, { state, rotary, bias, past, int8 }: LayerInputs): string {
  const { hidden, heads, kvHeads, headDim, inner } = TINY
  const normed = rmsGraph(graph, state, layer.norm1)
  const projected = (matrix: Float32Array, count: number): string =>
    graph.op('Reshape', [linear(graph, normed, matrix, hidden, int8), graph.integers(0, 0, count, headDim)])
  const turn = (input: string): string => graph.op('Transpose', [input], [{ name: 'perm', value: [0, 2, 1, 3] }])
  const rotated = (input: string): string => {
    const [first = '', second = ''] = graph.ops('Split', [input, graph.integers(headDim / 2, headDim / 2)], 2, [{ name: 'axis', value: 3 }])
    const swapped = graph.op('Concat', [graph.op('Neg', [second]), first], [{ name: 'axis', value: 3 }])
    return graph.op('Add', [graph.op('Mul', [input, rotary.cos]), graph.op('Mul', [swapped, rotary.sin])])
  }
  const withPast = (input: string, before: string | undefined): string =>
    before === undefined ? input : graph.op('Concat', [before, input], [{ name: 'axis', value: 2 }])
  const owners = graph.constant(
    BigInt64Array.from({ length: heads }, (_unused, head) => BigInt(Math.floor((head * kvHeads) / heads))),
    [heads],
  )
  const shared = (input: string): string => graph.op('Gather', [input, owners], [{ name: 'axis', value: 1 }])
  const query = rotated(turn(rmsGraph(graph, projected(layer.q, heads), layer.qNorm)))
  const key = shared(withPast(rotated(turn(rmsGraph(graph, projected(layer.k, kvHeads), layer.kNorm))), past[0]))
  const value = shared(withPast(turn(projected(layer.v, kvHeads)), past[1]))
  const scores = graph.op('MatMul', [query, graph.op('Transpose', [key], [{ name: 'perm', value: [0, 1, 3, 2] }])])
  const scaled = graph.op('Add', [graph.op('Mul', [scores, graph.scalar(1 / Math.sqrt(headDim))]), bias])
  const mixed = turn(graph.op('MatMul', [graph.op('Softmax', [scaled], [{ name: 'axis', value: -1 }]), value]))
  const joined = graph.op('Reshape', [mixed, graph.integers(0, 0, heads * headDim)])
  const attended = graph.op('Add', [state, linear(graph, joined, layer.o, heads * headDim, int8)])
  const again = rmsGraph(graph, attended, layer.norm2)
  const gate = linear(graph, again, layer.gate, hidden, int8)
  const gated = graph.op('Mul', [graph.op('Mul', [gate, graph.op('Sigmoid', [gate])]), linear(graph, again, layer.up, hidden, int8)])
  return graph.op('Add', [attended, linear(graph, gated, layer.down, inner, int8)])
}

// ---- the folder ----

/** Byte-level vocabulary of 256 plus `yes`, `no` and the markers of Qwen's templates. */
export const TOKEN = { ye: 256, yes: 257, no: 258, end: 300, imStart: 301, imEnd: 302, think: 303, unthink: 304 } as const

function byteLevelAlphabet(): string[] {
  const printable = new Set([...span(33, 126), ...span(161, 172), ...span(174, 255)])
  let extra = 256
  return span(0, 255).map((byte) => String.fromCodePoint(printable.has(byte) ? byte : extra++))
}

const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_unused, at) => from + at)

const WHOLE: Record<string, number> = {
  yes: TOKEN.yes,
  ye: TOKEN.ye,
  no: TOKEN.no,
  '<|endoftext|>': TOKEN.end,
  '<|im_start|>': TOKEN.imStart,
  '<|im_end|>': TOKEN.imEnd,
  '<think>': TOKEN.think,
  '</think>': TOKEN.unthink,
}

/** The ids of a text without the end mark, by hand: markers and the three merges as one token, else UTF-8 bytes. */
export function tinyIds(text: string): number[] {
  const parts = text.normalize('NFC').split(/(<\|endoftext\|>|<\|im_start\|>|<\|im_end\|>|<think>|<\/think>|yes|ye|no)/)
  return parts.flatMap((part) => WHOLE[part] ?? Array.from(Buffer.from(part, 'utf8')))
}

/** Writes model, tokenizer and config as a folder the runtime loads. @param endMark whether the tokenizer appends `<|endoftext|>`, as Qwen3-Embedding's does. */
export function writeTinyFolder(folder: string, weights: Weights, options: GraphOptions & { file?: string; endMark?: boolean } = {}): void {
  mkdirSync(folder, { recursive: true })
  const vocab: Record<string, number> = Object.fromEntries(byteLevelAlphabet().map((symbol, byte) => [symbol, byte]))
  Object.assign(vocab, { ye: TOKEN.ye, yes: TOKEN.yes, no: TOKEN.no })
  const special = (id: number, content: string): object => ({
    id,
    content,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  })
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false }
  const end = { '<|endoftext|>': { id: '<|endoftext|>', ids: [TOKEN.end], tokens: ['<|endoftext|>'] } }
  const template = {
    type: 'TemplateProcessing',
    single: [{ Sequence: { id: 'A', type_id: 0 } }, { SpecialToken: { id: '<|endoftext|>', type_id: 0 } }],
    pair: [],
    special_tokens: end,
  }
  const tokenizer = {
    version: '1.0',
    added_tokens: [
      special(TOKEN.end, '<|endoftext|>'),
      special(TOKEN.imStart, '<|im_start|>'),
      special(TOKEN.imEnd, '<|im_end|>'),
      special(TOKEN.think, '<think>'),
      special(TOKEN.unthink, '</think>'),
    ],
    normalizer: { type: 'NFC' },
    pre_tokenizer: byteLevel,
    post_processor: options.endMark === false ? byteLevel : template,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      vocab,
      merges: [
        ['y', 'e'],
        ['ye', 's'],
        ['n', 'o'],
      ],
      unk_token: null,
      byte_fallback: false,
      ignore_merges: false,
    },
  }
  const { hidden, layers, heads, kvHeads, headDim } = TINY
  const config = {
    model_type: 'qwen3',
    hidden_size: hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    head_dim: headDim,
  }
  writeFileSync(path.join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(
    path.join(folder, 'tokenizer_config.json'),
    JSON.stringify({ tokenizer_class: 'Qwen2Tokenizer', eos_token: '<|endoftext|>' }),
  )
  writeFileSync(path.join(folder, 'config.json'), JSON.stringify(config))
  const file = path.join(folder, options.file ?? 'model.onnx')
  mkdirSync(path.dirname(file), { recursive: true })
  writeFileSync(file, tinyGraph(weights, options))
}
