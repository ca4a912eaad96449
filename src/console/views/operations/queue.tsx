// What waits and what runs, in every workspace, with the reason of the last failure.
import { queue, type Queue } from '../../api/operations.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { duration } from '../../words/format.ts'
import { useWords } from '../../words/words.ts'

const POLL_MS = 3_000
type Job = Queue['jobs'][number]

export function QueueCard() {
  const words = useWords()
  const loaded = useLoad(queue, [], () => POLL_MS)
  return (
    <Card title={words.operations.queue}>
      <Shown loaded={loaded}>
        {({ depth, jobs }) =>
          jobs.length === 0 ? (
            <Empty title={words.operations.queueEmpty} />
          ) : (
            <>
              <p class="badges">
                {depth.map(({ kind, state, jobs: count, oldestSeconds }) => (
                  <span key={`${kind} ${state}`} class="tag">
                    {kind} · {words.operations.jobStates[state as Job['state']] ?? state}: <b>{count}</b> (
                    {words.operations.oldest(duration(oldestSeconds))})
                  </span>
                ))}
              </p>
              <Jobs jobs={jobs} />
            </>
          )
        }
      </Shown>
    </Card>
  )
}

function Jobs({ jobs }: { jobs: Job[] }) {
  const words = useWords()
  return (
    <DataTable
      label={words.operations.queue}
      rows={jobs}
      keyOf={({ jobId }) => jobId}
      columns={[
        { name: words.operations.subject, cell: ({ subject, kind }) => `${kind} · ${subject}` },
        { name: words.workspace, cell: ({ workspace }) => workspace },
        {
          name: words.documents.status,
          cell: ({ state }) => (
            <span class={`badge badge-${state === 'running' ? 'processing' : 'pending'}`}>{words.operations.jobStates[state]}</span>
          ),
        },
        { name: words.operations.age, figure: true, cell: ({ ageSeconds }) => duration(ageSeconds) },
        { name: words.documents.attempts, figure: true, cell: ({ attempts, maxAttempts }) => `${attempts} / ${maxAttempts}` },
        { name: words.operations.reason, cell: (job) => <Waiting job={job} /> },
      ]}
    />
  )
}

/** What a job waits for, with what stopped it before. */
function Waiting({ job: { state, reason, nextAttemptAt } }: { job: Job }) {
  const words = useWords()
  const inSeconds = (Date.parse(nextAttemptAt) - Date.now()) / 1000
  const next = state === 'running' ? undefined : inSeconds > 0 ? words.operations.nextIn(duration(inSeconds)) : words.operations.itsTurn
  return (
    <>
      {reason ?? (next === undefined ? '–' : null)}
      {next === undefined ? null : <p class="quiet small">{next}</p>}
    </>
  )
}
