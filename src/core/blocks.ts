// What a parser returns and everything downstream reads: an ordered list of blocks.

export type BlockType = 'heading' | 'paragraph' | 'list' | 'table' | 'equation' | 'image' | 'code' | 'note'

/** One cell; `row` and `column` from 0 in the full grid, spans ≥ 1. */
export type TableCell = { row: number; column: number; rowSpan: number; columnSpan: number; text: string }

export type TableContent = {
  rows: number
  columns: number
  /** How many leading rows are headers, 0 when none was recognised. */
  headerRows: number
  cells: TableCell[]
  caption?: string
}

export type Block = {
  type: BlockType
  /** The linear text: what is chunked, embedded and shown. For a table: Markdown rows; for an equation: its LaTeX between $$. */
  text: string
  /** Heading level 1..6; only on headings. */
  level?: number
  /** Page, slide or sheet number from 1, where the format has one. */
  page?: number
  /** What the document itself calls this page, e.g. `iv`, where that is not its number. */
  pageLabel?: string
  /** Web and mail addresses behind words of the text; they are told, never followed. */
  links?: { text: string; url: string }[]
  /** Left, top, right, bottom in points from the page's top left corner. */
  bbox?: [number, number, number, number]
  /** Headings above this block, outermost first, without itself. */
  headings: string[]
  table?: TableContent
  /** LaTeX without delimiters; only on equations. */
  latex?: string
  /** Key into `ParsedDocument.assets`; only on images. */
  asset?: string
  /** What a vision model said of the picture, part of `text` already, and which model asked in which way; only on images. */
  description?: { by: string; text: string }
  /** What the reader (OCR, vision) thinks of itself, 0..1; absent for text that was simply there. */
  confidence?: number
  /** A score sheet row, knowledge point or rubric this block was made from, as flat JSON. */
  record?: Record<string, unknown>
}

/** Embedded image bytes, keyed by their SHA-256 in hex. */
export type Asset = {
  sha256: string
  mediaType: string
  bytes: Uint8Array
  /** In pixels. */
  width?: number
  height?: number
  /** A copy that models take, where the picture itself is too large or of a rare type; never stored. */
  preview?: { mediaType: string; bytes: Uint8Array }
}

/** A relation or entity that the source itself states; extraction takes it over without a model. */
export type StatedKnowledge = {
  entities: {
    name: string
    type: string
    description: string
    aliases: string[]
    /** Ordinal of the block that states it. */ block: number
    /** Words of that block that show it; its name without. */ quote?: string | undefined
  }[]
  relations: {
    source: string
    target: string
    keywords: string[]
    description: string
    weight?: number
    block: number
    quote?: string | undefined
  }[]
  /** Whose extraction it is, where it is not the source's own structure: complete, so that nothing else is looked for. */
  by?: string
}

export type ParsedDocument = {
  /** From the document itself (metadata, first heading), else the file name without extension. */
  title: string
  /** The sniffed media type, e.g. `application/pdf`. */
  mediaType: string
  blocks: Block[]
  /** Number of pages, slides or sheets; undefined where the format has none. */
  pages?: number
  assets: Asset[]
  /** Sentences naming page or sheet; what could not be read well. */
  warnings: string[]
  stated?: StatedKnowledge
}
