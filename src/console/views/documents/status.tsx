// How far a document is, as a badge and, while work goes on, as a bar with the stage in words.
import type { DocumentView } from '../../api/types.ts'
import { Progress } from '../../parts/progress.tsx'
import { useWords } from '../../words/words.ts'

export const isActive = ({ parseStatus }: DocumentView): boolean => parseStatus === 'pending' || parseStatus === 'processing'

export function Status({ document }: { document: DocumentView }) {
  const words = useWords()
  const { parseStatus, stage, progress, warnings } = document
  const stageName = (words.stages as Record<string, string>)[stage] ?? stage
  return (
    <div class="status">
      <span class={`badge badge-${parseStatus}`}>{words.statuses[parseStatus]}</span>
      {parseStatus === 'processing' ? (
        <>
          <Progress share={progress} label={stageName} />
          <span class="quiet small">{stageName}</span>
        </>
      ) : null}
      {warnings.length > 0 ? <span class="badge badge-warning">{words.documents.warningCount(warnings.length)}</span> : null}
    </div>
  )
}

/** Why it failed: what the code means in the reader's language, then the service's own sentence. */
export function FailureCause({ error }: { error: string }) {
  const words = useWords()
  const cause = words.causes[/^([a-z_]+):/.exec(error)?.[1] ?? '']
  return (
    <>
      {cause === undefined ? null : <b>{cause} </b>}
      {error}
    </>
  )
}
