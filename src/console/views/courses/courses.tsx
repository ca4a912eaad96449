// Courses: how far each one's embedding is, the button that starts it, and a question to try it with.
import type { TargetedEvent } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError } from '../../api/client.ts'
import { type CourseStatus, embedCourse, listCourses, searchCourse } from '../../api/courses.ts'
import { Banner, Empty, Failure, sayError, Skeleton } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { Progress } from '../../parts/progress.tsx'
import { RichText } from '../../parts/rich-text.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import { Score } from '../search/results.tsx'
import type { Me } from '../../state/session.ts'

const POLL_MS = 1_500
const isActive = ({ status }: CourseStatus): boolean => status === 'pending' || status === 'running'
const BADGES = { not_started: 'pending', pending: 'pending', running: 'processing', done: 'completed', failed: 'failed' } as const

export function CoursesView({ me }: { me: Me }) {
  const words = useWords()
  return (
    <Page title={words.view.courses} lead={words.courses.lead}>
      {me.kind === 'teacher' ? <Banner tone="info">{words.courses.servicesOnly}</Banner> : <CourseList />}
    </Page>
  )
}

function CourseList() {
  const words = useWords()
  const loaded = useLoad(listCourses, [], ({ courses }) => (courses.some(isActive) ? POLL_MS : undefined))
  if (loaded.error instanceof ApiError && loaded.error.status === 404) return <Empty icon="courses" title={words.courses.absent} />
  return (
    <Shown loaded={loaded}>
      {({ courses }) =>
        courses.length === 0 ? (
          <Empty icon="courses" title={words.courses.none}>
            <p class="quiet">{words.courses.noneHint}</p>
          </Empty>
        ) : (
          courses.map((course) => <Course key={course.course_id} course={course} onChanged={loaded.reload} />)
        )
      }
    </Shown>
  )
}

function Course({ course, onChanged }: { course: CourseStatus; onChanged: () => void }) {
  const words = useWords()
  const language = useLanguage()
  const [problem, setProblem] = useState<unknown>()
  const { course_id: id, status, progress, error, chunks, vectors, skipped } = course
  const start = (): void => {
    setProblem(undefined)
    embedCourse(id).then(onChanged, setProblem)
  }
  const embed = (
    <button type="button" class="button primary small" disabled={isActive(course)} onClick={start}>
      {words.courses.embed}
    </button>
  )
  return (
    <Card title={id} actions={embed}>
      {problem === undefined ? null : <Banner>{sayError(problem, words)}</Banner>}
      <p class="status">
        <span class={`badge badge-${BADGES[status]}`}>{words.courses.statuses[status]}</span>
        {isActive(course) ? <Progress share={progress} label={words.courses.statuses[status]} /> : null}
        <span class="quiet small">
          {words.courses.counts(number(chunks, language), number(vectors, language), number(skipped, language))}
        </span>
      </p>
      {error === null ? null : <p class="error">{error}</p>}
      <Trial id={id} />
    </Card>
  )
}

function Trial({ id }: { id: string }) {
  const words = useWords()
  const [text, setText] = useState('')
  const [asked, setAsked] = useState<string>()
  const submit = (event: TargetedEvent<HTMLFormElement>): void => {
    event.preventDefault()
    setAsked(text.trim())
  }
  return (
    <>
      <form class="ask" role="search" onSubmit={submit}>
        <input
          type="search"
          required
          maxLength={2000}
          aria-label={words.courses.tryIt}
          placeholder={words.courses.tryIt}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <button type="submit" class="button" disabled={text.trim() === ''}>
          {words.search.submit.search}
        </button>
      </form>
      {asked === undefined ? null : <TrialResults id={id} query={asked} />}
    </>
  )
}

function TrialResults({ id, query }: { id: string; query: string }) {
  const words = useWords()
  const { value, error, reload } = useLoad((signal) => searchCourse(id, query, signal), [id, query])
  if (value === undefined) return error === undefined ? <Skeleton /> : <Failure error={error} onRetry={reload} />
  if (value.results.length === 0) return <Empty title={words.search.nothing} />
  return (
    <ol class="hits">
      {value.results.map((hit) => (
        <li key={hit.chunk_id} class="hit">
          <header>
            <b>{hit.chunk_id}</b>
            <Score score={hit.score} />
          </header>
          <RichText text={hit.text} />
        </li>
      ))}
    </ol>
  )
}
