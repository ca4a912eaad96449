// One question in several modes side by side, so that one sees which mode finds what, and where.
import { useState } from 'preact/hooks'
import { search, type Question } from '../../api/search.ts'
import { type Mode, MODES, type SearchResponse, type SearchResult } from '../../api/types.ts'
import { Failure, Skeleton } from '../../parts/notice.tsx'
import { useLoad } from '../../state/load.ts'
import { useWords } from '../../words/words.ts'
import type { ChunkPlace } from './chunk-sheet.tsx'
import { Score } from './results.tsx'

type Opens = { onOpen: (place: ChunkPlace) => void }
const COMPARABLE = MODES.filter((mode) => mode !== 'bypass')

export function Compare({ question, onOpen }: { question: Question } & Opens) {
  const words = useWords()
  const [modes, setModes] = useState<readonly Mode[]>(COMPARABLE)
  // A chunk that several modes found is marked in all of them when one is pointed at.
  const [pointed, setPointed] = useState<string>()
  const toggle = (mode: Mode, wanted: boolean): void => setModes(COMPARABLE.filter((one) => (one === mode ? wanted : modes.includes(one))))
  return (
    <>
      <fieldset class="choices">
        <legend class="unseen">{words.search.mode}</legend>
        {COMPARABLE.map((mode) => (
          <label key={mode} class="choice">
            <input type="checkbox" checked={modes.includes(mode)} onChange={(event) => toggle(mode, event.currentTarget.checked)} />
            {mode}
          </label>
        ))}
      </fieldset>
      <div class="columns" role="group" tabIndex={0} aria-label={words.search.ways.compare}>
        {modes.map((mode) => (
          <Column key={mode} mode={mode} question={question} pointed={pointed} onPoint={setPointed} onOpen={onOpen} />
        ))}
      </div>
    </>
  )
}

type ColumnProps = { mode: Mode; question: Question; pointed: string | undefined; onPoint: (chunkId: string | undefined) => void } & Opens

function Column({ mode, question, pointed, onPoint, onOpen }: ColumnProps) {
  const words = useWords()
  const asked = { ...question, mode }
  const { value, error, reload } = useLoad((signal) => search(asked, signal), [JSON.stringify(asked)])
  return (
    <section class="column" aria-label={mode}>
      <header>
        <h2>{mode}</h2>
        <p class="quiet small">{words.search.modes[mode]}</p>
        <p class="quiet small">{value === undefined ? ' ' : found(value, words.search.summary)}</p>
      </header>
      {value === undefined ? (
        error === undefined ? (
          <Skeleton lines={4} />
        ) : (
          <Failure error={error} onRetry={reload} />
        )
      ) : (
        <ol>
          {value.results.map((result) => (
            <Entry
              key={`${result.workspace} ${result.chunkId}`}
              result={result}
              marked={result.chunkId === pointed}
              onPoint={onPoint}
              onOpen={onOpen}
            />
          ))}
        </ol>
      )}
    </section>
  )
}

const found = ({ results, timings }: SearchResponse, say: (results: number, ms: number) => string): string =>
  say(results.length, Math.round(timings.totalMs))

type EntryProps = { result: SearchResult; marked: boolean; onPoint: ColumnProps['onPoint'] } & Opens

function Entry({ result, marked, onPoint, onOpen }: EntryProps) {
  const { workspace, fileId, chunkId, source, score, content, headings } = result
  return (
    <li class={marked ? 'marked' : undefined} onMouseEnter={() => onPoint(chunkId)} onMouseLeave={() => onPoint(undefined)}>
      <button
        type="button"
        onClick={() => onOpen({ workspace, fileId, chunkId, source })}
        onFocus={() => onPoint(chunkId)}
        onBlur={() => onPoint(undefined)}
      >
        <span class="entry-head">
          <b>{headings.at(-1) ?? source}</b>
          <Score score={score} />
        </span>
        <span class="quiet small">{source}</span>
        <span class="small clamp">{content}</span>
      </button>
    </li>
  )
}
