// Collects blocks in reading order, keeps the headings above each, cleans all text and settles the title. Every format parser writes through it.
import type { Asset, Block, BlockType, ParsedDocument, TableCell, TableContent } from '../core/blocks.ts'
import { tableMarkdown } from '../core/chunk-table.ts'
import { cleanText } from '../core/text.ts'
import { type FormatContext, titleFromFileName } from './format.ts'
import type { Link } from './links.ts'

/** What a parser may know of a block beside its text. */
export type Place = {
  page?: number | undefined
  bbox?: [number, number, number, number] | undefined
  confidence?: number | undefined
  pageLabel?: string | undefined
  links?: Link[] | undefined
  record?: Record<string, unknown>
}

export type Writer = {
  heading(level: number, text: string, place?: Place): void
  /** Paragraph, list, code or note; ignored when nothing printable is left. */
  text(type: Exclude<BlockType, 'heading' | 'table' | 'equation' | 'image'>, text: string, place?: Place): void
  /** `latex` without delimiters. */
  equation(latex: string, place?: Place): void
  /** Ignored when no cell has text. */
  table(table: TableContent, place?: Place): void
  image(text: string, asset: Asset | undefined, place?: Place): void
  /** Adds a caption to the picture or table just written; false when there is none. */
  caption(text: string): boolean
  /** One sentence; equal ones are kept once. */
  warn(sentence: string): void
  isEmpty(): boolean
  /** Blocks written so far. */
  size(): number
  finish(extra: { title?: string | undefined; pages?: number | undefined }): ParsedDocument
}

const MAX_WARNINGS = 100

/** Blank lines inside a block become one line break, other runs of blanks one space; code keeps its blanks. */
function tidy(text: string): string {
  return cleanText(text)
    .replace(/[^\S\n]+/g, ' ')
    .replace(/ ?\n ?/g, '\n')
    .replace(/\n{2,}/g, '\n')
    .trim()
}

/** Items keep their indentation: two blanks a level. */
function tidyList(text: string): string {
  const lines = text.split('\n').map((line) => {
    const indent = /^[\u00a0 ]*/.exec(line)?.[0].length ?? 0
    return ' '.repeat(Math.min(12, indent)) + tidy(line)
  })
  return lines.filter((line) => line.trim() !== '').join('\n')
}

/** Nothing in it that tidying would change: most cells of a sheet, which can have a million. */
const PLAIN = /^[\u0021-\u007e\u4e00-\u9fff\uff01-\uff5e]*$/

function tidyCell(cell: TableCell): TableCell {
  return PLAIN.test(cell.text) ? cell : { ...cell, text: tidy(cell.text) }
}

/** Of one block; more is a list of links, not a text with links. */
const MAX_LINKS = 200

const placed = ({ page, pageLabel, links, bbox, confidence, record }: Place): Partial<Block> => ({
  ...(page === undefined ? {} : { page }),
  ...(pageLabel === undefined ? {} : { pageLabel }),
  ...(links === undefined || links.length === 0
    ? {}
    : { links: links.slice(0, MAX_LINKS).map(({ text, url }) => ({ text: tidy(text), url })) }),
  ...(bbox === undefined ? {} : { bbox }),
  ...(confidence === undefined ? {} : { confidence }),
  ...(record === undefined ? {} : { record }),
})

/** Titles that programs leave behind and nobody wrote. */
const NO_TITLE =
  /^(?:\(anonymous\)|untitled|pptxgenjs presentation|document\d*|presentation\d*|slide \d+|powerpoint presentation|microsoft \w+ - .*|.*\.(?:docx?|pptx?|xlsx?|pdf|tex|dvi|indd|html?))$/i

export function createWriter(context: FormatContext): Writer {
  const blocks: Block[] = []
  const assets = new Map<string, Asset>()
  const warnings = new Set<string>()
  const path: { level: number; text: string }[] = []
  const headings = (): string[] => path.map((heading) => heading.text)
  const push = (type: BlockType, text: string, place: Place | undefined, extra: Partial<Block>): void => {
    blocks.push({ type, text, headings: headings(), ...placed(place ?? {}), ...extra })
  }
  return {
    heading(level, text, place) {
      const clean = tidy(text).replaceAll('\n', ' ')
      if (clean === '') return
      const depth = Math.min(6, Math.max(1, level))
      while ((path.at(-1)?.level ?? 0) >= depth) path.pop()
      push('heading', clean, place, { level: depth })
      path.push({ level: depth, text: clean })
    },
    text(type, text, place) {
      const clean = type === 'code' ? cleanText(text).replace(/^\n+|\s+$/g, '') : type === 'list' ? tidyList(text) : tidy(text)
      if (clean !== '') push(type, clean, place, {})
    },
    equation(latex, place) {
      const clean = cleanText(latex).trim()
      if (clean !== '') push('equation', `$$${clean}$$`, place, { latex: clean })
    },
    table(table, place) {
      const clean = { ...table, cells: table.cells.map(tidyCell), ...(table.caption === undefined ? {} : { caption: tidy(table.caption) }) }
      if (clean.cells.some((cell) => cell.text !== '')) push('table', tableMarkdown(clean), place, { table: clean })
    },
    image(text, asset, place) {
      const clean = tidy(text)
      if (asset !== undefined) assets.set(asset.sha256, asset)
      if (clean !== '' || asset !== undefined) push('image', clean, place, asset === undefined ? {} : { asset: asset.sha256 })
    },
    caption(text) {
      const last = blocks.at(-1)
      const clean = tidy(text)
      if (last?.type === 'image') last.text = [clean, last.text].filter((part) => part !== '').join('\n')
      else if (last?.type === 'table' && last.table !== undefined && last.table.caption === undefined) {
        last.table = { ...last.table, caption: clean }
        last.text = tableMarkdown(last.table)
      } else return false
      return true
    },
    warn(sentence) {
      if (warnings.size < MAX_WARNINGS) warnings.add(sentence)
    },
    size: () => blocks.length,
    isEmpty: () => blocks.every((block) => block.text === ''),
    finish({ title, pages }) {
      const own = tidy(title ?? '').replaceAll('\n', ' ')
      const first = blocks.find((block) => block.type === 'heading')?.text
      return {
        title: own !== '' && !NO_TITLE.test(own) ? own : (first ?? titleFromFileName(cleanText(context.fileName))),
        mediaType: context.mediaType,
        blocks,
        ...(pages === undefined ? {} : { pages }),
        assets: [...assets.values()],
        warnings: [...warnings],
      }
    },
  }
}
