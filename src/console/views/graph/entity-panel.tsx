// One entity: what it is, what it is connected with, which places say so, and what can be done about it.
import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { deleteEntity, type EntityDetail, getEntity, mergeEntities, prerequisites, undoMerge } from '../../api/graph.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Banner, Failure, sayError, Skeleton } from '../../parts/notice.tsx'
import { InlineText } from '../../parts/rich-text.tsx'
import { useLoad } from '../../state/load.ts'
import { useWords } from '../../words/words.ts'
import { ChunkSheet, type ChunkPlace } from '../search/chunk-sheet.tsx'
import { EntityForm } from './entity-form.tsx'

type Props = {
  name: string
  workspace: string
  writable: boolean
  onOpen: (name: string) => void
  onPath: (to: string) => void
  onGone: () => void
  /** Under its present name, which an edit or a merge may have changed. */
  onChanged: (name: string) => void
}

export function EntityPanel({ name, workspace, writable, onOpen, onPath, onGone, onChanged }: Props) {
  const words = useWords()
  const { value, error, reload } = useLoad((signal) => getEntity(name, workspace, signal), [name, workspace])
  const [place, setPlace] = useState<ChunkPlace>()
  return (
    <aside class="entity" aria-label={name}>
      <h2>{name}</h2>
      {value === undefined ? (
        error === undefined ? (
          <Skeleton />
        ) : (
          <Failure error={error} onRetry={reload} />
        )
      ) : (
        <>
          <p>
            <span class="tag">{value.type}</span> <span class="quiet small">{value.workspace}</span>
          </p>
          <p class="prewrap">
            <InlineText text={value.description} />
          </p>
          {value.aliases.length === 0 ? null : (
            <p class="small quiet">
              {words.graph.aliases}: {value.aliases.join('、')}
            </p>
          )}
          <Asking label={words.graph.pathTo} action={words.graph.findPath} onAsk={onPath} />
          <Relations entity={value} onOpen={onOpen} />
          <Prerequisites name={name} onOpen={onOpen} />
          <Evidence entity={value} onOpen={setPlace} />
          {writable ? <Corrections entity={value} onGone={onGone} onChanged={onChanged} /> : null}
        </>
      )}
      {place === undefined ? null : <ChunkSheet place={place} onClose={() => setPlace(undefined)} />}
    </aside>
  )
}

function Asking({ label, action, onAsk }: { label: string; action: string; onAsk: (text: string) => void }) {
  const [text, setText] = useState('')
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    if (text.trim() !== '') onAsk(text.trim())
  }
  return (
    <form class="inline-form" onSubmit={submit}>
      <label class="field">
        <span>{label}</span>
        <input value={text} maxLength={200} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" class="button small">
        {action}
      </button>
    </form>
  )
}

function Relations({ entity: { name, relations }, onOpen }: { entity: EntityDetail; onOpen: (name: string) => void }) {
  const words = useWords()
  if (relations.length === 0) return null
  return (
    <details open>
      <summary>
        {words.search.relations} ({relations.length})
      </summary>
      <ul class="entities">
        {relations.slice(0, 100).map(({ source, target, keywords, description }) => {
          const other = source === name ? target : source
          return (
            <li key={`${source} ${target} ${keywords}`}>
              <span aria-hidden="true">{source === name ? '→' : '←'}</span>{' '}
              <button type="button" class="link" onClick={() => onOpen(other)}>
                {other}
              </button>{' '}
              <span class="tag">{keywords}</span>
              <p class="small clamp">
                <InlineText text={description} />
              </p>
            </li>
          )
        })}
      </ul>
    </details>
  )
}

function Prerequisites({ name, onOpen }: { name: string; onOpen: (name: string) => void }) {
  const words = useWords()
  const { value } = useLoad((signal) => prerequisites(name, signal), [name])
  if (value === undefined || value.chain.length === 0) return null
  return (
    <details open>
      <summary>{words.graph.prerequisites}</summary>
      <ol class="chain">
        {value.chain.map((step) => (
          <li key={step.name}>
            <button type="button" class="link" onClick={() => onOpen(step.name)}>
              {step.name}
            </button>
          </li>
        ))}
      </ol>
    </details>
  )
}

function Evidence({ entity: { evidence, workspace }, onOpen }: { entity: EntityDetail; onOpen: (place: ChunkPlace) => void }) {
  const words = useWords()
  if (evidence.length === 0) return null
  return (
    <details>
      <summary>
        {words.graph.evidence} ({evidence.length})
      </summary>
      <ul class="entities">
        {evidence.map(({ chunkId, fileId, source, page, quote }) => (
          <li key={chunkId}>
            <blockquote class="small">{quote}</blockquote>
            <button type="button" class="link small" onClick={() => onOpen({ workspace, fileId, chunkId, source })}>
              {source}
              {page === null ? '' : ` · ${words.pageNumber(page)}`}
            </button>
          </li>
        ))}
      </ul>
    </details>
  )
}

/** Merges of this tab that can still be taken back, the latest last. */
const merges: { mergeId: string; from: string; into: string }[] = []

function Corrections({ entity, onGone, onChanged }: { entity: EntityDetail; onGone: () => void; onChanged: (name: string) => void }) {
  const words = useWords()
  const [doing, setDoing] = useState<'edit' | 'delete'>()
  const [problem, setProblem] = useState<unknown>()
  const last = merges.at(-1)
  const merge = (into: string): void => {
    mergeEntities([entity.name], into).then(({ mergeId }) => {
      merges.push({ mergeId, from: entity.name, into })
      onChanged(into)
    }, setProblem)
  }
  const undo = (): void => {
    if (last === undefined) return
    undoMerge(last.mergeId).then(() => {
      merges.pop()
      onChanged(last.from)
    }, setProblem)
  }
  return (
    <div class="stack">
      {problem === undefined ? null : <Banner>{sayError(problem, words)}</Banner>}
      <Asking label={words.graph.mergeInto} action={words.graph.merge} onAsk={merge} />
      <div class="dialog-actions">
        {last === undefined ? null : (
          <button type="button" class="button small" onClick={undo}>
            {words.graph.undoMerge(last.from, last.into)}
          </button>
        )}
        <button type="button" class="button small" onClick={() => setDoing('edit')}>
          {words.graph.edit}
        </button>
        <button type="button" class="button small" onClick={() => setDoing('delete')}>
          {words.remove}
        </button>
      </div>
      {doing === 'edit' ? <EntityForm before={entity} onClose={() => setDoing(undefined)} onSaved={onChanged} /> : null}
      {doing === 'delete' ? (
        <Confirm
          title={words.graph.deleteTitle}
          text={words.graph.deleteText(entity.name)}
          action={words.remove}
          onClose={() => setDoing(undefined)}
          onConfirm={() => void deleteEntity(entity.name).then(onGone, setProblem)}
        />
      ) : null}
    </div>
  )
}
