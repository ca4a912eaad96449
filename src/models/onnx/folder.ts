// A local model's folder: which files it must hold, and what its config says. Read before any worker starts, so that a wrong
// folder is a sentence at start and not a failure at the first document.
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { AppError } from '../../core/errors.ts'

const ModelConfig = z.looseObject({
  hidden_size: z.int().positive(),
  num_attention_heads: z.int().positive().optional(),
  num_key_value_heads: z.int().positive().optional(),
  head_dim: z.int().positive().optional(),
})

export type ModelFolder = {
  /** The folder's own name, lower case: part of the embedding space's name. */
  name: string
  modelFile: string
  tokenizerFile: string
  tokenizerConfigFile: string
  /** Components of a hidden state. */
  hidden: number
}

/** Where exports put the graph; the first that exists is used, so an operator chooses by what is placed there. */
const MODEL_FILES = [
  'model.onnx',
  'onnx/model.onnx',
  'model_fp16.onnx',
  'onnx/model_fp16.onnx',
  'model_int8.onnx',
  'onnx/model_int8.onnx',
  'model_quantized.onnx',
  'onnx/model_quantized.onnx',
]

/**
 * @param setting the setting that named the folder, for the error.
 * @throws AppError `invalid_request` naming what is missing or broken.
 */
export function readModelFolder(folder: string, setting: string): ModelFolder {
  const broken = (what: string): AppError =>
    new AppError('invalid_request', `${setting} ${what}; models/README.md says which files belong there.`)
  if (!existsSync(folder)) throw broken('names a folder that does not exist')
  const file = (name: string): string => path.join(folder, name)
  const modelFile = MODEL_FILES.map(file).find((candidate) => existsSync(candidate))
  if (!modelFile) throw broken('names a folder without model.onnx')
  for (const name of ['tokenizer.json', 'tokenizer_config.json', 'config.json']) {
    if (!existsSync(file(name))) throw broken(`names a folder without ${name}`)
    if (!isJson(file(name))) throw broken(`names a folder whose ${name} is not complete JSON`)
  }
  const config = ModelConfig.safeParse(JSON.parse(readFileSync(file('config.json'), 'utf8')))
  if (!config.success) throw broken('names a folder whose config.json has no hidden_size')
  return {
    name: path.basename(path.resolve(folder)).toLowerCase(),
    modelFile,
    tokenizerFile: file('tokenizer.json'),
    tokenizerConfigFile: file('tokenizer_config.json'),
    hidden: config.data.hidden_size,
  }
}

function isJson(file: string): boolean {
  try {
    JSON.parse(readFileSync(file, 'utf8'))
    return true
  } catch {
    // Not JSON is the answer here, whatever the reason.
    return false
  }
}
