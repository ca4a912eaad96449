// Colours of entity types: distinct for the frequent ones, one grey for the rest; readable on light and on dark.

const COLOURS = ['#2f8f9d', '#d0743c', '#7a6fd0', '#4f9a4f', '#c4557f', '#b08a1e', '#4a7fd0', '#8a6a55'] as const
const REST = '#8b949e'

/** @param types the most frequent first */
export function colours(types: readonly string[]): ReadonlyMap<string, string> {
  return new Map(types.map((type, at) => [type, COLOURS[at] ?? REST]))
}

export type Theme = { ink: string; quiet: string; paper: string; line: string; accent: string }

/** The colours of the page as they are now, for what is painted and not styled. */
export function theme(): Theme {
  const style = getComputedStyle(document.documentElement)
  const read = (name: string): string => style.getPropertyValue(name).trim()
  return { ink: read('--ink'), quiet: read('--quiet'), paper: read('--paper'), line: read('--line-strong'), accent: read('--accent') }
}
