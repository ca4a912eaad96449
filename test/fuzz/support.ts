// Seeded randomness, hostile values and mutations. A finding is repeated with FUZZ_SEED; FUZZ=long multiplies the counts, FUZZ_COUNT
// sets them, so that a long run can be done in parts with a seed each.
const long = process.env['FUZZ'] === 'long'
const given = process.env['FUZZ_COUNT']

/** How many of a thing to try: the short form of every test run, or the long one. */
export const tries = (short: number, inLongForm: number): number => (given === undefined ? (long ? inLongForm : short) : Number(given))

export const SEED = Number(process.env['FUZZ_SEED'] ?? 20_260)

export type Random = {
  /** 0 ≤ x < 1 */
  next(): number
  below(limit: number): number
  pick<T>(list: readonly T[]): T
}

export function random(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    below: (limit) => Math.floor(next() * limit),
    pick: (list) => {
      const chosen = list[Math.floor(next() * list.length)]
      if (chosen === undefined) throw new Error('nothing to pick from')
      return chosen
    },
  }
}

/** What a caller who means harm, or whose program is broken, puts into a field. */
export const HOSTILE: readonly unknown[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  'x\udfff',
  '\u202e\u2066',
  '\ufeff',
  '%00',
  '%2e%2e%2f',
  '../../etc/passwd',
  '.',
  '..',
  "' or 1=1 --",
  '"; drop table chunks; --',
  '$1',
  '{{7*7}}',
  '${jndi:ldap://x}',
  '<script>alert(1)</script>',
  '\\',
  '\\x00',
  "\\'",
  'NaN',
  '-0',
  '1e999',
  '9'.repeat(400),
  'a'.repeat(70_000),
  '汉'.repeat(20_000),
  '🎓'.repeat(3_000),
  'teacher-victim',
  'teacher-ｖictim',
  'TEACHER-victim',
  'public,teacher-victim',
  '*',
  '%',
  '_',
  '(',
  '((((',
  'a & | ! b',
  ':*',
  '\n\r\n',
  '__proto__',
  'constructor',
  0,
  -1,
  1.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  1e308,
  true,
  false,
  null,
  [],
  {},
  [[]],
  [null],
  { a: { b: { c: {} } } },
  Array.from({ length: 2_000 }, () => 'x'),
  { __proto__: null, toString: 1 },
]

/** The value with one place in it replaced, removed or doubled. */
export function mutateJson(value: unknown, chance: Random): unknown {
  if (Array.isArray(value) && value.length > 0 && chance.next() < 0.7) {
    const at = chance.below(value.length)
    return value.map((entry: unknown, index) => (index === at ? mutateJson(entry, chance) : entry))
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && chance.next() < 0.9) {
    const entries = Object.entries(value)
    if (entries.length === 0) return { [keyFrom(chance)]: chance.pick(HOSTILE) }
    const at = chance.below(entries.length)
    if (chance.next() < 0.1) return Object.fromEntries(entries.filter((_, index) => index !== at))
    if (chance.next() < 0.1) return Object.fromEntries([...entries, [keyFrom(chance), chance.pick(HOSTILE)]])
    return Object.fromEntries(entries.map(([key, entry], index) => [key, index === at ? mutateJson(entry, chance) : entry]))
  }
  return chance.pick(HOSTILE)
}

/** The bytes with a few places changed: bits flipped, parts cut out, doubled, overwritten. */
export function mutateBytes(bytes: Uint8Array, chance: Random): Uint8Array {
  let mutated = Buffer.from(bytes)
  for (let change = 0; change <= chance.below(6) && mutated.length > 0; change++) {
    const at = chance.below(mutated.length)
    const length = 1 + chance.below(Math.min(512, mutated.length - at))
    const kind = chance.below(5)
    if (kind === 0) mutated[at] = (mutated[at] ?? 0) ^ (1 << chance.below(8))
    else if (kind === 1) mutated = Buffer.concat([mutated.subarray(0, at), mutated.subarray(at + length)])
    else if (kind === 2)
      mutated = Buffer.concat([mutated.subarray(0, at + length), mutated.subarray(at, at + length), mutated.subarray(at + length)])
    else if (kind === 3) mutated.fill(chance.below(256), at, at + length)
    else mutated = Buffer.from(mutated.subarray(0, Math.max(1, at)))
  }
  return mutated
}

const keyFrom = (chance: Random): string => (JSON.stringify(chance.pick(HOSTILE)) ?? '').slice(0, 50)
