// Conditions on metadata as people type them: `grade=九年级; year=2024,2025`.

/** Keys are joined by "and", values of one key by "or". What names no key or no value is left out. */
export function filtersOf(text: string): Record<string, string | string[]> {
  const filters: Record<string, string[]> = {}
  for (const condition of text.split(/[;；\n]/)) {
    const [key = '', ...rest] = condition.split(/[=＝]/)
    const values = rest
      .join('=')
      .split(/[,，]/)
      .map((value) => value.trim())
      .filter((value) => value !== '')
    if (key.trim() !== '' && values.length > 0) filters[key.trim()] = [...(filters[key.trim()] ?? []), ...values]
  }
  return Object.fromEntries(Object.entries(filters).map(([key, values]) => [key, values.length === 1 ? (values[0] ?? '') : values]))
}
