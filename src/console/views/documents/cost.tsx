// What models cost for this document since it first came, as far as the catalogue knows their prices.
import { documentUse } from '../../api/documents.ts'
import { Card } from '../../parts/page.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { cny, number } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'
import { UseTable } from '../operations/model-use.tsx'

export function Cost({ fileId, workspace }: { fileId: string; workspace: string }) {
  const words = useWords()
  const language = useLanguage()
  const loaded = useLoad((signal) => documentUse(fileId, workspace, signal), [fileId, workspace])
  return (
    <Card title={words.documents.cost}>
      <Shown loaded={loaded} lines={2}>
        {({ use }) => {
          if (use.length === 0) return <p class="quiet">{words.documents.noCost}</p>
          const sum = (read: (row: (typeof use)[number]) => number): number => use.reduce((all, row) => all + read(row), 0)
          return (
            <details>
              <summary>
                {words.documents.costSum(
                  cny(sum((row) => row.costCny)),
                  number(
                    sum((row) => row.calls),
                    language,
                  ),
                  number(
                    sum((row) => row.inputTokens + row.outputTokens),
                    language,
                  ),
                )}
              </summary>
              <UseTable use={use} by="model" label={words.documents.cost} />
            </details>
          )
        }}
      </Shown>
    </Card>
  )
}
