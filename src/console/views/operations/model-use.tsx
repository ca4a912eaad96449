// Which workspace used how much of which model: what a bill would be made of.
import { useState } from 'preact/hooks'
import { type Budget, modelUse, type ModelUse } from '../../api/operations.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Banner, Empty } from '../../parts/notice.tsx'
import { Card } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

const SPANS = [1, 7, 30, 365] as const

export function ModelUseCard() {
  const words = useWords()
  const language = useLanguage()
  const [days, setDays] = useState(30)
  const loaded = useLoad((signal) => modelUse(days, signal), [days])
  const figure = (name: string, read: (row: ModelUse) => number) => ({
    name,
    figure: true,
    cell: (row: ModelUse) => number(read(row), language),
  })
  const span = (
    <select aria-label={words.operations.span} value={days} onChange={(event) => setDays(Number(event.currentTarget.value))}>
      {SPANS.map((one) => (
        <option key={one} value={one}>
          {words.operations.days(one)}
        </option>
      ))}
    </select>
  )
  return (
    <Card title={words.operations.modelUse} actions={span}>
      <Shown loaded={loaded} lines={1}>
        {({ budget }) => <NearBudget budget={budget} />}
      </Shown>
      <Shown loaded={loaded}>
        {({ use }) =>
          use.length === 0 ? (
            <Empty title={words.operations.noUse} />
          ) : (
            <DataTable
              label={words.operations.modelUse}
              rows={use}
              keyOf={({ workspace, role, model }) => `${workspace} ${role} ${model}`}
              columns={[
                { name: words.workspace, cell: ({ workspace }) => workspace },
                { name: words.operations.role, cell: ({ role }) => role },
                { name: words.documents.model, cell: ({ model }) => model },
                figure(words.operations.calls, (row) => row.calls),
                figure(words.operations.failed, (row) => row.failed),
                figure(words.operations.inputTokens, (row) => row.inputTokens),
                figure(words.operations.outputTokens, (row) => row.outputTokens),
                { name: 'CNY', figure: true, cell: (row: ModelUse) => row.costCny.toFixed(2) },
              ]}
            />
          )
        }
      </Shown>
    </Card>
  )
}

/** Who will soon have to wait for models, or does already. */
function NearBudget({ budget: { monthlyCny, near } }: { budget: Budget }) {
  const words = useWords()
  if (monthlyCny === null || near.length === 0) return null
  const named = near.map(({ workspace, share }) => `${workspace} ${Math.floor(share * 100)} %`).join(' · ')
  return <Banner tone="warning">{`${words.operations.nearBudget(monthlyCny)} ${named}`}</Banner>
}
