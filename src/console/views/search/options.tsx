// How a question is asked: mode, how much, where, with which conditions on metadata.
import { useState } from 'preact/hooks'
import type { Question } from '../../api/search.ts'
import { type Mode, MODES } from '../../api/types.ts'
import { filtersOf } from '../../text/filters.ts'
import { useWords } from '../../words/words.ts'

export type Options = {
  mode: Mode
  topK: number
  /** 0: as many as there are. */
  maxPerDocument: number
  includePublic: boolean
  rerank: boolean
  around: boolean
  collections: string
  filters: string
}

export const DEFAULTS: Options = {
  mode: 'auto',
  topK: 10,
  maxPerDocument: 0,
  includePublic: true,
  rerank: false,
  around: false,
  collections: '',
  filters: '',
}

export function questionOf(query: string, { collections, filters, maxPerDocument, around, ...rest }: Options): Question {
  const named = collections.split(',').map((name) => name.trim())
  return {
    query,
    ...rest,
    ...(maxPerDocument === 0 ? {} : { maxPerDocument }),
    ...(around ? { expand: 'section' as const } : {}),
    collections: named.filter((name) => name !== ''),
    filters: filtersOf(filters),
  }
}

type Props = { options: Options; onChange: (options: Options) => void; showMode: boolean }

export function QuestionOptions({ options, onChange, showMode }: Props) {
  const words = useWords()
  const check = (name: 'includePublic' | 'rerank' | 'around', label: string) => (
    <label class="choice">
      <input type="checkbox" checked={options[name]} onChange={(event) => onChange({ ...options, [name]: event.currentTarget.checked })} />
      {label}
    </label>
  )
  return (
    <>
      {showMode ? (
        <label class="field field-inline">
          <span>{words.search.mode}</span>
          <select value={options.mode} onChange={(event) => onChange({ ...options, mode: event.currentTarget.value as Mode })}>
            {MODES.map((mode) => (
              <option key={mode} value={mode}>
                {mode} · {words.search.modes[mode]}
              </option>
            ))}
          </select>
        </label>
      ) : null}
      <details class="options">
        <summary>{words.search.more}</summary>
        <div class="toolbar">
          <label class="field field-short">
            <span>topK</span>
            <input
              type="number"
              min={1}
              max={100}
              value={options.topK}
              onChange={(event) => onChange({ ...options, topK: bounded(event.currentTarget.valueAsNumber, 1, DEFAULTS.topK) })}
            />
          </label>
          <label class="field field-short">
            <span>{words.search.perDocument}</span>
            <input
              type="number"
              min={0}
              max={100}
              placeholder={words.search.noLimit}
              value={options.maxPerDocument || ''}
              onChange={(event) =>
                onChange({ ...options, maxPerDocument: bounded(event.currentTarget.valueAsNumber, 0, DEFAULTS.maxPerDocument) })
              }
            />
          </label>
          <Late
            label={words.search.collections}
            placeholder="rag_material, notes"
            value={options.collections}
            onChange={(collections) => onChange({ ...options, collections })}
          />
          <Late
            label={words.search.filters}
            placeholder="grade=九年级; year>=2024; title~函数"
            value={options.filters}
            onChange={(filters) => onChange({ ...options, filters })}
          />
          <div class="choices">
            {check('includePublic', words.search.includePublic)}
            {check('rerank', words.search.rerank)}
            {check('around', words.search.around)}
          </div>
        </div>
      </details>
    </>
  )
}

const bounded = (wanted: number, least: number, fallback: number): number =>
  Number.isFinite(wanted) ? Math.min(Math.max(Math.round(wanted), least), 100) : fallback

/** Takes effect when the field is left or Enter is pressed, so that half a condition is never asked. */
function Late({
  label,
  placeholder,
  value,
  onChange,
}: {
  label: string
  placeholder: string
  value: string
  onChange: (value: string) => void
}) {
  const [text, setText] = useState(value)
  return (
    <label class="field">
      <span>{label}</span>
      <input
        placeholder={placeholder}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  )
}
