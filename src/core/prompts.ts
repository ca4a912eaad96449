// Prompt templates: pure rendering. What is put in is never read as template text, so a document may contain {{anything}}.

/** A prompt has a part that never changes (sent first, so that the provider's cache finds it) and a part per request. */
export type PromptTemplate = {
  /** `task/version`, e.g. `extract-graph/v1`. */
  id: string
  system: string
  user: string
}

const PLACEHOLDER = /\{\{([a-z_]+)\}\}/g

/**
 * Replaces every `{{name}}` by its value in one pass; values are not interpreted.
 * @throws Error when a placeholder has no value: a bug of the caller, not of the input.
 */
export function renderPrompt(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(PLACEHOLDER, (_whole, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`The prompt needs a value for {{${name}}}.`)
    return value
  })
}

/** The placeholders of a template, each once, sorted. */
export function placeholdersOf(template: string): string[] {
  return [...new Set([...template.matchAll(PLACEHOLDER)].map((match) => match[1] ?? ''))].toSorted()
}

/** Splits a prompt file at its `## System` and `## User` headings. @throws Error when one of them is missing. */
export function parsePromptFile(id: string, file: string): PromptTemplate {
  const parts = /^## System\n([\s\S]*?)^## User\n([\s\S]*)$/m.exec(file)
  if (!parts) throw new Error(`The prompt ${id} has no System and User part.`)
  return { id, system: (parts[1] ?? '').trim(), user: (parts[2] ?? '').trim() }
}

/**
 * Untrusted text between tags that it cannot close itself: a `<` before the tag's name becomes `‹`.
 * @param tag a plain word, e.g. `chunk`.
 */
export function fence(tag: string, attributes: Readonly<Record<string, string>>, text: string): string {
  const heading = Object.entries(attributes).map(([name, value]) => ` ${name}="${value.replace(/["<>\n]/g, ' ')}"`)
  const harmless = text.replace(new RegExp(`<(?=\\s*/?\\s*${tag}\\b)`, 'gi'), '‹')
  return `<${tag}${heading.join('')}>\n${harmless}\n</${tag}>`
}
