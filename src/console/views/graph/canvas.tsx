// The graph painted by WebGL, laid out in a worker so that the page stays fluid while two thousand nodes find their places.
import { MultiDirectedGraph } from 'graphology'
import forceAtlas2 from 'graphology-layout-forceatlas2'
import LayoutWorker from 'graphology-layout-forceatlas2/worker'
import { useEffect, useRef } from 'preact/hooks'
import SigmaRenderer from 'sigma'
import { type Network, typesOf } from '../../text/network.ts'
import { useWords } from '../../words/words.ts'
import { type EdgeLook, hoverPainter, type NodeLook } from './hover.ts'
import { colours, theme, type Theme } from './palette.ts'

type Props = {
  network: Network
  selected: string | undefined
  /** Ids along a path that is to stand out. */
  path: readonly string[]
  onSelect: (id: string) => void
  onExpand: (id: string) => void
}

type Painting = { graph: MultiDirectedGraph<NodeLook, EdgeLook>; sigma: SigmaRenderer<NodeLook, EdgeLook>; layout: LayoutWorker }

/** Layouts settle, large ones later; going on would only warm the machine. */
const layoutMs = (nodes: number): number => Math.min(2_500 + 2 * nodes, 8_000)

/** Pixels; smaller where there are many, so that they do not hide their edges. */
const sizeOf = (degree: number, nodes: number): number =>
  Math.min(3 + Math.sqrt(degree), 16) * Math.min(Math.max(12 / Math.sqrt(nodes), 0.4), 1)

const GOLDEN_ANGLE = Math.PI * (3 - Math.sqrt(5))

export function Canvas({ network, selected, path, onSelect, onExpand }: Props) {
  const words = useWords()
  const place = useRef<HTMLDivElement>(null)
  const painting = useRef<Painting | undefined>(undefined)
  const handlers = useRef({ onSelect, onExpand })
  handlers.current = { onSelect, onExpand }
  const shown = useRef({ selected, path, theme: theme() })
  shown.current = { selected, path, theme: shown.current.theme }

  useEffect(() => {
    if (place.current === null) return undefined
    const made = paint(place.current, shown)
    painting.current = made
    made.sigma.on('clickNode', ({ node }) => handlers.current.onSelect(node))
    made.sigma.on('doubleClickNode', (event) => {
      event.preventSigmaDefault()
      handlers.current.onExpand(event.node)
    })
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const recolour = (): void => {
      shown.current.theme = theme()
      made.sigma.setSetting('labelColor', { color: shown.current.theme.ink })
      made.sigma.setSetting('defaultDrawNodeHover', hoverPainter(shown.current.theme))
      made.sigma.refresh()
    }
    dark.addEventListener('change', recolour)
    return () => {
      dark.removeEventListener('change', recolour)
      made.layout.kill()
      made.sigma.kill()
    }
  }, [])

  useEffect(() => {
    const made = painting.current
    if (made === undefined) return undefined
    made.sigma.setSetting('hideEdgesOnMove', network.edges.size > MANY_EDGES)
    if (!update(made.graph, network)) {
      made.sigma.refresh()
      return undefined
    }
    made.layout.start()
    const timer = setTimeout(() => made.layout.stop(), layoutMs(network.nodes.size))
    return () => clearTimeout(timer)
  }, [network])

  useEffect(() => {
    painting.current?.sigma.refresh()
  }, [selected, path])

  // A picture for the eye; the list beside it holds the same entities for keyboard and screen reader.
  return <div class="canvas" ref={place} role="img" aria-label={words.graph.picture(network.nodes.size, network.edges.size)} />
}

const NAMED_NEIGHBOURS = 40
/** More than these are not drawn while the picture is moved: without a graphics card they would make it stick. */
const MANY_EDGES = 1000

type Shown = { current: { selected: string | undefined; path: readonly string[]; theme: Theme } }

function paint(place: HTMLElement, shown: Shown): Painting {
  const graph = new MultiDirectedGraph<NodeLook, EdgeLook>()
  const { ink } = shown.current.theme
  const sigma = new SigmaRenderer<NodeLook, EdgeLook>(graph, place, {
    labelColor: { color: ink },
    labelFont: 'system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif',
    // Room for labels beside the outermost nodes.
    stagePadding: 70,
    labelRenderedSizeThreshold: 5,
    labelDensity: 0.7,
    defaultEdgeType: 'arrow',
    zIndex: true,
    // A folded panel has no width for a moment; that is no error.
    allowInvalidContainer: true,
    defaultDrawNodeHover: hoverPainter(shown.current.theme),
    nodeReducer: (id, look) => {
      const { selected, path } = shown.current
      const onPath = path.includes(id)
      if (path.length > 0 && !onPath && id !== selected) return { ...look, color: shown.current.theme.line, label: '' }
      if (id === selected || onPath) return { ...look, highlighted: id === selected, forceLabel: true, zIndex: 1 }
      // Whoever looks at one entity wants to read the names around it, unless they would cover each other.
      const near =
        selected !== undefined && graph.hasNode(selected) && graph.degree(selected) <= NAMED_NEIGHBOURS && graph.areNeighbors(id, selected)
      return near ? { ...look, forceLabel: true } : look
    },
    edgeReducer: (edge, look) => {
      const { selected, path, theme: page } = shown.current
      const [source, target] = graph.extremities(edge)
      const steps = Math.abs(path.indexOf(source) - path.indexOf(target))
      if (path.includes(source) && path.includes(target) && steps === 1) return { ...look, color: page.accent, size: 3, zIndex: 1 }
      if (source === selected || target === selected) return { ...look, color: page.quiet, size: look.size + 0.5 }
      return { ...look, color: page.line }
    },
  })
  return { graph, sigma, layout: new LayoutWorker(graph, { settings: forceAtlas2.inferSettings(2_000) }) }
}

/** Brings the painted graph to the network's state; true when nodes came or went, so that places must be found. */
function update(graph: MultiDirectedGraph<NodeLook, EdgeLook>, network: Network): boolean {
  let moved = false
  for (const id of graph.nodes()) {
    if (network.nodes.has(id)) continue
    graph.dropNode(id)
    moved = true
  }
  for (const edge of graph.edges()) if (!network.edges.has(edge)) graph.dropEdge(edge)
  const colour = colours(typesOf(network))
  const anchors = anchorsOf(graph, network)
  for (const node of network.nodes.values()) {
    const look = { label: node.name, color: colour.get(node.type) ?? '#888', size: sizeOf(node.degree, network.nodes.size) }
    if (graph.hasNode(node.id)) {
      graph.mergeNodeAttributes(node.id, look)
      continue
    }
    graph.addNode(node.id, { ...look, ...startOf(graph.order, anchors.get(node.id)) })
    moved = true
  }
  for (const [key, { source, target, keywords, weight }] of network.edges) {
    if (graph.hasEdge(key)) continue
    graph.addEdgeWithKey(key, source, target, {
      size: Math.min(1 + Math.log2(1 + weight) / 2, 4),
      color: '#999',
      type: 'arrow',
      label: keywords,
    })
  }
  return moved
}

/** New nodes start beside a neighbour that has its place already, so that growing a graph does not shuffle it. */
function anchorsOf(graph: MultiDirectedGraph<NodeLook, EdgeLook>, network: Network): ReadonlyMap<string, NodeLook> {
  const anchors = new Map<string, NodeLook>()
  for (const { source, target } of network.edges.values()) {
    if (graph.hasNode(source) && !graph.hasNode(target)) anchors.set(target, graph.getNodeAttributes(source))
    if (graph.hasNode(target) && !graph.hasNode(source)) anchors.set(source, graph.getNodeAttributes(target))
  }
  return anchors
}

/** A sunflower: no two starting places are the same, and the same graph starts the same way. */
function startOf(order: number, anchor: NodeLook | undefined): { x: number; y: number } {
  const radius = anchor === undefined ? 10 * Math.sqrt(order) : 4 + Math.sqrt(order) / 4
  const angle = order * GOLDEN_ANGLE
  return { x: (anchor?.x ?? 0) + radius * Math.cos(angle), y: (anchor?.y ?? 0) + radius * Math.sin(angle) }
}
