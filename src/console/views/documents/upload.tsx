// Bringing files in: dropped, chosen or pasted text. What fails keeps its row, its reason and a way to try again.
import type { TargetedDragEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { UploadOptions } from '../../api/documents.ts'
import { Icon } from '../../parts/icons.tsx'
import { Progress } from '../../parts/progress.tsx'
import { sayError } from '../../parts/notice.tsx'
import { href } from '../../state/route.ts'
import { bytes } from '../../words/format.ts'
import { useWords } from '../../words/words.ts'
import { addUploads, brokeOff, cancelUpload, retryUpload, type Sending, useUploads } from './uploads.ts'

export function Upload({ workspace, maxBytes, onArrived }: { workspace: string; maxBytes: number; onArrived: () => void }) {
  const words = useWords()
  const [over, setOver] = useState(false)
  const [options, setOptions] = useState<UploadOptions>({ collection: '', parseMethod: 'auto' })
  const chooser = useRef<HTMLInputElement>(null)
  const sendings = useUploads(workspace)
  const arrived = sendings.filter(({ state }) => state === 'arrived').length
  useEffect(() => {
    if (arrived > 0) onArrived()
  }, [arrived])
  const take = (files: FileList | null | undefined): void => addUploads([...(files ?? [])], workspace, options, maxBytes)
  const drag = (event: TargetedDragEvent<HTMLDivElement>, inside: boolean): void => {
    event.preventDefault()
    setOver(inside)
  }
  const drop = (event: TargetedDragEvent<HTMLDivElement>): void => {
    drag(event, false)
    take(event.dataTransfer?.files)
  }
  return (
    <section aria-label={words.upload.title}>
      <div
        class={over ? 'drop drop-over' : 'drop'}
        onDragOver={(event) => drag(event, true)}
        onDragLeave={(event) => drag(event, false)}
        onDrop={drop}
      >
        <Icon name="upload" />
        <p>
          <strong>{words.upload.drop}</strong>
          <span class="quiet small">{words.upload.kinds(bytes(maxBytes))}</span>
        </p>
        <button type="button" class="button primary" onClick={() => chooser.current?.click()}>
          {words.upload.choose}
        </button>
        <input
          ref={chooser}
          type="file"
          multiple
          hidden
          aria-label={words.upload.choose}
          onChange={(event) => {
            take(event.currentTarget.files)
            event.currentTarget.value = ''
          }}
        />
      </div>
      <Options options={options} onChange={setOptions} />
      {sendings.length === 0 ? null : (
        <ul class="uploads" aria-live="polite">
          {sendings.map((sending) => (
            <Row key={sending.id} sending={sending} />
          ))}
        </ul>
      )}
    </section>
  )
}

function Options({ options, onChange }: { options: UploadOptions; onChange: (options: UploadOptions) => void }) {
  const words = useWords()
  return (
    <details class="options">
      <summary>{words.upload.options}</summary>
      <div class="toolbar">
        <label class="field">
          <span>{words.documents.collection}</span>
          <input
            maxLength={128}
            placeholder="default"
            value={options.collection}
            onInput={(event) => onChange({ ...options, collection: event.currentTarget.value.trim() })}
          />
        </label>
        <label class="field">
          <span>{words.upload.reading}</span>
          <select
            value={options.parseMethod}
            onChange={(event) => onChange({ ...options, parseMethod: event.currentTarget.value as UploadOptions['parseMethod'] })}
          >
            <option value="auto">{words.upload.auto}</option>
            <option value="text">{words.upload.text}</option>
            <option value="ocr">{words.upload.ocr}</option>
          </select>
        </label>
      </div>
    </details>
  )
}

function Row({ sending }: { sending: Sending }) {
  const words = useWords()
  const { id, file, state, share, error, fileId } = sending
  const offline = brokeOff(sending) && !navigator.onLine
  return (
    <li class={`upload upload-${state}`}>
      <span class="upload-name">
        {state === 'arrived' ? <a href={href(['documents', fileId])}>{file.name}</a> : file.name}{' '}
        <span class="quiet small">{bytes(file.size)}</span>
      </span>
      {state === 'sending' ? <Progress share={share} label={words.upload.sending(file.name)} /> : null}
      <span class={state === 'failed' ? 'error small' : 'quiet small'}>
        {offline
          ? words.upload.offline
          : state === 'failed'
            ? sayError(error, words)
            : state === 'tooLarge'
              ? words.upload.tooLarge
              : words.upload.states[state]}
      </span>
      {state === 'failed' ? (
        <button type="button" class="button small" onClick={() => retryUpload(id)}>
          {words.retry}
        </button>
      ) : null}
      <button type="button" class="button plain small" onClick={() => cancelUpload(id)}>
        {state === 'sending' || state === 'waiting' ? words.cancel : words.close}
      </button>
    </li>
  )
}
