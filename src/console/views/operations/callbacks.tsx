// Callbacks to the Java backend; those that could not be delivered wait here for a person.
import { useState } from 'preact/hooks'
import { type Callback, CALLBACK_STATES, callbacks, type CallbackState, replayCallbacks } from '../../api/operations.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Banner, Empty, sayError } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { moment } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

export function Callbacks() {
  const words = useWords()
  const [state, setState] = useState<CallbackState>('parked')
  const [said, setSaid] = useState<{ tone: 'good' | 'warning'; text: string }>()
  const loaded = useLoad((signal) => callbacks(state, signal), [state])
  const replay = (eventIds?: string[]): void => {
    replayCallbacks(eventIds).then(
      ({ replayed }) => {
        setSaid({ tone: 'good', text: words.operations.replayed(replayed) })
        loaded.reload()
      },
      (error: unknown) => setSaid({ tone: 'warning', text: sayError(error, words) }),
    )
  }
  const some = (loaded.value?.callbacks.length ?? 0) > 0
  const actions = (
    <div class="page-actions">
      <select aria-label={words.documents.status} value={state} onChange={(event) => setState(event.currentTarget.value as CallbackState)}>
        {CALLBACK_STATES.map((one) => (
          <option key={one} value={one}>
            {words.operations.callbackStates[one]}
          </option>
        ))}
      </select>
      {state === 'parked' && some ? (
        <button type="button" class="button small" onClick={() => replay()}>
          {words.operations.replayAll}
        </button>
      ) : null}
    </div>
  )
  return (
    <Card title={words.operations.callbacks} actions={actions}>
      {said === undefined ? null : <Banner tone={said.tone}>{said.text}</Banner>}
      <Shown loaded={loaded}>
        {(value) =>
          value.callbacks.length === 0 ? (
            <Empty title={words.operations.noCallbacks} />
          ) : (
            <CallbackTable rows={value.callbacks} {...(state === 'parked' ? { onReplay: (eventId: string) => replay([eventId]) } : {})} />
          )
        }
      </Shown>
    </Card>
  )
}

function CallbackTable({ rows, onReplay }: { rows: Callback[]; onReplay?: (eventId: string) => void }) {
  const words = useWords()
  const language = useLanguage()
  return (
    <DataTable
      label={words.operations.callbacks}
      rows={rows}
      keyOf={({ eventId }) => eventId}
      columns={[
        { name: 'fileId', cell: ({ fileId, kind }) => `${fileId} · ${kind}` },
        { name: words.workspace, cell: ({ workspace }) => workspace },
        { name: words.documents.attempts, figure: true, cell: ({ attempts }) => attempts },
        { name: words.operations.reason, cell: ({ reason }) => reason ?? '–' },
        { name: words.documents.created, cell: ({ createdAt }) => moment(createdAt, language) },
        ...(onReplay === undefined
          ? []
          : [
              {
                name: words.actions,
                cell: ({ eventId, fileId }: Callback) => (
                  <button
                    type="button"
                    class="button small"
                    onClick={() => onReplay(eventId)}
                    aria-label={`${words.operations.replay} ${fileId}`}
                  >
                    {words.operations.replay}
                  </button>
                ),
              },
            ]),
      ]}
    />
  )
}
