// Names on the wire: camelCase is ours, snake_case and agreed synonyms are accepted on input, for known fields only.
import { z } from 'zod'

/** Other names of a field. Register the outermost schema of the field. */
export const wireNames = z.registry<{ synonyms: readonly string[] }>()

const camelCase = (name: string): string => name.replace(/_+([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase())

/**
 * What was received under our own names, as deep as the schema describes it. The exact name wins over its other spellings;
 * null for an optional field means that it is not given, as many JSON writers put it. Whatever is not of the shape the schema
 * wants is returned as it came, for the schema to refuse.
 */
export function fromWire(accepting: z.ZodType, received: unknown): unknown {
  if (typeof received !== 'object' || received === null) return received
  const schema = shapeFor(accepting, received)
  if (Array.isArray(received)) {
    return schema instanceof z.ZodArray ? received.map((entry) => fromWire(schema.element as z.ZodType, entry)) : received
  }
  if (schema instanceof z.ZodRecord) return entered(schema.valueType as z.ZodType, received)
  return schema instanceof z.ZodObject ? renamed(schema, received) : received
}

/**
 * Addresses and forms carry texts. One of digits alone is the number it says where the schema wants a number; what Number would
 * read as well (0x10, 1e1) stays a text and is refused.
 */
export function withNumbers(accepting: z.ZodType, received: unknown): unknown {
  if (typeof received !== 'object' || received === null) return received
  const schema = shapeFor(accepting, received)
  if (!(schema instanceof z.ZodObject)) return received
  const { fields } = fieldsOf(schema)
  const wantsNumber = (name: string): boolean => {
    const field = fields.get(name)
    return field !== undefined && shapeFor(field.schema, {}) instanceof z.ZodNumber
  }
  return Object.fromEntries(
    Object.entries(received).map(([name, value]) => [
      name,
      typeof value === 'string' && DIGITS.test(value) && wantsNumber(name) ? Number(value) : value,
    ]),
  )
}

/** What a number holds exactly. */
const DIGITS = /^\d{1,15}$/

function renamed(schema: z.ZodObject, received: object): Record<string, unknown> {
  const { fields, known } = fieldsOf(schema)
  const result: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(received)) {
    const name = fields.has(key) ? key : known.get(camelCase(key))
    const field = name === undefined ? undefined : fields.get(name)
    if (name === undefined || field === undefined) {
      // Where only named keys are allowed, the schema has to see the others.
      if (schema.def.catchall !== undefined) result[key] = value
      continue
    }
    if (name !== key && (Object.hasOwn(received, name) || Object.hasOwn(result, name))) continue
    if (value === null && field.optional) continue
    result[name] = fromWire(field.schema, value)
  }
  return result
}

/** Keys of a record are the caller's own, and null under one is left to the schema: a filter left out would widen the search. */
function entered(value: z.ZodType, received: object): object {
  return Object.fromEntries(Object.entries(received).map(([key, one]) => [key, fromWire(value, one)]))
}

type Fields = {
  fields: ReadonlyMap<string, { schema: z.ZodType; optional: boolean }>
  /** Every spelling of a name, in camelCase, and the name. */
  known: ReadonlyMap<string, string>
}

/** Schemas live as long as the process, and a knowledge base of 100,000 items asks for the same one as often. */
const fieldsOfSchema = new WeakMap<z.ZodObject, Fields>()

function fieldsOf(schema: z.ZodObject): Fields {
  const before = fieldsOfSchema.get(schema)
  if (before !== undefined) return before
  const shape = Object.entries<z.ZodType>(schema.shape)
  const made: Fields = {
    fields: new Map(shape.map(([name, field]) => [name, { schema: field, optional: isOptional(field) }])),
    known: new Map(
      shape.flatMap(([name, field]) =>
        [name, camelCase(name), ...(wireNames.get(field)?.synonyms ?? [])].map((other) => [other, name] as const),
      ),
    ),
  }
  fieldsOfSchema.set(schema, made)
  return made
}

const isOptional = (field: z.ZodType): boolean => field.safeParse(undefined).success && !field.safeParse(null).success

/** The schema that says which names there are: without its wrappers, and of several choices the one that fits what came. */
function shapeFor(accepting: z.ZodType, received: object): z.ZodType {
  if (
    accepting instanceof z.ZodOptional ||
    accepting instanceof z.ZodDefault ||
    accepting instanceof z.ZodPrefault ||
    accepting instanceof z.ZodNullable
  ) {
    return shapeFor(accepting.unwrap() as z.ZodType, received)
  }
  // What is sent meets the first half of a pipe; the second is ours.
  if (accepting instanceof z.ZodPipe) return shapeFor(accepting.in as z.ZodType, received)
  if (!(accepting instanceof z.ZodUnion)) return accepting
  const choices = (accepting.options as z.ZodType[]).map((choice) => shapeFor(choice, received))
  const fits = (choice: z.ZodType): boolean =>
    Array.isArray(received) ? choice instanceof z.ZodArray : choice instanceof z.ZodObject || choice instanceof z.ZodRecord
  return choices.find(fits) ?? accepting
}
