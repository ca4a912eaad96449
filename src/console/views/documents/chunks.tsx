// What was read out of a document, in reading order, a page of chunks at a time.
import { chunkPage } from '../../api/documents.ts'
import type { Chunk } from '../../api/types.ts'
import { Empty, Failure, Skeleton } from '../../parts/notice.tsx'
import { RichText } from '../../parts/rich-text.tsx'
import { Card } from '../../parts/page.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { useLoad } from '../../state/load.ts'
import { number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

const PAGE = 20

export function Chunks({ fileId, workspace, total }: { fileId: string; workspace: string; total: number }) {
  const words = useWords()
  const language = useLanguage()
  const pages = usePages()
  const page = useLoad((signal) => chunkPage(fileId, pages.cursor, PAGE, signal, workspace), [fileId, pages.cursor, total])
  return (
    <Card title={`${words.documents.chunks} · ${number(total, language)}`}>
      {page.value === undefined ? (
        page.error === undefined ? (
          <Skeleton />
        ) : (
          <Failure error={page.error} onRetry={page.reload} />
        )
      ) : page.value.chunks.length === 0 ? (
        <Empty title={words.documents.noChunks} />
      ) : (
        <ol class="chunks" start={(page.value.chunks[0]?.ordinal ?? 0) + 1}>
          {page.value.chunks.map((chunk) => (
            <ChunkEntry key={chunk.chunkId} chunk={chunk} />
          ))}
        </ol>
      )}
      <Pager pages={pages} next={page.value?.nextCursor ?? null} back={words.previous} on={words.next} />
    </Card>
  )
}

function ChunkEntry({ chunk }: { chunk: Chunk }) {
  return (
    <li class="chunk" id={`chunk-${chunk.chunkId}`}>
      <ChunkHead chunk={chunk} />
      <RichText text={chunk.content} />
    </li>
  )
}

export function ChunkHead({ chunk }: { chunk: Pick<Chunk, 'headings' | 'page'> & { tokens?: number } }) {
  const words = useWords()
  return (
    <p class="chunk-head quiet small">
      {chunk.page === null ? null : <span class="tag">{words.pageNumber(chunk.page)}</span>}
      {chunk.headings.length === 0 ? null : <span>{chunk.headings.join(' › ')}</span>}
      {chunk.tokens === undefined ? null : <span>{words.documents.tokens(chunk.tokens)}</span>}
    </p>
  )
}
