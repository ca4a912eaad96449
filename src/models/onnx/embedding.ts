// An EmbeddingModel by a local ONNX graph of Qwen3-Embedding's kind: instruction before questions, the last token's state,
// cut to the wanted dimension (Matryoshka), unit length.
import { AppError } from '../../core/errors.ts'
import type { EmbeddingModel } from '../../ports/models.ts'
import { NO_USAGE } from '../../ports/models.ts'
import { readModelFolder } from './folder.ts'
import type { Device } from './messages.ts'
import { createRuntime } from './runtime.ts'

export type LocalEmbeddingOptions = {
  /** Folder as models/README.md describes. */
  modelPath: string
  device?: Device | undefined
  /** Components to keep, 1..hidden; default all. */
  dim?: number | undefined
  /** Tokens per text, default 512; the end mark counts. */
  maxTokens?: number | undefined
  /** Put before a question; Qwen3-Embedding's documented form. */
  queryPrefix?: string | undefined
  /** Rows × longest row per run, default 8,192. */
  tokenBudget?: number | undefined
  onWarning?: ((sentence: string) => void) | undefined
}

/** Opened and closed, because it holds a worker. */
export type LocalEmbedding = EmbeddingModel & {
  /** The same model with fewer components, on the same worker; undefined when it has not that many. */
  atDim(dim: number): EmbeddingModel | undefined
  /** Loads the model now. @throws AppError `embedding_service_unavailable` */
  ready(): Promise<void>
  close(): Promise<void>
}

export const QWEN3_QUERY_PREFIX = 'Instruct: Given a question of a teacher or student, retrieve passages that answer it\nQuery:'

/** @throws AppError `invalid_request` when the folder or the dimension cannot be right. */
export function createLocalEmbedding(options: LocalEmbeddingOptions): LocalEmbedding {
  const folder = readModelFolder(options.modelPath, 'EMBEDDING_MODEL_PATH')
  const { dim = folder.hidden, maxTokens = 512, queryPrefix = QWEN3_QUERY_PREFIX, tokenBudget = 8192 } = options
  const onWarning = options.onWarning ?? (() => undefined)
  const runtime = createRuntime({ folder, device: options.device ?? 'auto', setting: 'EMBEDDING_MODEL_PATH', tokenBudget, onWarning })
  const atDim = (components: number): EmbeddingModel | undefined =>
    components > folder.hidden
      ? undefined
      : {
          model: `onnx/${folder.name}`,
          dim: components,
          maxBatch: 64,
          maxTokens,
          async embed(texts, kind, signal) {
            if (texts.length === 0) return { vectors: [], truncated: 0, usage: NO_USAGE }
            const inputs = kind === 'query' ? texts.map((text) => queryPrefix + text) : texts
            const { rows, truncated, tokens } = await runtime.tokenise(inputs, { maxTokens, specialTokens: true }, signal)
            const states = await runtime.run(rows, { kind: 'last-hidden' }, kind === 'query' ? 'live' : 'ingest', signal)
            const vectors = states.map((state) => unitVector(wholeState(state, folder.hidden).subarray(0, components)))
            return { vectors, truncated, usage: { ...NO_USAGE, inputTokens: tokens } }
          },
        }
  const model = atDim(dim)
  if (!model) throw new AppError('invalid_request', `EMBEDDING_DIM=${dim} is more than the ${folder.hidden} numbers this model makes.`)
  return {
    ...model,
    atDim,
    ready: () => runtime.prove((signal) => model.embed(['a'], 'document', signal)),
    close: () => runtime.close(),
  }
}

/** @throws AppError when config.json is of another model than the graph: a shorter vector would be stored as if it were one of the space. */
function wholeState(state: Float32Array, hidden: number): Float32Array {
  if (state.length === hidden) return state
  throw new AppError(
    'embedding_service_unavailable',
    `The local model makes ${state.length} numbers where its config.json says ${hidden}; check EMBEDDING_MODEL_PATH, the files and their checksums as models/README.md says.`,
    { details: { reason: 'dimension', expected: hidden, received: state.length } },
  )
}

/** @throws AppError when the state has no length: a broken graph, whose zero vector would match nothing and look like data. */
function unitVector(state: Float32Array): Float32Array {
  const length = Math.hypot(...state)
  if (!Number.isFinite(length) || length === 0)
    throw new AppError('embedding_service_unavailable', 'The local model returned a vector without length.')
  return state.map((component) => component / length)
}
