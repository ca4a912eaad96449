// Dialogs on the browser's own <dialog>: focus stays inside, Escape closes, and focus goes back where it was.
import type { ComponentChildren } from 'preact'
import { useId, useLayoutEffect, useRef } from 'preact/hooks'
import { useWords } from '../words/words.ts'
import { Icon } from './icons.tsx'

type DialogProps = { title: ComponentChildren; onClose?: () => void; side?: boolean; children: ComponentChildren }

/** Open as long as it is drawn. Without `onClose` it cannot be dismissed. `side`: a sheet at the edge for reading. */
export function Dialog({ title, onClose, side = false, children }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null)
  const heading = useId()
  const words = useWords()
  useLayoutEffect(() => {
    const before = document.activeElement
    const shown = element.current
    shown?.showModal()
    return () => {
      shown?.close()
      // The dialog may be gone from the page by now, and then closing it gives the focus back to nobody.
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  const cancel = (event: Event): void => {
    event.preventDefault()
    onClose?.()
  }
  return (
    <dialog ref={element} class={side ? 'dialog sheet' : 'dialog'} aria-labelledby={heading} onCancel={cancel}>
      <header class="dialog-head">
        <h2 id={heading}>{title}</h2>
        {onClose === undefined ? null : (
          <button type="button" class="icon-button" aria-label={words.close} onClick={onClose}>
            <Icon name="close" />
          </button>
        )}
      </header>
      <div class="dialog-body">{children}</div>
    </dialog>
  )
}

type ConfirmProps = {
  title: string
  text: string
  action: string
  busy?: boolean
  onConfirm: () => void
  onClose: () => void
  children?: ComponentChildren
}

/** For what cannot be taken back. The safe answer has the focus. */
export function Confirm({ title, text, action, busy = false, onConfirm, onClose, children }: ConfirmProps) {
  const words = useWords()
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      {children}
      <div class="dialog-actions">
        <button type="button" class="button" onClick={onClose} autoFocus>
          {words.cancel}
        </button>
        <button type="button" class="button danger" disabled={busy} onClick={onConfirm}>
          {action}
        </button>
      </div>
    </Dialog>
  )
}
