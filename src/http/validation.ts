// Says what is wrong with a request in one sentence that names the field and the rule, never the value.
import type { z } from 'zod'
import { AppError } from '../core/errors.ts'
import { fromWire, withNumbers } from './wire.ts'

/** A form is a body of texts. */
export type Part = 'body' | 'form' | 'query' | 'params'

type Issue = z.core.$ZodIssue

const MAX_ISSUES = 20

/** @throws AppError `invalid_request`; `details.issues` lists every `{field, rule}` found, at most 20. */
export function validated<T extends z.ZodType>(schema: T, received: unknown, part: Part): z.output<T> {
  const texts = part === 'query' || part === 'form'
  const named = fromWire(schema, texts ? withoutBlanks(received) : received)
  const result = schema.safeParse(texts ? withNumbers(schema, named) : named, { reportInput: true })
  if (!result.success) throw invalid(result.error.issues, part)
  const unstorable = unstorablePath(result.data)
  if (unstorable === undefined) return result.data
  throw new AppError('invalid_request', `${fieldName(unstorable)} must be well-formed text without the character U+0000.`)
}

/** Forms and links carry every field they have, and one without a value is not given. */
function withoutBlanks(received: unknown): unknown {
  if (typeof received !== 'object' || received === null) return received
  return Object.fromEntries(Object.entries(received).filter(([, value]) => value !== ''))
}

/** Where a text (or a key) is that the database cannot hold: with a NUL character or half of a surrogate pair. */
function unstorablePath(value: unknown): PropertyKey[] | undefined {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? [] : undefined
  if (typeof value !== 'object' || value === null) return undefined
  for (const [key, inner] of Object.entries(value)) {
    if (unstorablePath(key) !== undefined) return ['A name']
    const path = unstorablePath(inner)
    if (path !== undefined) return [Array.isArray(value) ? Number(key) : key, ...path]
  }
  return undefined
}

function invalid(issues: readonly Issue[], part: Part): AppError {
  const found = issues.slice(0, MAX_ISSUES).map((issue) => ({ field: fieldName(issue.path), rule: ruleOf(issue) }))
  const [first] = found
  if (first === undefined || first.field === '') {
    return new AppError(
      'invalid_request',
      part === 'body' || part === 'form'
        ? 'The body must be a JSON object, sent as Content-Type: application/json.'
        : `The ${part} of the request is not valid.`,
    )
  }
  return new AppError('invalid_request', `${first.field} ${first.rule}.`, { details: { issues: found } })
}

/** `parseOptions.parseMethod`, `texts[3]`. */
function fieldName(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, key) => (typeof key === 'number' ? `${name}[${key}]` : name === '' ? String(key) : `${name}.${String(key)}`),
    '',
  )
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

/** The rule without its field, as the end of a sentence. Rules that a schema words itself come through as they are. */
function ruleOf(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing'
      return `must be ${NOUNS[issue.expected] ?? `of type ${issue.expected}`}`
    case 'too_small':
      return sizeRule(issue.origin, 'at least', issue.minimum)
    case 'too_big':
      return sizeRule(issue.origin, 'at most', issue.maximum)
    case 'invalid_value':
      return `must be one of ${issue.values.map(String).join(', ')}`
    case 'unrecognized_keys':
      return 'holds a name that is not known there'
    default:
      return issue.message
  }
}

function sizeRule(origin: string, bound: string, size: number | bigint): string {
  if (origin === 'string') return `must have ${bound} ${size} ${size === 1 ? 'character' : 'characters'}`
  if (origin === 'array') return `must have ${bound} ${size} ${size === 1 ? 'entry' : 'entries'}`
  return `must be ${bound} ${size}`
}
