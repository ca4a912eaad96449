// Asking the workspace: a search with its reasons, the same search in several modes side by side, or a written answer.
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Question } from '../../api/search.ts'
import { Icon } from '../../parts/icons.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Page } from '../../parts/page.tsx'
import { go, useRoute } from '../../state/route.ts'
import { useWords } from '../../words/words.ts'
import { AnswerPanel } from './answer.tsx'
import { ChunkSheet, type ChunkPlace } from './chunk-sheet.tsx'
import { Compare } from './compare.tsx'
import { DEFAULTS, type Options, QuestionOptions, questionOf } from './options.tsx'
import { Results } from './results.tsx'

const WAYS = ['search', 'compare', 'answer'] as const
export type Way = (typeof WAYS)[number]

export function SearchView() {
  const words = useWords()
  const { query } = useRoute()
  const asked = query.get('q') ?? ''
  const way: Way = WAYS.find((one) => one === query.get('way')) ?? 'search'
  const [text, setText] = useState(asked)
  const [options, setOptions] = useState<Options>(DEFAULTS)
  // Pressing the button asks again even when nothing changed.
  const [round, setRound] = useState(0)
  const [shown, setShown] = useState<ChunkPlace>()
  const [question, setQuestion] = useState<Question | undefined>(asked === '' ? undefined : questionOf(asked, options))
  const submitted = useRef(asked)
  useEffect(() => {
    // An address with another question, from a link or the history.
    if (asked !== submitted.current) {
      submitted.current = asked
      setText(asked)
      setQuestion(asked === '' ? undefined : questionOf(asked, options))
    }
  }, [asked])
  const submit = (event?: Event): void => {
    event?.preventDefault()
    const wanted = text.trim()
    if (wanted === '') return
    submitted.current = wanted
    setQuestion(questionOf(wanted, options))
    setRound(round + 1)
    go(['search'], { q: wanted, way: way === 'search' ? undefined : way })
  }
  const change = (next: Options): void => {
    setOptions(next)
    if (question !== undefined) setQuestion(questionOf(question.query, next))
  }
  return (
    <Page title={words.view.search} lead={words.search.lead}>
      <form class="ask" role="search" onSubmit={submit}>
        <input
          type="search"
          aria-label={words.search.question}
          placeholder={words.search.placeholder}
          maxLength={8000}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button primary" disabled={text.trim() === ''}>
          {words.search.submit[way]}
        </button>
      </form>
      <div class="toolbar ways">
        <WaySwitch way={way} asked={asked} />
        <QuestionOptions options={options} onChange={change} showMode={way !== 'compare'} />
      </div>
      {question === undefined ? (
        <Empty icon="search" title={words.search.start}>
          <p class="quiet">{words.search.startHint}</p>
        </Empty>
      ) : way === 'search' ? (
        <Results key={round} question={question} onOpen={setShown} />
      ) : way === 'compare' ? (
        <Compare key={round} question={question} onOpen={setShown} />
      ) : (
        <AnswerPanel key={`${round} ${JSON.stringify(question)}`} question={question} onOpen={setShown} />
      )}
      {shown === undefined ? null : <ChunkSheet place={shown} onClose={() => setShown(undefined)} />}
    </Page>
  )
}

function WaySwitch({ way, asked }: { way: Way; asked: string }) {
  const words = useWords()
  const icons = { search: 'search', compare: 'compare', answer: 'answer' } as const
  return (
    <div class="segments" role="group" aria-label={words.search.way}>
      {WAYS.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={one === way}
          onClick={() => go(['search'], { q: asked, way: one === 'search' ? undefined : one })}
        >
          <Icon name={icons[one]} />
          {words.search.ways[one]}
        </button>
      ))}
    </div>
  )
}
