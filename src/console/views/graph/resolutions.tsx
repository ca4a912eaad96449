// Which entities may be one thing, for a person to decide, and the merges that hold, each of which can be taken back.
import { useState } from 'preact/hooks'
import { acceptResolution, listMerges, type Merge, rejectResolution, type Resolution, resolutions, undoMerge } from '../../api/graph.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Banner, Empty, sayError } from '../../parts/notice.tsx'
import { InlineText } from '../../parts/rich-text.tsx'
import { Shown } from '../../parts/shown.tsx'
import { useLoad } from '../../state/load.ts'
import { moment, share } from '../../words/format.ts'
import { useLanguage, useWords } from '../../words/words.ts'

/** `onChanged`: with every name that has come or gone. */
type Props = { onClose: () => void; onChanged: (names: string[]) => void }

export function Resolutions({ onClose, onChanged }: Props) {
  const words = useWords()
  const [problem, setProblem] = useState<unknown>()
  const pairs = useLoad(resolutions, [])
  const merges = useLoad(listMerges, [])
  const decide = (decision: Promise<unknown>, names: string[]): void => {
    setProblem(undefined)
    decision.then(() => {
      pairs.reload()
      merges.reload()
      onChanged(names)
    }, setProblem)
  }
  return (
    <Dialog side title={words.graph.resolutions} onClose={onClose}>
      {problem === undefined ? null : <Banner>{sayError(problem, words)}</Banner>}
      <Shown loaded={pairs}>
        {({ resolutions: found, uncompared }) => (
          <>
            {found.length === 0 ? (
              <Empty icon="graph" title={words.graph.noResolutions} />
            ) : (
              <ul class="pairs">
                {found.map((pair) => (
                  <Pair
                    key={pair.resolutionId}
                    pair={pair}
                    onSame={(into) => decide(acceptResolution(pair.resolutionId, into), [pair.a.name, pair.b.name])}
                    onDifferent={() => decide(rejectResolution(pair.resolutionId), [])}
                  />
                ))}
              </ul>
            )}
            {uncompared === 0 ? null : (
              <p>
                <button type="button" class="button" onClick={pairs.reload}>
                  {words.graph.compareMore(uncompared)}
                </button>
              </p>
            )}
          </>
        )}
      </Shown>
      <Shown loaded={merges} lines={2}>
        {({ merges: made }) => <Merges merges={made} onUndo={(merge) => decide(undoMerge(merge.mergeId), [...merge.from, merge.into])} />}
      </Shown>
    </Dialog>
  )
}

type PairProps = { pair: Resolution; onSame: (into: string) => void; onDifferent: () => void }

function Pair({ pair: { a, b, score, reason, unsure }, onSame, onDifferent }: PairProps) {
  const words = useWords()
  const language = useLanguage()
  return (
    <li>
      {[a, b].map(({ name, type, description, degree }) => (
        <div key={name}>
          <b>{name}</b> <span class="tag">{type}</span> <span class="quiet small">{words.graph.relationCount(degree)}</span>
          <p class="small clamp">
            <InlineText text={description} />
          </p>
        </div>
      ))}
      <p class="quiet small">
        {words.graph.alike[reason]} · {share(score, language)}
        {unsure ? ` · ${words.graph.unsure}` : ''}
      </p>
      <div class="dialog-actions">
        {[a.name, b.name].map((name) => (
          <button key={name} type="button" class="button small" onClick={() => onSame(name)}>
            {words.graph.sameAs(name)}
          </button>
        ))}
        <button type="button" class="button small" onClick={onDifferent}>
          {words.graph.different}
        </button>
      </div>
    </li>
  )
}

function Merges({ merges, onUndo }: { merges: Merge[]; onUndo: (merge: Merge) => void }) {
  const words = useWords()
  const language = useLanguage()
  if (merges.length === 0) return null
  return (
    <>
      <h3>{words.graph.merges}</h3>
      <ul class="pairs">
        {merges.map((merge) => (
          <li key={merge.mergeId}>
            {merge.from.join('、')} → <b>{merge.into}</b>{' '}
            <span class="quiet small">
              {moment(merge.madeAt, language)} · {(words.graph.madeBy as Record<string, string>)[merge.madeBy] ?? merge.madeBy}
            </span>
            <div class="dialog-actions">
              <button type="button" class="button small" onClick={() => onUndo(merge)}>
                {words.graph.undo}
              </button>
            </div>
          </li>
        ))}
      </ul>
    </>
  )
}
