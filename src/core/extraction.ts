// What one chunk says about entities and relations, whatever said it: an LLM, the built-in extractor, or the source's own structure.

export type ExtractedEntity = {
  /** Display form as it stands in the text. */
  name: string
  /** Lower-case snake_case type, e.g. `knowledge_point`. */
  type: string
  description: string
  /** Other names the chunk itself gives for it, e.g. the English name in brackets. */
  aliases: string[]
  /** A verbatim span of the chunk that shows it. */
  quote: string
}

export type ExtractedRelation = {
  source: string
  target: string
  /** At least one; lower case; `prerequisite` means: source must be known before target. */
  keywords: string[]
  description: string
  quote: string
  /** Strength; default 1. */
  weight: number
}

export type Extraction = {
  entities: ExtractedEntity[]
  relations: ExtractedRelation[]
  /** Records that were malformed, unsupported by the chunk, or over a limit. */
  dropped: number
  /** The model's answer was cut; what was complete is kept, the result is not cached. */
  truncated: boolean
}

export const EMPTY_EXTRACTION: Extraction = { entities: [], relations: [], dropped: 0, truncated: false }
