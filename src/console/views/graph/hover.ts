// The label of a node that is pointed at or selected, on a plate in the colours of the page.
import type { Settings } from 'sigma/settings'
import type { Theme } from './palette.ts'

export type NodeLook = { x: number; y: number; size: number; label: string; color: string }
export type EdgeLook = { size: number; color: string; type: string; label: string }

type Painter = Settings<NodeLook, EdgeLook>['defaultDrawNodeHover']

export function hoverPainter({ ink, paper, accent }: Theme): Painter {
  return (context, { x, y, size, label }, { labelSize, labelFont, labelWeight }) => {
    context.font = `${labelWeight} ${labelSize}px ${labelFont}`
    const text = typeof label === 'string' ? label : ''
    const width = text === '' ? 0 : context.measureText(text).width + 10
    const height = labelSize + 8
    context.fillStyle = paper
    context.strokeStyle = accent
    context.lineWidth = 1.5
    context.beginPath()
    context.roundRect(x - size - 3, y - height / 2, 2 * size + 6 + width, height, 6)
    context.fill()
    context.stroke()
    context.fillStyle = ink
    context.fillText(text, x + size + 5, y + labelSize / 3)
  }
}
