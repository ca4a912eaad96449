// A person's own words about an entity: a new one, or a correction that survives every rebuild.
import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { changeEntity, createEntity, type EntityFields } from '../../api/graph.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Banner, sayError } from '../../parts/notice.tsx'
import { useWords } from '../../words/words.ts'

type Props = { before?: EntityFields; onSaved: (name: string) => void; onClose: () => void }

export function EntityForm({ before, onSaved, onClose }: Props) {
  const words = useWords()
  const [fields, setFields] = useState<EntityFields>(before ?? { name: '', type: '', description: '' })
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<unknown>()
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    setBusy(true)
    const saved = before === undefined ? createEntity(fields) : changeEntity(before.name, changedOf(before, fields))
    saved.then(
      () => onSaved(fields.name),
      (error: unknown) => {
        setBusy(false)
        setProblem(error)
      },
    )
  }
  const set = (name: keyof EntityFields) => (event: TargetedEvent<HTMLInputElement | HTMLTextAreaElement>) =>
    setFields({ ...fields, [name]: event.currentTarget.value })
  return (
    <Dialog title={before === undefined ? words.graph.create : words.graph.edit} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {problem === undefined ? null : <Banner>{sayError(problem, words)}</Banner>}
        <label class="field">
          <span>{words.graph.name}</span>
          <input required maxLength={200} value={fields.name} onInput={set('name')} />
        </label>
        <label class="field">
          <span>{words.graph.type}</span>
          <input required maxLength={64} value={fields.type} onInput={set('type')} />
        </label>
        <label class="field">
          <span>{words.graph.description}</span>
          <textarea rows={5} maxLength={8000} value={fields.description} onInput={set('description')} />
        </label>
        <button type="submit" class="button primary" disabled={busy}>
          {words.save}
        </button>
      </form>
    </Dialog>
  )
}

/** Only what was changed: a field that is sent becomes a person's own word and no longer follows the documents. */
function changedOf(before: EntityFields, after: EntityFields): Partial<EntityFields> {
  const changed: Partial<EntityFields> = {}
  for (const name of ['name', 'type', 'description'] as const) if (after[name] !== before[name]) changed[name] = after[name]
  return changed
}
