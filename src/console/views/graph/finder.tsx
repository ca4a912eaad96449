// Finding entities by name, the way into the picture, also for those who cannot see it.
import { useEffect, useState } from 'preact/hooks'
import { findEntities } from '../../api/graph.ts'
import { ApiError } from '../../api/client.ts'
import { Empty, Failure, Skeleton } from '../../parts/notice.tsx'
import { useLoad } from '../../state/load.ts'
import { useWords } from '../../words/words.ts'
import { EntityForm } from './entity-form.tsx'

const TYPING_PAUSE_MS = 250

export function Finder({ wanted, writable, onOpen }: { wanted: string; writable: boolean; onOpen: (name: string) => void }) {
  const words = useWords()
  const [text, setText] = useState(wanted)
  const [q, setQ] = useState(wanted)
  const [creating, setCreating] = useState(false)
  useEffect(() => {
    if (wanted === '') return
    setText(wanted)
    setQ(wanted)
    onOpen(wanted)
  }, [wanted])
  useEffect(() => {
    const timer = setTimeout(() => setQ(text.trim()), TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  const { value, error, reload } = useLoad((signal) => findEntities(q, signal), [q])
  return (
    <section class="finder" aria-label={words.graph.find}>
      <label class="field">
        <span>{words.graph.find}</span>
        <input type="search" maxLength={200} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      {value === undefined ? (
        error === undefined ? (
          <Skeleton />
        ) : error instanceof ApiError && error.status === 404 ? (
          <Empty title={words.graph.absent} />
        ) : (
          <Failure error={error} onRetry={reload} />
        )
      ) : value.entities.length === 0 ? (
        <p class="quiet">{words.graph.noEntity}</p>
      ) : (
        <ul class="entity-list">
          {value.entities.map(({ name, type, degree, workspace }) => (
            <li key={`${workspace} ${name}`}>
              <button type="button" onClick={() => onOpen(name)}>
                <span>{name}</span>
                <span class="quiet small">
                  {type} · {degree} · {workspace}
                </span>
              </button>
            </li>
          ))}
        </ul>
      )}
      {writable && value !== undefined ? (
        <button type="button" class="button small" onClick={() => setCreating(true)}>
          {words.graph.create}
        </button>
      ) : null}
      {creating ? (
        <EntityForm
          onClose={() => setCreating(false)}
          onSaved={(name) => {
            setCreating(false)
            reload()
            onOpen(name)
          }}
        />
      ) : null}
    </section>
  )
}
