// Documents of the workspace: bring in, follow, find, try again, delete. One document has a page of its own.
import { useState } from 'preact/hooks'
import { type DocumentFilter, listDocuments } from '../../api/documents.ts'
import { Empty, Failure, Skeleton, Banner, sayError } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { useLoad } from '../../state/load.ts'
import { useRoute } from '../../state/route.ts'
import { mayWrite, type Me } from '../../state/session.ts'
import { useWords } from '../../words/words.ts'
import { DocumentPageView } from './document.tsx'
import { FilterBar } from './filter-bar.tsx'
import { isActive } from './status.tsx'
import { DocumentTable } from './table.tsx'
import { Upload } from './upload.tsx'

/** One call for the whole list, not a stream per document: browsers open six connections to a server, and lists are long. */
const POLL_MS = 1_500

type Props = { me: Me; workspace: string }

export function DocumentsView({ me, workspace }: Props) {
  const { rest } = useRoute()
  const fileId = rest[0]
  const writable = mayWrite(me, workspace)
  return fileId === undefined ? (
    <DocumentList me={me} workspace={workspace} writable={writable} />
  ) : (
    <DocumentPageView key={fileId} fileId={fileId} workspace={workspace} writable={writable} />
  )
}

function DocumentList({ me, workspace, writable }: Props & { writable: boolean }) {
  const words = useWords()
  const [filter, setFilter] = useState<DocumentFilter>({ q: '', status: '', collection: '' })
  const pages = usePages()
  const page = useLoad(
    (signal) => listDocuments(filter, pages.cursor, signal),
    [filter, pages.cursor],
    ({ documents }) => (documents.some(isActive) ? POLL_MS : undefined),
  )
  const change = (next: DocumentFilter): void => {
    pages.restart()
    setFilter(next)
  }
  const filtered = filter.q !== '' || filter.status !== '' || filter.collection !== ''
  return (
    <Page title={words.view.documents} lead={words.documents.lead(workspace)}>
      {writable ? (
        <Upload workspace={workspace} maxBytes={me.uploadMaxBytes} onArrived={page.reload} />
      ) : (
        <Banner tone="info">{words.documents.readOnly}</Banner>
      )}
      <FilterBar filter={filter} onChange={change} />
      {page.error !== undefined && page.value !== undefined ? <Banner>{sayError(page.error, words)}</Banner> : null}
      {page.value === undefined ? (
        page.error === undefined ? (
          <Skeleton lines={8} />
        ) : (
          <Failure error={page.error} onRetry={page.reload} />
        )
      ) : page.value.documents.length === 0 ? (
        <Empty icon="documents" title={filtered ? words.documents.noMatch : words.documents.none}>
          {filtered ? (
            <button type="button" class="button" onClick={() => change({ q: '', status: '', collection: '' })}>
              {words.documents.clearFilters}
            </button>
          ) : (
            <p class="quiet">{writable ? words.documents.noneHint : ''}</p>
          )}
        </Empty>
      ) : (
        <DocumentTable documents={page.value.documents} writable={writable} onChanged={page.reload} />
      )}
      <Pager pages={pages} next={page.value?.nextCursor ?? null} back={words.newer} on={words.older} />
    </Page>
  )
}
