// The knowledge graph: find an entity, see what it is connected with, grow the picture, find paths, correct what is wrong.
import { useMemo, useState } from 'preact/hooks'
import { ApiError } from '../../api/client.ts'
import { subgraph } from '../../api/graph.ts'
import { Banner, Empty, sayError } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { useRoute } from '../../state/route.ts'
import { mayWrite, type Me } from '../../state/session.ts'
import { EMPTY, grown, type Network, shortestPath, typesOf, without } from '../../text/network.ts'
import { useWords } from '../../words/words.ts'
import { Canvas } from './canvas.tsx'
import { EntityPanel } from './entity-panel.tsx'
import { Finder } from './finder.tsx'
import { colours } from './palette.ts'
import { Resolutions } from './resolutions.tsx'

const FIRST_NODES = 100
const PATH_DEPTH = 3
const PATH_NODES = 500

export function GraphView({ me, workspace }: { me: Me; workspace: string }) {
  const words = useWords()
  const wanted = useRoute().query.get('entity')
  const [network, setNetwork] = useState<Network>(EMPTY)
  const [selected, setSelected] = useState<string>()
  const [path, setPath] = useState<readonly string[]>([])
  const [problem, setProblem] = useState<string>()
  const [cut, setCut] = useState(false)
  const [missing, setMissing] = useState(false)
  const [deciding, setDeciding] = useState(false)

  /** Adds the neighbourhood of an entity to the picture and selects it. */
  const bring = async (name: string, depth = 1, maxNodes = FIRST_NODES): Promise<{ next: Network; centre: string | undefined }> => {
    setProblem(undefined)
    const part = await subgraph(name, depth, maxNodes)
    const next = grown(network, part)
    setNetwork(next)
    setCut(part.truncated)
    // The nearest come first, so an alias finds its entity too.
    return { next, centre: part.nodes[0]?.id }
  }
  const fail = (error: unknown): void => {
    if (error instanceof ApiError && error.status === 404 && network.nodes.size === 0) setMissing(true)
    setProblem(sayError(error, words))
  }
  const open = (name: string): void => {
    setPath([])
    bring(name).then(({ centre }) => setSelected(centre), fail)
  }
  const findPath = (to: string): void => {
    const from = selected === undefined ? undefined : network.nodes.get(selected)
    if (from === undefined) return
    bring(from.name, PATH_DEPTH, PATH_NODES).then(({ next }) => {
      const end = [...next.nodes.values()].find((node) => node.name === to)
      const found = end === undefined ? undefined : shortestPath(next, from.id, end.id)
      setPath(found ?? [])
      if (found === undefined) setProblem(words.graph.noPath(from.name, to, PATH_DEPTH))
    }, fail)
  }
  /** What was merged or taken apart is brought anew when it is looked at again. */
  const forget = (names: readonly string[]): void => {
    const gone = [...network.nodes.values()].filter((one) => one.workspace === workspace && names.includes(one.name)).map(({ id }) => id)
    setNetwork(gone.reduce(without, network))
    if (selected !== undefined && gone.includes(selected)) setSelected(undefined)
  }
  const types = useMemo(() => typesOf(network), [network])
  const node = selected === undefined ? undefined : network.nodes.get(selected)
  return (
    <Page
      title={words.view.graph}
      lead={words.graph.lead}
      actions={
        mayWrite(me, workspace) ? (
          <button type="button" class="button" onClick={() => setDeciding(true)}>
            {words.graph.resolutions}
          </button>
        ) : undefined
      }
    >
      {problem === undefined || missing ? null : <Banner>{problem}</Banner>}
      {cut ? <Banner tone="info">{words.graph.cut}</Banner> : null}
      <div class="graph">
        <Finder wanted={wanted ?? ''} writable={mayWrite(me, workspace)} onOpen={open} />
        <div class="graph-middle">
          {network.nodes.size === 0 ? (
            <Empty icon="graph" title={missing ? words.graph.absent : words.graph.start}>
              <p class="quiet">{missing ? words.graph.absentHint : words.graph.startHint}</p>
            </Empty>
          ) : (
            <>
              <Canvas
                network={network}
                selected={selected}
                path={path}
                onSelect={setSelected}
                onExpand={(id) => open(network.nodes.get(id)?.name ?? '')}
              />
              <Legend types={types} />
              {path.length === 0 ? null : <p class="path">{path.map((id) => network.nodes.get(id)?.name ?? id).join(' → ')}</p>}
              <button
                type="button"
                class="button small graph-clear"
                onClick={() => {
                  setNetwork(EMPTY)
                  setSelected(undefined)
                  setPath([])
                  setCut(false)
                }}
              >
                {words.graph.clear}
              </button>
            </>
          )}
        </div>
        {node === undefined ? null : (
          <EntityPanel
            key={node.id}
            name={node.name}
            workspace={node.workspace}
            writable={mayWrite(me, workspace) && node.workspace === workspace}
            onOpen={open}
            onPath={findPath}
            onGone={() => {
              setNetwork(without(network, node.id))
              setSelected(undefined)
            }}
            onChanged={(name) => {
              setNetwork(without(network, node.id))
              open(name)
            }}
          />
        )}
      </div>
      {deciding ? <Resolutions onClose={() => setDeciding(false)} onChanged={forget} /> : null}
    </Page>
  )
}

function Legend({ types }: { types: readonly string[] }) {
  const words = useWords()
  const colour = colours(types)
  return (
    <ul class="legend" aria-label={words.graph.types}>
      {types.slice(0, 9).map((type) => (
        <li key={type}>
          <span class="dot" style={{ background: colour.get(type) ?? '' }} /> {type}
        </li>
      ))}
    </ul>
  )
}
