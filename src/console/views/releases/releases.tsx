// Knowledge releases: which versions there are, how each was judged beside the live one, promote and roll back.
import { useEffect, useState } from 'preact/hooks'
import { ApiError } from '../../api/client.ts'
import { allEvents, listVersions, promote, rollBack, type Version } from '../../api/releases.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Confirm } from '../../parts/dialog.tsx'
import { Banner, Empty, sayError } from '../../parts/notice.tsx'
import { Card, Page } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import type { Me } from '../../state/session.ts'
import { moment } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import { listWorkspaces } from '../workspace-switch.tsx'
import { Events, runningBuilds } from './events.tsx'
import { ReportCard } from './report.tsx'

const POLL_MS = 2_000

export function ReleasesView({ me }: { me: Me }) {
  const words = useWords()
  return (
    <Page title={words.view.releases} lead={words.releases.lead}>
      {me.kind === 'teacher' ? <Banner tone="info">{words.releases.servicesOnly}</Banner> : <Bases />}
    </Page>
  )
}

function Bases() {
  const words = useWords()
  const loaded = useLoad(listWorkspaces, [])
  const [chosen, setChosen] = useState<string>()
  return (
    <Shown loaded={loaded}>
      {({ workspaces }) => {
        const bases = workspaces.filter(({ kind }) => kind === 'kb').map(({ workspace }) => workspace.replace(/^kb-/, ''))
        const kb = chosen ?? bases[0]
        if (kb === undefined)
          return (
            <Empty icon="releases" title={words.releases.none}>
              <p class="quiet">{words.releases.noneHint}</p>
            </Empty>
          )
        return (
          <>
            <div class="toolbar">
              <label class="field">
                <span>{words.releases.choose}</span>
                <select value={kb} onChange={(event) => setChosen(event.currentTarget.value)}>
                  {bases.map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </select>
              </label>
            </div>
            <Base key={kb} kb={kb} />
          </>
        )
      }}
    </Shown>
  )
}

function Base({ kb }: { kb: string }) {
  const words = useWords()
  const events = useLoad(
    (signal) => allEvents(kb, signal),
    [kb],
    (found) => (runningBuilds(found).length > 0 ? POLL_MS : undefined),
  )
  const versions = useLoad((signal) => listVersions(kb, signal), [kb])
  // What just happened may have made a version or moved the live one. The list that is there stays until the new one comes: taken
  // away in between, it would take a press that is under way and the answer to the last one with it.
  const latest = events.value?.[0]?.sequence
  useEffect(() => {
    if (latest !== undefined) versions.reload()
  }, [latest])
  const [selected, setSelected] = useState<string>()
  if (versions.error instanceof ApiError && versions.error.status === 404 && versions.value === undefined)
    return <Empty icon="releases" title={words.releases.absent} />
  return (
    <>
      <Shown loaded={versions}>
        {({ versions: all }) => {
          const live = all.find((version) => version.live)
          const shown = all.find(({ kb_version_id }) => kb_version_id === selected) ?? all[0]
          return (
            <>
              <Versions kb={kb} versions={all} selected={shown?.kb_version_id} onSelect={setSelected} onMoved={events.reload} />
              {shown === undefined ? null : <ReportCard key={shown.build_id} kb={kb} version={shown} live={live} />}
            </>
          )
        }}
      </Shown>
      <Shown loaded={events}>{(found) => <Events events={found} />}</Shown>
    </>
  )
}

type VersionsProps = { kb: string; versions: Version[]; selected: string | undefined; onSelect: (id: string) => void; onMoved: () => void }

function Versions({ kb, versions, selected, onSelect, onMoved }: VersionsProps) {
  const words = useWords()
  const language = useLanguage()
  const [rollingBack, setRollingBack] = useState<Version>()
  const [said, setSaid] = useState<{ tone: 'good' | 'warning'; text: string }>()
  const move = (moved: Promise<unknown>, text: string): void => {
    moved.then(
      () => {
        setSaid({ tone: 'good', text })
        onMoved()
      },
      (error: unknown) => setSaid({ tone: 'warning', text: sayError(error, words) }),
    )
    setRollingBack(undefined)
  }
  const action = (version: Version) =>
    version.live ? (
      <button type="button" class="button small" onClick={() => setRollingBack(version)}>
        {words.releases.rollback}
      </button>
    ) : (
      <button
        type="button"
        class="button small primary"
        disabled={version.passed === null}
        onClick={() => move(promote(kb, version.kb_version_id), words.releases.promoted)}
      >
        {words.releases.promote}
      </button>
    )
  return (
    <Card title={words.releases.versions}>
      {said === undefined ? null : <Banner tone={said.tone}>{said.text}</Banner>}
      {versions.length === 0 ? (
        <Empty title={words.releases.noBuilds} />
      ) : (
        <DataTable
          label={words.releases.versions}
          rows={versions}
          keyOf={({ kb_version_id }) => kb_version_id}
          columns={[
            {
              name: words.releases.version,
              cell: ({ kb_version_id: id, live }) => (
                <>
                  <button type="button" class="link" aria-pressed={id === selected} onClick={() => onSelect(id)}>
                    {id}
                  </button>{' '}
                  {live ? <span class="badge badge-completed">{words.releases.live}</span> : null}
                </>
              ),
            },
            { name: words.releases.evaluation, cell: ({ passed }) => <Judged passed={passed} /> },
            { name: words.operations.embedding, cell: (version) => version.embedding_model },
            { name: words.documents.created, cell: ({ created_at }) => moment(created_at, language) },
            { name: words.actions, cell: action },
          ]}
        />
      )}
      {rollingBack === undefined ? null : (
        <Confirm
          title={words.releases.rollbackTitle}
          text={words.releases.rollbackText}
          action={words.releases.rollback}
          onClose={() => setRollingBack(undefined)}
          onConfirm={() => move(rollBack(kb, rollingBack.kb_version_id), words.releases.rolledBack)}
        />
      )}
    </Card>
  )
}

function Judged({ passed }: { passed: boolean | null }) {
  const words = useWords()
  if (passed === null) return <span class="badge badge-pending">{words.releases.unjudged}</span>
  return passed ? (
    <span class="badge badge-completed">{words.releases.passed}</span>
  ) : (
    <span class="badge badge-failed">{words.releases.failed}</span>
  )
}
