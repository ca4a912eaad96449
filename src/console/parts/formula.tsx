// A formula, drawn by KaTeX into elements (never HTML text of ours). The library comes only when the first formula does.
import type katex from 'katex'
import { useEffect, useRef, useState } from 'preact/hooks'

type Katex = typeof katex

let library: Promise<Katex> | undefined
const loaded = (): Promise<Katex> =>
  (library ??= Promise.all([import('katex'), import('katex/dist/katex.min.css')]).then(([module]) => module.default))

/** Untrusted input: no links, no commands of its own, bounded size and expansion. */
const LIMITS = { throwOnError: true, trust: false, strict: 'ignore', maxSize: 20, maxExpand: 200 } as const

export function Formula({ tex, display }: { tex: string; display: boolean }) {
  const place = useRef<HTMLSpanElement>(null)
  const [drawn, setDrawn] = useState(false)
  useEffect(() => {
    let gone = false
    setDrawn(false)
    loaded()
      .then((katex) => {
        if (gone || place.current === null) return
        katex.render(tex, place.current, { ...LIMITS, displayMode: display })
        setDrawn(true)
      })
      // What cannot be drawn is shown as it was written.
      .catch(() => setDrawn(false))
    return () => {
      gone = true
    }
  }, [tex, display])
  return (
    <span class={display ? 'formula formula-display' : 'formula'}>
      <span ref={place} hidden={!drawn} />
      {drawn ? null : <code>{tex}</code>}
    </span>
  )
}
