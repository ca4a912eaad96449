// How a version was judged, its figures beside those of the live one.
import { getBuild, type Report, type Version } from '../../api/releases.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Empty } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { number, share } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

export function ReportCard({ kb, version, live }: { kb: string; version: Version; live: Version | undefined }) {
  const words = useWords()
  const other = live === undefined || live.build_id === version.build_id ? undefined : live
  const loaded = useLoad(
    async (signal) => {
      const [build, compared] = await Promise.all([
        getBuild(kb, version.build_id, signal),
        other === undefined ? undefined : getBuild(kb, other.build_id, signal),
      ])
      return { build, compared: compared?.kb_index_build_report ?? undefined }
    },
    // A version is there before it has been judged.
    [kb, version.build_id, version.passed, other?.build_id],
  )
  return (
    <Card title={`${words.releases.report} · ${version.kb_version_id}`}>
      <Shown loaded={loaded}>
        {({ build, compared }) => (
          <>
            <p>
              <span class="tag">{build.state}</span> <span class="quiet small">{build.build_id}</span>
            </p>
            {build.error === null ? null : <p class="error">{build.error}</p>}
            {build.kb_index_build_report === null ? (
              <Empty title={words.releases.noReport} />
            ) : (
              <Figures report={build.kb_index_build_report} live={compared} liveName={other?.kb_version_id} />
            )}
          </>
        )}
      </Shown>
    </Card>
  )
}

type FiguresProps = { report: Report; live: Report | undefined; liveName: string | undefined }
type Row = { name: string; read: (report: Report) => string }

function Figures({ report, live, liveName }: FiguresProps) {
  const words = useWords()
  const language = useLanguage()
  const rate = (value: number | null): string => (value === null ? '–' : share(value, language))
  const rows: Row[] = [
    { name: 'recall@8', read: ({ eval: judged }) => rate(judged.recall_at_8) },
    { name: words.releases.conflictRate, read: ({ eval: judged }) => rate(judged.constraint_conflict_rate) },
    { name: words.releases.redundancy, read: ({ eval: judged }) => rate(judged.redundancy_rate) },
    { name: words.releases.questions, read: ({ eval: judged }) => number(judged.preview_queries, language) },
    { name: words.releases.items, read: ({ stats }) => number(stats.items, language) },
    { name: words.documents.chunks, read: ({ stats }) => number(stats.chunks, language) },
    { name: words.operations.embedding, read: ({ embedding_model }) => embedding_model },
    { name: words.releases.recommendation, read: ({ eval: judged }) => judged.recommendation },
  ]
  return (
    <>
      <DataTable
        label={words.releases.report}
        rows={rows}
        keyOf={({ name }) => name}
        columns={[
          { name: words.releases.metric, cell: ({ name }) => name },
          { name: words.releases.value, cell: ({ read }) => read(report) },
          ...(live === undefined ? [] : [{ name: `${words.releases.live} · ${liveName ?? ''}`, cell: ({ read }: Row) => read(live) }]),
        ]}
      />
      <Notes report={report} />
    </>
  )
}

function Notes({ report: { warnings, review_required_items: items } }: { report: Report }) {
  const words = useWords()
  return (
    <>
      {warnings.length === 0 ? null : (
        <details open>
          <summary>
            {words.documents.warnings} ({warnings.length})
          </summary>
          <ul class="plain-list">
            {warnings.map((warning, at) => (
              <li key={at}>{warning}</li>
            ))}
          </ul>
        </details>
      )}
      {items.length === 0 ? null : (
        <details open>
          <summary>
            {words.releases.review} ({items.length})
          </summary>
          <ul class="plain-list">
            {items.map(({ knowledge_item_id: id, message, blocking }, at) => (
              <li key={at}>
                <code>{id}</code> {message} {blocking ? <span class="badge badge-failed">{words.releases.blocking}</span> : null}
              </li>
            ))}
          </ul>
        </details>
      )}
    </>
  )
}
