// One document: what became of it, live while work goes on, and what was read out of it, chunk by chunk.
import { useEffect, useState } from 'preact/hooks'
import { followDocument, getDocument, retryDocument } from '../../api/documents.ts'
import type { DocumentView } from '../../api/types.ts'
import { Icon } from '../../parts/icons.tsx'
import { Banner, Failure, sayError, Skeleton } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { useLoad } from '../../state/load.ts'
import { go, href } from '../../state/route.ts'
import { duration, moment, number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import { Chunks } from './chunks.tsx'
import { Cost } from './cost.tsx'
import { Blocks } from './blocks.tsx'
import { FailureCause, isActive, Status } from './status.tsx'
import { DeleteDocument } from './table.tsx'

/** In the order in which they are done; the API gives them in none. */
const STAGES: readonly string[] = ['fetch', 'parse', 'chunk', 'extract', 'embed', 'publish']

type Props = { fileId: string; workspace: string; writable: boolean }

export function DocumentPageView({ fileId, workspace, writable }: Props) {
  const words = useWords()
  const loaded = useLoad((signal) => getDocument(fileId, workspace, signal), [fileId, workspace])
  const [live, setLive] = useState<DocumentView>()
  const document = live ?? loaded.value
  const following = loaded.value !== undefined && isActive(loaded.value)
  useEffect(() => {
    setLive(undefined)
    if (!following) return undefined
    const controller = new AbortController()
    followDocument(fileId, workspace, setLive, controller.signal).catch(() => {
      // The stream broke off: the state as it is now is asked for, and followed again if there is something to follow.
      if (!controller.signal.aborted) loaded.reload()
    })
    return () => controller.abort()
  }, [loaded.value, fileId])
  const back = (
    <a class="back" href={href(['documents'])}>
      <Icon name="back" /> {words.view.documents}
    </a>
  )
  if (document === undefined)
    return (
      <>
        {back}
        {loaded.error === undefined ? <Skeleton /> : <Failure error={loaded.error} onRetry={loaded.reload} />}
      </>
    )
  return (
    <>
      {back}
      <Page
        title={document.fileName}
        lead={<Status document={document} />}
        actions={writable ? <Actions document={document} onRetried={loaded.reload} /> : undefined}
      >
        {document.parseError === null ? null : (
          <Banner>
            <FailureCause error={document.parseError} />
          </Banner>
        )}
        <Facts document={document} />
        {document.warnings.length === 0 ? null : (
          <Card title={words.documents.warnings}>
            <ul class="plain-list">
              {document.warnings.map((warning, at) => (
                <li key={at}>{warning}</li>
              ))}
            </ul>
          </Card>
        )}
        {writable ? <Cost key={`cost ${document.parseStatus}`} fileId={fileId} workspace={workspace} /> : null}
        <Content key={document.parseStatus} fileId={fileId} workspace={workspace} total={document.chunkCount} />
      </Page>
    </>
  )
}

/** What is searched, or what was read before it was cut. */
function Content(place: { fileId: string; workspace: string; total: number }) {
  const words = useWords()
  const [shown, setShown] = useState<'chunks' | 'blocks'>('chunks')
  return (
    <>
      <div class="segments" role="group" aria-label={words.documents.content}>
        {(['chunks', 'blocks'] as const).map((one) => (
          <button key={one} type="button" aria-pressed={one === shown} onClick={() => setShown(one)}>
            {words.documents[one]}
          </button>
        ))}
      </div>
      {shown === 'chunks' ? <Chunks {...place} /> : <Blocks {...place} />}
    </>
  )
}

function Actions({ document, onRetried }: { document: DocumentView; onRetried: () => void }) {
  const words = useWords()
  const [deleting, setDeleting] = useState(false)
  const [problem, setProblem] = useState<unknown>()
  return (
    <>
      {problem === undefined ? null : <span class="error small">{sayError(problem, words)}</span>}
      {document.parseStatus === 'failed' ? (
        <button type="button" class="button" onClick={() => void retryDocument(document.fileId).then(onRetried, setProblem)}>
          {words.retry}
        </button>
      ) : null}
      <button type="button" class="button" onClick={() => setDeleting(true)}>
        {isActive(document) ? words.stop : words.remove}
      </button>
      {deleting ? <DeleteDocument document={document} onClose={() => setDeleting(false)} onDeleted={() => go(['documents'])} /> : null}
    </>
  )
}

function Facts({ document }: { document: DocumentView }) {
  const words = useWords()
  const language = useLanguage()
  const { chunkCount, entityCount, relationCount, attempts, collection, fileId, timings, models, metadata, createdAt, updatedAt } = document
  const labels = words.stages as Record<string, string>
  const facts: [string, string][] = [
    [words.documents.chunks, number(chunkCount, language)],
    [words.documents.entities, number(entityCount, language)],
    [words.documents.relations, number(relationCount, language)],
    [words.documents.collection, collection],
    [words.documents.attempts, number(attempts, language)],
    [words.documents.created, moment(createdAt, language)],
    [words.documents.updated, moment(updatedAt, language)],
    ['fileId', fileId],
    ...Object.entries(timings)
      .sort(([a], [b]) => STAGES.indexOf(a) - STAGES.indexOf(b))
      .map(([stage, ms]): [string, string] => [labels[stage] ?? stage, duration(ms / 1000)]),
    ...Object.entries(models).map(([role, model]): [string, string] => [
      `${words.documents.model} · ${words.operations.roles[role] ?? role}`,
      model,
    ]),
    ...Object.entries(metadata).map(([key, value]): [string, string] => [key, Array.isArray(value) ? value.join(', ') : String(value)]),
  ]
  return (
    <Card>
      <dl class="facts">
        {facts.map(([name, value], at) => (
          <div key={at}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  )
}
