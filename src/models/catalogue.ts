// The catalogue of models as data: models/*.json, read once at start. A new model is a new row there, not code here.
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import type { Usage } from '../ports/models.ts'

const CatalogueEntry = z.strictObject({
  model: z.string().min(1),
  aliases: z.array(z.string()).default([]),
  /** Tokens of prompt and reply together. */
  contextTokens: z.int().positive().optional(),
  maxOutputTokens: z.int().positive().optional(),
  /** The server accepts `response_format: json_object` for this model. */
  jsonMode: z.boolean().optional(),
  /** Added to every request body of this model. */
  extraBody: z.record(z.string(), z.unknown()).optional(),
  /** Embedding: default and possible dimensions. */
  dim: z.int().positive().optional(),
  dims: z.array(z.int().positive()).optional(),
  /** Texts per request. */
  maxBatch: z.int().positive().optional(),
  /** Tokens per text. */
  maxInputTokens: z.int().positive().optional(),
  /** The server understands the `dimensions` field for this model. */
  sendDimensions: z.boolean().optional(),
  /** Put before a question (not before documents) by models trained with instructions. */
  queryPrefix: z.string().optional(),
  /** Tokens it writes for a token of text when it extracts: what an estimate assumes while the ledger knows nothing. */
  extractOutputShare: z.number().positive().optional(),
  /** CNY per 1,000 tokens. */
  price: z.strictObject({ input: z.number(), cachedInput: z.number().optional(), output: z.number().optional() }).optional(),
})

const CatalogueFile = z.strictObject({
  provider: z.string(),
  note: z.string(),
  /** Of models that have none of their own; the largest of all files counts. */
  extractOutputShare: z.number().positive().optional(),
  models: z.array(CatalogueEntry),
})

export type CatalogueEntry = z.infer<typeof CatalogueEntry>

export type Catalogue = {
  /** The row of a model by name or alias, whatever its case; undefined when nothing is known. */
  find(model: string): CatalogueEntry | undefined
  /** As the entry's, for any model. */
  extractOutputShare(model: string): number
  /** Cost in CNY, or undefined when the catalogue has no price for the model. */
  price(model: string, usage: Usage): number | undefined
}

const FOLDER = fileURLToPath(new URL('../../models/', import.meta.url))

/** @param folder where the *.json lie; default: the project's `models/`. @throws when a file does not have the catalogue's shape. */
export function loadCatalogue(folder: string = FOLDER): Catalogue {
  const byName = new Map<string, CatalogueEntry>()
  let share = 1
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .toSorted()) {
    const { models, extractOutputShare } = CatalogueFile.parse(JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')))
    share = Math.max(share, extractOutputShare ?? 0)
    for (const entry of models) for (const name of [entry.model, ...entry.aliases]) byName.set(name.toLowerCase(), entry)
  }
  const find = (model: string): CatalogueEntry | undefined => byName.get(model.toLowerCase())
  return {
    find,
    extractOutputShare: (model) => find(model)?.extractOutputShare ?? share,
    price: (model, usage) => priceOf(find(model), usage),
  }
}

function priceOf(entry: CatalogueEntry | undefined, usage: Usage): number | undefined {
  const price = entry?.price
  if (!price) return undefined
  const cached = Math.min(usage.cachedTokens, usage.inputTokens)
  const fresh = usage.inputTokens - cached
  return (fresh * price.input + cached * (price.cachedInput ?? price.input) + usage.outputTokens * (price.output ?? 0)) / 1000
}
