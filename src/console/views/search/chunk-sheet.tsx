// The place a result or a citation points to, in a sheet at the edge: the whole chunk, where it stands, and its document.
import { ApiError } from '../../api/client.ts'
import { getChunk } from '../../api/documents.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Empty, Failure, Skeleton } from '../../parts/notice.tsx'
import { RichText } from '../../parts/rich-text.tsx'
import { useLoad } from '../../state/load.ts'
import { go } from '../../state/route.ts'
import { switchWorkspace } from '../../state/session.ts'
import { useWords } from '../../words/words.ts'
import { ChunkHead } from '../documents/chunks.tsx'

export type ChunkPlace = { workspace: string; fileId: string; chunkId: string; source: string }

export function ChunkSheet({ place, onClose }: { place: ChunkPlace; onClose: () => void }) {
  const words = useWords()
  const { workspace, fileId, chunkId, source } = place
  const { value, error, reload } = useLoad((signal) => getChunk(workspace, fileId, chunkId, signal), [workspace, fileId, chunkId])
  const openDocument = (): void => {
    onClose()
    switchWorkspace(workspace)
    go(['documents', fileId])
  }
  return (
    <Dialog side title={source} onClose={onClose}>
      {value !== undefined ? (
        <>
          <ChunkHead chunk={value} />
          <RichText text={value.content} />
        </>
      ) : error === undefined ? (
        <Skeleton />
      ) : error instanceof ApiError && error.status === 404 ? (
        <Empty title={words.search.chunkGone} />
      ) : (
        <Failure error={error} onRetry={reload} />
      )}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={openDocument}>
          {words.search.openDocument}
        </button>
      </div>
    </Dialog>
  )
}
