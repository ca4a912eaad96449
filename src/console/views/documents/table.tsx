// One page of documents as a table that keeps its shape on narrow screens by scrolling inside itself.
import { useState } from 'preact/hooks'
import { deleteDocument, retryDocument } from '../../api/documents.ts'
import type { DocumentView } from '../../api/types.ts'
import { Confirm } from '../../parts/dialog.tsx'
import { Banner, sayError } from '../../parts/notice.tsx'
import { href } from '../../state/route.ts'
import { moment, number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import { FailureCause, isActive, Status } from './status.tsx'

type Props = { documents: DocumentView[]; writable: boolean; onChanged: () => void }

export function DocumentTable({ documents, writable, onChanged }: Props) {
  const words = useWords()
  const [problem, setProblem] = useState<unknown>()
  const [deleting, setDeleting] = useState<DocumentView>()
  const retry = (document: DocumentView): void => {
    setProblem(undefined)
    retryDocument(document.fileId).then(onChanged, setProblem)
  }
  return (
    <>
      {problem === undefined ? null : <Banner>{sayError(problem, words)}</Banner>}
      <div class="table-frame" role="group" tabIndex={0} aria-label={words.view.documents}>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">{words.documents.name}</th>
              <th scope="col">{words.documents.status}</th>
              <th scope="col" class="figure">
                {words.documents.chunks}
              </th>
              <th scope="col" class="figure">
                {words.documents.entities}
              </th>
              <th scope="col">{words.documents.updated}</th>
              <th scope="col">
                <span class="unseen">{words.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {documents.map((document) => (
              <Row
                key={document.fileId}
                document={document}
                writable={writable}
                onRetry={() => retry(document)}
                onDelete={() => setDeleting(document)}
              />
            ))}
          </tbody>
        </table>
      </div>
      {deleting === undefined ? null : (
        <DeleteDocument
          document={deleting}
          onClose={() => setDeleting(undefined)}
          onDeleted={() => {
            setDeleting(undefined)
            onChanged()
          }}
        />
      )}
    </>
  )
}

type RowProps = { document: DocumentView; writable: boolean; onRetry: () => void; onDelete: () => void }

function Row({ document, writable, onRetry, onDelete }: RowProps) {
  const words = useWords()
  const language = useLanguage()
  const { fileId, fileName, collection, parseStatus, parseError, chunkCount, entityCount, updatedAt } = document
  return (
    <tr>
      <th scope="row" class="name">
        <a href={href(['documents', fileId])}>{fileName}</a>
        <span class="quiet small">{collection}</span>
        {parseError === null ? null : (
          <span class="error small">
            <FailureCause error={parseError} />
          </span>
        )}
      </th>
      <td>
        <Status document={document} />
      </td>
      <td class="figure">{number(chunkCount, language)}</td>
      <td class="figure">{number(entityCount, language)}</td>
      <td class="small nowrap">{moment(updatedAt, language)}</td>
      <td class="row-actions">
        {writable && parseStatus === 'failed' ? (
          <button type="button" class="button small" onClick={onRetry}>
            {words.retry}
          </button>
        ) : null}
        {writable ? (
          <button
            type="button"
            class="button plain small"
            onClick={onDelete}
            aria-label={isActive(document) ? words.documents.cancelNamed(fileName) : words.documents.deleteNamed(fileName)}
          >
            {isActive(document) ? words.stop : words.remove}
          </button>
        ) : null}
      </td>
    </tr>
  )
}

type DeleteProps = { document: DocumentView; onClose: () => void; onDeleted: () => void }

export function DeleteDocument({ document, onClose, onDeleted }: DeleteProps) {
  const words = useWords()
  const [busy, setBusy] = useState(false)
  const working = isActive(document)
  const [problem, setProblem] = useState<unknown>()
  const confirm = (): void => {
    setBusy(true)
    deleteDocument(document.fileId).then(onDeleted, (error: unknown) => {
      setBusy(false)
      setProblem(error)
    })
  }
  return (
    <Confirm
      title={working ? words.documents.cancelTitle : words.documents.deleteTitle}
      text={working ? words.documents.cancelText(document.fileName) : words.documents.deleteText(document.fileName)}
      action={working ? words.documents.cancelTitle : words.remove}
      busy={busy}
      onConfirm={confirm}
      onClose={onClose}
    >
      {problem === undefined ? null : <Banner>{sayError(problem, words)}</Banner>}
    </Confirm>
  )
}
