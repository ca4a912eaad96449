// Text of documents and answers as elements. Whatever it holds arrives in the page as text, so it can do nothing there.
import type { ComponentChildren, JSX } from 'preact'
import { useMemo } from 'preact/hooks'
import { blocks, type TextBlock } from '../text/blocks.ts'
import { inline, type Piece } from '../text/inline.ts'
import { Formula } from './formula.tsx'

export type Citations = { ids: ReadonlySet<number>; open: (id: number) => void; label: (id: number) => string }

export function RichText({ text, citations }: { text: string; citations?: Citations }) {
  const found = useMemo(() => blocks(text), [text])
  return (
    <div class="rich">
      {found.map((block, at) => (
        <Block key={at} block={block} citations={citations} />
      ))}
    </div>
  )
}

/** One line among others: formulas are drawn, and nothing starts a block of its own. */
export function InlineText({ text }: { text: string }) {
  return <Line text={text} citations={undefined} />
}

type Cited = { citations: Citations | undefined }

function Block({ block, citations }: { block: TextBlock } & Cited): JSX.Element {
  const line = (text: string): ComponentChildren => <Line text={text} citations={citations} />
  switch (block.kind) {
    // A heading inside a document is no heading of this page: its outline would be of two minds.
    case 'heading':
      return <p class={`rich-heading rich-heading-${Math.min(block.level, 3)}`}>{line(block.text)}</p>
    case 'paragraph':
      return <p>{line(block.text)}</p>
    case 'code':
      return <pre>{block.text}</pre>
    case 'formula':
      return <Formula tex={block.tex} display />
    case 'list': {
      const entries = block.entries.map((entry, at) => <li key={at}>{line(entry)}</li>)
      return block.ordered ? <ol>{entries}</ol> : <ul>{entries}</ul>
    }
    case 'table':
      return <Table header={block.header} rows={block.rows} line={line} />
  }
}

type TableProps = { header: string[]; rows: string[][]; line: (text: string) => ComponentChildren }

function Table({ header, rows, line }: TableProps) {
  return (
    // Wide tables scroll by keyboard too, so their frame takes the focus.
    <div class="rich-table" role="group" tabIndex={0} aria-label={header.join(', ').slice(0, 80)}>
      <table>
        <thead>
          <tr>
            {header.map((cell, at) => (
              <th key={at}>{line(cell)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column}>{line(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Line({ text, citations }: { text: string } & Cited) {
  const pieces = useMemo(() => inline(text, citations?.ids), [text, citations?.ids])
  return (
    <>
      {pieces.map((piece, at) => (
        <Part key={at} piece={piece} citations={citations} />
      ))}
    </>
  )
}

function Part({ piece, citations }: { piece: Piece } & Cited): JSX.Element {
  switch (piece.kind) {
    case 'text':
      return <>{piece.text}</>
    case 'code':
      return <code>{piece.text}</code>
    case 'formula':
      return <Formula tex={piece.tex} display={piece.display} />
    case 'citation':
      return (
        <button type="button" class="citation" onClick={() => citations?.open(piece.id)} aria-label={citations?.label(piece.id)}>
          {piece.id}
        </button>
      )
    case 'strong':
    case 'emphasis': {
      const inner = piece.pieces.map((one, at) => <Part key={at} piece={one} citations={citations} />)
      return piece.kind === 'strong' ? <strong>{inner}</strong> : <em>{inner}</em>
    }
  }
}
