// Conditions on metadata as people type them: `grade=九年级; year>=2020; year<2024; title~函数`.

/** As the API takes them: a value, one of several, or comparisons that must all hold. */
export type Filters = Record<string, string | string[] | Comparisons>
type Comparisons = { in?: string[]; contains?: string } & Partial<Record<'gte' | 'gt' | 'lte' | 'lt', string | number>>

const CONDITION = /^([^=＝<>≤≥~～]+)(>=|<=|[=＝<>≤≥~～])(.*)$/
const COMPARES = { '>=': 'gte', '≥': 'gte', '>': 'gt', '<=': 'lte', '≤': 'lte', '<': 'lt' } as const

/** Keys are joined by "and", values of one key by "or". What names no key or no value is left out. */
export function filtersOf(text: string): Filters {
  const found = new Map<string, Comparisons>()
  for (const condition of text.split(/[;；\n]/)) {
    const [, key = '', sign = '', wanted = ''] = CONDITION.exec(condition.trim()) ?? []
    const value = wanted.trim()
    if (key.trim() === '' || value === '') continue
    const before = found.get(key.trim()) ?? {}
    found.set(key.trim(), { ...before, ...comparison(sign, value, before) })
  }
  return Object.fromEntries([...found].flatMap(([key, all]) => (Object.keys(all).length === 0 ? [] : [[key, simplest(all)]])))
}

function comparison(sign: string, value: string, before: Comparisons): Comparisons {
  if (sign === '~' || sign === '～') return { contains: value }
  if (Object.hasOwn(COMPARES, sign))
    return { [COMPARES[sign as keyof typeof COMPARES]]: /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value }
  const values = value.split(/[,，]/).flatMap((one) => one.trim() || [])
  return values.length === 0 ? {} : { in: [...(before.in ?? []), ...values] }
}

const simplest = (all: Comparisons): Filters[string] =>
  all.in === undefined || Object.keys(all).length > 1 ? all : all.in.length === 1 ? (all.in[0] ?? '') : all.in
