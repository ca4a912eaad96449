// What was read out of a document before it was cut into chunks: each block with its kind and page, tables with their cells, pictures.
import { useEffect, useState } from 'preact/hooks'
import { blockPage, picture } from '../../api/documents.ts'
import type { Block, TableContent } from '../../api/types.ts'
import { Formula } from '../../parts/formula.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Pager, usePages } from '../../parts/pager.tsx'
import { InlineText } from '../../parts/rich-text.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { useWords } from '../../words/words.ts'

const PAGE = 40

type Place = { fileId: string; workspace: string }

export function Blocks({ fileId, workspace, total }: Place & { total: number }) {
  const words = useWords()
  const pages = usePages()
  const loaded = useLoad((signal) => blockPage(fileId, pages.cursor, PAGE, signal, workspace), [fileId, pages.cursor, total])
  return (
    <Card title={words.documents.blocks}>
      <Shown loaded={loaded}>
        {({ blocks }) =>
          blocks.length === 0 ? (
            <Empty title={words.documents.noChunks} />
          ) : (
            <ol class="chunks">
              {blocks.map((block) => (
                <li key={block.ordinal} class="chunk">
                  <Head block={block} />
                  <Body block={block} place={{ fileId, workspace }} />
                </li>
              ))}
            </ol>
          )
        }
      </Shown>
      <Pager pages={pages} next={loaded.value?.nextCursor ?? null} back={words.previous} on={words.next} />
    </Card>
  )
}

function Head({ block: { type, page, pageLabel, headings, confidence } }: { block: Block }) {
  const words = useWords()
  return (
    <p class="chunk-head quiet small">
      <span class="tag">{words.documents.blockTypes[type]}</span>
      {page === undefined ? null : (
        <span class="tag">{pageLabel === undefined ? words.pageNumber(page) : `${words.pageNumber(page)} (${pageLabel})`}</span>
      )}
      {headings.length === 0 ? null : <span>{headings.join(' › ')}</span>}
      {confidence === undefined ? null : <span>OCR {Math.round(confidence * 100)} %</span>}
    </p>
  )
}

function Body({ block, place }: { block: Block; place: Place }) {
  const { type, text, latex, table, asset, description, level = 1 } = block
  if (type === 'heading')
    return (
      <p class={`rich-heading rich-heading-${Math.min(level, 3)}`}>
        <InlineText text={text} />
      </p>
    )
  return (
    <div class="rich">
      {asset === undefined ? null : <Picture place={place} sha256={asset} text={description?.text ?? text} />}
      {latex === undefined ? null : <Formula tex={latex} display />}
      {table === undefined ? null : <Table table={table} label={text} />}
      {table !== undefined || latex !== undefined ? null : type === 'code' ? (
        <pre>{text}</pre>
      ) : (
        <p class="prewrap">
          <InlineText text={text} />
        </p>
      )}
      {description === undefined ? null : (
        <p class="quiet small prewrap">
          {description.by}: {description.text}
        </p>
      )}
    </div>
  )
}

function Table({ table: { rows, headerRows, cells }, label }: { table: TableContent; label: string }) {
  return (
    <div class="rich-table" role="group" tabIndex={0} aria-label={label.slice(0, 80)}>
      <table>
        <tbody>
          {Array.from({ length: rows }, (_, row) => (
            <tr key={row}>
              {cells
                .filter((cell) => cell.row === row)
                .map(({ column, rowSpan, columnSpan, text }) => {
                  const Cell = row < headerRows ? 'th' : 'td'
                  return (
                    <Cell key={column} rowSpan={rowSpan} colSpan={columnSpan}>
                      <InlineText text={text} />
                    </Cell>
                  )
                })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** Nothing while it comes, and nothing where it cannot be had: its text is beside it. */
function Picture({ place: { fileId, workspace }, sha256, text }: { place: Place; sha256: string; text: string }) {
  const [address, setAddress] = useState<string>()
  const { value } = useLoad((signal) => picture(fileId, sha256, workspace, signal), [fileId, sha256, workspace])
  useEffect(() => {
    if (value === undefined || !value.type.startsWith('image/')) return undefined
    const made = URL.createObjectURL(value)
    setAddress(made)
    return () => URL.revokeObjectURL(made)
  }, [value])
  return address === undefined ? null : <img class="picture" src={address} alt={text.slice(0, 200)} />
}
