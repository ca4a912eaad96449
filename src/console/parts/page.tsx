// The frame of every view: its title, what one can do with all of it, and the content.
import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'

type PageProps = { title: string; lead?: ComponentChildren; actions?: ComponentChildren; children: ComponentChildren }

export function Page({ title, lead, actions, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · insight-rag`
  }, [title])
  return (
    <>
      <header class="page-head">
        <div>
          <h1>{title}</h1>
          {lead === undefined ? null : <p class="quiet">{lead}</p>}
        </div>
        {actions === undefined ? null : <div class="page-actions">{actions}</div>}
      </header>
      {children}
    </>
  )
}

export function Card({ title, actions, children }: { title?: string; actions?: ComponentChildren; children: ComponentChildren }) {
  return (
    <section class="card">
      {title === undefined ? null : (
        <header class="card-head">
          <h2>{title}</h2>
          {actions}
        </header>
      )}
      {children}
    </section>
  )
}
