// Loads prompts/<task>/<version>.md. The versions are frozen by prompts/checksums.json; a better prompt is a new file.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parsePromptFile } from '../core/prompts.ts'
import type { PromptTemplate } from '../core/prompts.ts'

const FOLDER = fileURLToPath(new URL('../../prompts/', import.meta.url))

/** The version of each task in use. */
const CURRENT = {
  'extract-graph': 'v1',
  'extract-graph-gleaning': 'extract-graph/gleaning-v1',
  keywords: 'v1',
  answer: 'v1',
  rewrite: 'v1',
  'same-thing': 'v1',
  summarise: 'v1',
  'describe-image': 'v1',
} as const

export type PromptTask = keyof typeof CURRENT

/** @throws when the file is missing or has no System and User part: a broken installation. */
export function loadPrompt(task: PromptTask): PromptTemplate {
  const version = CURRENT[task]
  const id = version.includes('/') ? version : `${task}/${version}`
  return parsePromptFile(id, readFileSync(`${FOLDER}${id}.md`, 'utf8'))
}
