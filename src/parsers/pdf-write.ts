// Hands flow blocks to the writer with their page, box and, where OCR read them, confidence.
import type { FlowBlock } from './pdf-flow.ts'
import { type Line, meanConfidence, tidyRead } from './pdf-pieces.ts'
import type { Writer } from './writer.ts'

export function writeBlock(writer: Writer, block: FlowBlock): void {
  const [first] = block.lines
  const onPage = block.lines.filter((line) => line.page === first?.page)
  const confidence = meanConfidence(block.lines)
  const place = {
    page: first?.page,
    bbox: boxOf(onPage),
    confidence: confidence === undefined ? undefined : Math.round(confidence * 100) / 100,
  }
  const text = confidence === undefined ? block.text : tidyRead(block.text)
  if (block.kind === 'heading') writer.heading(block.level, text, place)
  else if (block.kind !== 'object') writer.text(block.kind, text, place)
  else if (block.object.kind === 'table') writer.table(block.object.table, place)
  else writer.image(block.text, block.object.asset, { ...place, confidence: block.object.confidence })
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
