// Hands flow blocks to the writer with their page, box and, where OCR read them, confidence.
import type { FlowBlock } from './pdf-flow.ts'
import { type Line, meanConfidence, tidyRead } from './pdf-pieces.ts'
import type { PageLink } from './pdf-links.ts'
import type { Place, Writer } from './writer.ts'

export type PageFacts = { labels: readonly string[] | null; links: readonly PageLink[][] }

export function writeBlock(writer: Writer, block: FlowBlock, facts?: PageFacts): void {
  const [first] = block.lines
  const onPage = block.lines.filter((line) => line.page === first?.page)
  const confidence = meanConfidence(block.lines)
  const place = {
    page: first?.page,
    bbox: boxOf(onPage),
    ...(facts === undefined ? {} : factsOf(facts, block.lines)),
    confidence: confidence === undefined ? undefined : Math.round(confidence * 100) / 100,
  }
  const text = confidence === undefined ? block.text : tidyRead(block.text)
  if (block.kind === 'heading') writer.heading(block.level, text, place)
  else if (block.kind !== 'object') writer.text(block.kind, text, place)
  else if (block.object.kind === 'table') writer.table(block.object.table, place)
  else writer.image(block.text, block.object.asset, { ...place, confidence: block.object.confidence })
}

function factsOf({ labels, links }: PageFacts, lines: readonly Line[]): Pick<Place, 'pageLabel' | 'links'> {
  const page = lines[0]?.page ?? 0
  const label = labels?.[page - 1]
  const standsOn = (line: Line, { box }: PageLink): boolean => {
    const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2]
    return x >= line.left - 2 && x <= line.right + 2 && y >= line.top - 2 && y <= line.bottom + 2
  }
  return {
    pageLabel: label === undefined || label === '' || label === String(page) ? undefined : label,
    links: lines.flatMap((line) => (links[line.page - 1] ?? []).filter((link) => standsOn(line, link))),
  }
}

const tenth = (value: number): number => Math.round(value * 10) / 10

function boxOf(lines: readonly Line[]): [number, number, number, number] {
  return [
    tenth(Math.min(...lines.map((line) => line.left))),
    tenth(Math.min(...lines.map((line) => line.top))),
    tenth(Math.max(...lines.map((line) => line.right))),
    tenth(Math.max(...lines.map((line) => line.bottom))),
  ]
}
