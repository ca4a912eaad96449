// Markdown (GFM) with LaTeX between dollar signs; tables, code and front matter included.
import { lexer, type Token, type Tokens } from 'marked'
import type { FormatParser, ParseLimits } from './format.ts'
import { unreadable } from './format.ts'
import { decodeText } from './encoding.ts'
import { writeHtml } from './html.ts'
import { tableFromRows } from './table.ts'
import { createWriter, type Writer } from './writer.ts'

/** Display equations are taken out before the lexer sees them: their backslashes and underscores are not Markdown. */
const DISPLAY_MATH =
  /^[ \t]*(?:\$\$([\s\S]+?)\$\$|\\\[([\s\S]+?)\\\]|(\\begin\{(equation|align|gather|multline)\*?\}[\s\S]+?\\end\{\4\*?\}))[ \t]*$/gm
const INLINE_MATH = /\$\$[^$]+\$\$|\$(?=\S)[^$\n]*?[^\s$\\]\$(?!\d)|\\\([\s\S]+?\\\)/g
const FENCES = /^(`{3,}|~{3,})[\s\S]*?^\1[`~]*[ \t]*$/gm

/** Private-use characters stand for formulas while the lexer works; a document's own are dropped first. */
const OPEN = '\ue000'
const CLOSE = '\ue001'

type Math = { latex: string; display: boolean; source: string }

function hideMath(text: string): { text: string; formulas: Math[] } {
  const formulas: Math[] = []
  const hide = (latex: string, display: boolean, source: string): string => {
    formulas.push({ latex: latex.trim(), display, source })
    return `${OPEN}${formulas.length - 1}${CLOSE}`
  }
  const visible = (part: string): string =>
    part
      .replace(
        DISPLAY_MATH,
        (source: string, dollars?: string, brackets?: string, environment?: string) =>
          `\n\n${hide(dollars ?? brackets ?? environment ?? '', true, source)}\n\n`,
      )
      .replace(INLINE_MATH, (source) =>
        hide(
          source,
          false,
          source.replace(/^\\\(([\s\S]*)\\\)$/, (_, latex: string) => `$${latex.trim()}$`),
        ),
      )
  let result = ''
  let from = 0
  for (const fence of text.matchAll(FENCES)) {
    result += visible(text.slice(from, fence.index)) + fence[0]
    from = fence.index + fence[0].length
  }
  return { text: result + visible(text.slice(from)), formulas }
}

const HIDDEN = new RegExp(`${OPEN}(\\d+)${CLOSE}`, 'g')

/** Text of inline tokens as a reader sees it: no marks, link texts without addresses, formulas between dollar signs. */
function inlineText(tokens: readonly Token[] | undefined, fallback: string): string {
  if (tokens === undefined) return fallback
  return tokens
    .map((token) => {
      if (token.type === 'br') return '\n'
      if (token.type === 'html') return /^<br/i.test(token.raw) ? '\n' : ''
      if (token.type === 'image') return (token as Tokens.Image).text
      if (token.type === 'codespan') return `\`${(token as Tokens.Codespan).text}\``
      const nested = 'tokens' in token ? token.tokens : undefined
      return inlineText(nested, 'text' in token ? String(token.text) : token.raw)
    })
    .join('')
}

function listLines(list: Tokens.List, depth: number): string[] {
  return list.items.flatMap((item, index) => {
    const mark = list.ordered ? `${(list.start || 1) + index}.` : item.task ? `- [${item.checked === true ? 'x' : ' '}]` : '-'
    const own = item.tokens.filter((token) => token.type !== 'list')
    const text = own
      .map((token) => ('tokens' in token ? inlineText(token.tokens, token.raw) : 'text' in token ? String(token.text) : ''))
      .join('\n')
      .trim()
      .replaceAll('\n', ' ')
    const nested = item.tokens.filter((token): token is Tokens.List => token.type === 'list')
    return [`${'  '.repeat(depth)}${mark} ${text}`, ...nested.flatMap((inner) => listLines(inner, depth + 1))]
  })
}

const FOOTNOTE = /^\[\^[^\]\s]+\]:\s*/

type Shown = { show: (text: string) => string; formulas: readonly Math[]; limits: ParseLimits }

function writeTokens(writer: Writer, tokens: readonly Token[], { show, formulas, limits }: Shown): void {
  for (const token of tokens) {
    if (token.type === 'heading') writer.heading((token as Tokens.Heading).depth, show(inlineText(token.tokens, token.raw)))
    else if (token.type === 'code') writer.text('code', show((token as Tokens.Code).text))
    else if (token.type === 'list') writer.text('list', show(listLines(token as Tokens.List, 0).join('\n')))
    else if (token.type === 'blockquote') writeTokens(writer, token.tokens ?? [], { show, formulas, limits })
    else if (token.type === 'table') writeTable(writer, token as Tokens.Table, show)
    else if (token.type === 'paragraph' && FOOTNOTE.test(token.raw))
      writer.text('note', show(inlineText(token.tokens, token.raw).replace(FOOTNOTE, '')))
    else if (token.type === 'paragraph' || token.type === 'text') writeParagraph(writer, token, show, formulas)
    else if (token.type === 'html') writeHtml(writer, show(token.raw), limits)
  }
}

function writeTable(writer: Writer, table: Tokens.Table, show: (text: string) => string): void {
  const cells = (row: readonly Tokens.TableCell[]): { text: string }[] =>
    row.map((cell) => ({ text: show(inlineText(cell.tokens, cell.text)) }))
  writer.table(tableFromRows([cells(table.header), ...table.rows.map(cells)], 1))
}

function writeParagraph(writer: Writer, token: Token, show: (text: string) => string, formulas: readonly Math[]): void {
  const text = inlineText('tokens' in token ? token.tokens : undefined, token.raw)
  const only = new RegExp(`^\\s*${OPEN}(\\d+)${CLOSE}\\s*$`).exec(text)
  const formula = only === null ? undefined : formulas[Number(only[1])]
  if (formula?.display === true) writer.equation(formula.latex)
  else if (token.type === 'paragraph' && token.tokens?.length === 1 && token.tokens[0]?.type === 'image')
    writer.image(show(text), undefined)
  else writer.text('paragraph', show(text))
}

/** `title:` of YAML front matter; the rest of it is not text. */
function frontMatter(text: string): { title: string | undefined; body: string } {
  const match = /^---\n([\s\S]*?)\n(?:---|\.\.\.)\n/.exec(text)
  if (match === null || !/^[\w-]+\s*:/m.test(match[1] ?? '')) return { title: undefined, body: text }
  return { title: /^title\s*:\s*["']?(.+?)["']?\s*$/m.exec(match[1] ?? '')?.[1], body: text.slice(match[0].length) }
}

export const parseMarkdown: FormatParser = (bytes, context) => {
  const source = decodeText(bytes)
    .text.replace(/\r\n?/g, '\n')
    .replace(/[\ue000\ue001\0]/g, '')
  const { title, body } = frontMatter(source)
  const { text, formulas } = hideMath(body)
  const writer = createWriter(context)
  const show = (part: string): string => part.replace(HIDDEN, (_, index: string) => formulas[Number(index)]?.source.trim() ?? '')
  let tokens: Token[]
  try {
    tokens = lexer(text, { gfm: true })
  } catch {
    // Thousands of nested quotes exhaust the lexer's stack; the text itself is still worth keeping.
    writer.warn('The Markdown is nested too deeply to be understood; it was read as plain text.')
    tokens = body
      .replace(/^[> \t]+/gm, '')
      .split(/\n{2,}/)
      .map((raw): Token => ({ type: 'text', raw, text: raw }))
  }
  writeTokens(writer, tokens, { show, formulas, limits: context.limits })
  if (writer.isEmpty()) throw unreadable('The document is empty: it holds no text.')
  return Promise.resolve(writer.finish({ title }))
}
