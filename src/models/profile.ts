// What extraction looks for when nobody said otherwise: the education profile.

const EDUCATION_TYPES = [
  'knowledge_point',
  'concept',
  'formula',
  'theorem',
  'method',
  'skill',
  'misconception',
  'question_type',
  'experiment',
  'substance',
  'quantity',
  'person',
  'organisation',
  'place',
  'work',
  'event',
  'resource',
] as const

/** A workspace's own view of what matters; part of every cache key through the extractor's id. */
export type ExtractionProfile = {
  entityTypes: readonly string[]
  /** In words, as it stands in the prompt. */
  language: string
}

export const DEFAULT_PROFILE: ExtractionProfile = { entityTypes: EDUCATION_TYPES, language: 'the language of the text' }
