// `parse`: what the parser sees in a file, without storing anything.
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import type { Block, ParsedDocument } from '../core/blocks.ts'
import { AppError } from '../core/errors.ts'
import { DEFAULT_PARSE_OPTIONS, type DocumentParser, type ParseMethod } from '../ports/parser.ts'
import type { CliContext } from './context.ts'

const METHODS: Record<string, ParseMethod> = { auto: 'auto', never: 'text', always: 'ocr' }

export function addParseCommand(program: Command, context: CliContext, parser: () => DocumentParser): void {
  program
    .command('parse')
    .argument('<file>')
    .description('print the blocks of a file; warnings go to standard error')
    .option('--format <format>', 'json or markdown', 'json')
    .option('--ocr <when>', 'auto, never or always', 'auto')
    .action(async (file: string, options: { format: string; ocr: string }) => {
      const parseMethod = METHODS[options.ocr]
      if (parseMethod === undefined) throw new AppError('invalid_request', '--ocr must be auto, never or always.')
      if (options.format !== 'json' && options.format !== 'markdown')
        throw new AppError('invalid_request', '--format must be json or markdown.')
      const bytes = await readFile(file).catch((cause: unknown) => {
        throw new AppError('invalid_request', 'The file cannot be read.', { cause })
      })
      if (bytes.length === 0) throw new AppError('unprocessable_document', 'The file is empty.')
      const opened = parser()
      try {
        const parsed = await opened.parse(
          { bytes, fileName: basename(file), options: { ...DEFAULT_PARSE_OPTIONS, parseMethod } },
          context.signal,
        )
        for (const warning of parsed.warnings) context.note(`warning: ${warning}`)
        context.print(options.format === 'json', jsonOf(parsed), () => parsed.blocks.map(markdownOf))
      } finally {
        await opened.close()
      }
    })
}

/** Images by their hash; the bytes are no reading matter. */
function jsonOf(parsed: ParsedDocument): object {
  return { ...parsed, assets: parsed.assets.map(({ bytes, ...asset }) => ({ ...asset, size: bytes.length })) }
}

function markdownOf(block: Block): string {
  if (block.type === 'heading') return `${'#'.repeat(block.level ?? 1)} ${block.text}\n`
  if (block.type === 'code') return `\`\`\`\n${block.text}\n\`\`\`\n`
  if (block.type === 'image') return `![${block.text.replaceAll(/[[\]\n]/g, ' ')}](${block.asset ?? ''})\n`
  return `${block.text}\n`
}
