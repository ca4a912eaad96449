// What extraction looks for when nobody said otherwise: the education profile.
import type { ExtractionProfile } from '../ports/models.ts'

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

export const DEFAULT_PROFILE: ExtractionProfile = { entityTypes: EDUCATION_TYPES, language: 'the language of the text' }
