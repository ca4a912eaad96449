// The numbers behind a chart, from the values the file caches for drawing it, as a table of categories by series.
import type { TableContent } from '../core/blocks.ts'
import { tableFromRows } from './table.ts'
import { child, childrenNamed, descendant, descendants, textOf, type XmlElement } from './xml.ts'

const MAX_POINTS = 2000

/** Cached points by index; missing ones are blank. */
function points(holder: XmlElement | undefined): string[] {
  const values: string[] = []
  if (holder === undefined) return values
  for (const element of descendants(holder)) {
    if (element.name !== 'c:pt') continue
    const index = Number(element.attributes['idx'] ?? values.length)
    const value = child(element, 'c:v')
    if (index < MAX_POINTS && value !== undefined) values[index] = textOf(value)
  }
  return Array.from(values, (value) => value ?? '')
}

/** Undefined when the chart caches no values. */
export function chartTable(chart: XmlElement): TableContent | undefined {
  const series = [...descendants(chart)].filter((element) => element.name === 'c:ser')
  const columns = series.map((one, index) => ({
    name: points(child(one, 'c:tx')).join(' ') || `Series ${index + 1}`,
    values: points(child(one, 'c:val') ?? child(one, 'c:yVal')),
  }))
  const categories = points(series.map((one) => child(one, 'c:cat') ?? child(one, 'c:xVal')).find((found) => found !== undefined))
  const rows = Math.max(categories.length, ...columns.map((column) => column.values.length))
  if (columns.length === 0 || rows === 0 || !Number.isFinite(rows)) return undefined
  const header = [{ text: '' }, ...columns.map(({ name }) => ({ text: name }))]
  const body = Array.from({ length: rows }, (_, row) => [
    { text: categories[row] ?? String(row + 1) },
    ...columns.map(({ values }) => ({ text: values[row] ?? '' })),
  ])
  const title = descendant(chart, 'c:title')
  const caption = title === undefined ? '' : childrenNamed(descendant(title, 'c:rich'), 'a:p').map(textOf).join(' ')
  return tableFromRows([header, ...body], 1, caption)
}
