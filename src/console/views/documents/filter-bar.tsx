// Narrowing the list. What is typed is asked for after a short pause.
import { useEffect, useState } from 'preact/hooks'
import type { DocumentFilter } from '../../api/documents.ts'
import type { ParseStatus } from '../../api/types.ts'
import { useWords } from '../../words/words.ts'

const TYPING_PAUSE_MS = 250
const STATUSES: readonly ParseStatus[] = ['pending', 'processing', 'completed', 'failed']

export function FilterBar({ filter, onChange }: { filter: DocumentFilter; onChange: (filter: DocumentFilter) => void }) {
  const words = useWords()
  return (
    <div class="toolbar" role="search">
      <Typed label={words.documents.find} value={filter.q} onChange={(q) => onChange({ ...filter, q })} />
      <label class="field">
        <span>{words.documents.status}</span>
        <select value={filter.status} onChange={(event) => onChange({ ...filter, status: event.currentTarget.value as ParseStatus | '' })}>
          <option value="">{words.all}</option>
          {STATUSES.map((status) => (
            <option key={status} value={status}>
              {words.statuses[status]}
            </option>
          ))}
        </select>
      </label>
      <Typed label={words.documents.collection} value={filter.collection} onChange={(collection) => onChange({ ...filter, collection })} />
    </div>
  )
}

function Typed({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    const wanted = text.trim()
    if (wanted === value) return undefined
    const timer = setTimeout(() => onChange(wanted), TYPING_PAUSE_MS)
    return () => clearTimeout(timer)
  }, [text])
  return (
    <label class="field">
      <span>{label}</span>
      <input type="search" maxLength={128} value={text} onInput={(event) => setText(event.currentTarget.value)} />
    </label>
  )
}
