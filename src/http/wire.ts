// Names on the wire: camelCase is ours, snake_case and agreed synonyms are accepted on input, for known fields only.
import { z } from 'zod'

/** Other names of a field. Register the outermost schema of the field. */
export const wireNames = z.registry<{ synonyms: readonly string[] }>()

const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())

/**
 * A received object under our own names. The exact name wins over its other spellings; null for an optional field means
 * that it is not given, as many JSON writers put it. Anything that is no plain object is returned as it came, for the schema to refuse.
 */
export function fromWire(accepting: z.ZodType, received: unknown): unknown {
  const schema = innermost(accepting)
  if (!(schema instanceof z.ZodObject) || !isObject(received)) return received
  const shape: Record<string, z.ZodType> = schema.shape
  const known = namesOf(shape)
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(received)) {
    const name = Object.hasOwn(shape, key) ? key : known.get(camelCase(key))
    const field = name === undefined ? undefined : shape[name]
    if (name === undefined || field === undefined) continue
    if (name !== key && (Object.hasOwn(received, name) || Object.hasOwn(result, name))) continue
    if (value === null && isOptional(field)) continue
    result[name] = fromWire(field, value)
  }
  return result
}

function namesOf(shape: Record<string, z.ZodType>): Map<string, string> {
  const names = new Map<string, string>()
  for (const [name, field] of Object.entries(shape)) {
    for (const other of [name, camelCase(name), ...(wireNames.get(field)?.synonyms ?? [])]) names.set(other, name)
  }
  return names
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const isOptional = (field: z.ZodType): boolean => field.safeParse(undefined).success && !field.safeParse(null).success

function innermost(field: z.ZodType): z.ZodType {
  if (field instanceof z.ZodOptional || field instanceof z.ZodDefault || field instanceof z.ZodPrefault || field instanceof z.ZodNullable) {
    return innermost(field.unwrap() as z.ZodType)
  }
  return field
}
