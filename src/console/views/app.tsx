// The frame: who is signed in decides what is drawn, the address decides which view.
import { useEffect, useRef } from 'preact/hooks'
import { ApiError } from '../api/client.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Icon, type IconName } from '../parts/icons.tsx'
import { lazy } from '../parts/lazy.tsx'
import { Empty, Failure, Skeleton } from '../parts/notice.tsx'
import { href, useRoute } from '../state/route.ts'
import { leave, session, type Me } from '../state/session.ts'
import { start } from '../state/start.ts'
import { useStore } from '../state/store.ts'
import { type Language, LANGUAGES, speak, useLanguage, useWords } from '../words/words.ts'
import { DocumentsView } from './documents/documents.tsx'
import { SearchView } from './search/search.tsx'
import { SignInForm, SignInPage } from './sign-in.tsx'
import { WorkspaceSwitch } from './workspace-switch.tsx'

// What most visits do not need comes when it is opened.
const GraphView = lazy(() => import('./graph/graph.tsx').then((module) => module.GraphView))
const CoursesView = lazy(() => import('./courses/courses.tsx').then((module) => module.CoursesView))
const ReleasesView = lazy(() => import('./releases/releases.tsx').then((module) => module.ReleasesView))
const OperationsView = lazy(() => import('./operations/operations.tsx').then((module) => module.OperationsView))

const VIEWS = ['documents', 'search', 'graph', 'courses', 'releases', 'operations'] as const satisfies readonly IconName[]
type View = (typeof VIEWS)[number]

export function App() {
  const words = useWords()
  const now = useStore(session)
  useEffect(() => void start(), [])
  switch (now.state) {
    case 'asking':
      return (
        <main class="gate">
          <div class="gate-card">
            <p class="brand">insight-rag</p>
            <Skeleton lines={3} />
          </div>
        </main>
      )
    case 'unreachable':
      return (
        <main class="gate">
          <div class="gate-card">
            <p class="brand">insight-rag</p>
            <Failure error={new ApiError(0, 'unreachable', now.reason)} onRetry={() => void start()} />
          </div>
        </main>
      )
    case 'out':
      return <SignInPage reason={now.reason} />
    case 'in':
    case 'expired':
      return (
        <>
          <Frame me={now.me} workspace={now.workspace} />
          {now.state === 'expired' ? (
            <Dialog title={words.signIn.title}>
              <p>{words.signIn.expired}</p>
              <SignInForm />
              <button type="button" class="button plain" onClick={() => leave()}>
                {words.signOut}
              </button>
            </Dialog>
          ) : null}
        </>
      )
  }
}

function Frame({ me, workspace }: { me: Me; workspace: string }) {
  const words = useWords()
  const { view } = useRoute()
  const shown = view === '' ? 'documents' : view
  // On a narrow screen the views stand in a row that scrolls.
  const views = useRef<HTMLElement>(null)
  useEffect(() => views.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' }), [shown])
  return (
    <div class="frame">
      <a class="skip" href="#content" onClick={(event) => skip(event)}>
        {words.skip}
      </a>
      <header class="top">
        <p class="brand">insight-rag</p>
        <WorkspaceSwitch me={me} workspace={workspace} />
        <div class="top-end">
          {me.development ? (
            <span class="badge badge-pending">{words.development}</span>
          ) : (
            <span class="quiet small">{words.kinds[me.kind]}</span>
          )}
          <LanguageSwitch />
          {me.development ? null : (
            <button type="button" class="icon-button" aria-label={words.signOut} title={words.signOut} onClick={() => leave()}>
              <Icon name="out" />
            </button>
          )}
        </div>
      </header>
      <nav class="side" ref={views} aria-label={words.views}>
        {VIEWS.map((name) => (
          <a key={name} href={href([name])} aria-current={shown === name ? 'page' : undefined}>
            <Icon name={name} />
            <span>{words.view[name]}</span>
          </a>
        ))}
      </nav>
      <main id="content" tabIndex={-1}>
        {/* Another workspace is another view: nothing of the one before may stay on the screen. */}
        <Content key={`${workspace}/${shown}`} view={shown} me={me} workspace={workspace} />
      </main>
    </div>
  )
}

function Content({ view, me, workspace }: { view: string; me: Me; workspace: string }) {
  const words = useWords()
  switch (view as View) {
    case 'documents':
      return <DocumentsView me={me} workspace={workspace} />
    case 'search':
      return <SearchView />
    case 'graph':
      return <GraphView me={me} workspace={workspace} />
    case 'courses':
      return <CoursesView me={me} />
    case 'releases':
      return <ReleasesView me={me} />
    case 'operations':
      return <OperationsView me={me} />
    default:
      return (
        <Empty title={words.noSuchView}>
          <a class="button" href={href(['documents'])}>
            {words.view.documents}
          </a>
        </Empty>
      )
  }
}

/** The address behind # names the view, so the jump to the content is made by hand. */
function skip(event: Event): void {
  event.preventDefault()
  document.getElementById('content')?.focus()
}

function LanguageSwitch() {
  const words = useWords()
  const language = useLanguage()
  return (
    <select
      class="language"
      aria-label={words.language}
      value={language}
      onChange={(event) => speak(event.currentTarget.value as Language)}
    >
      {LANGUAGES.map(([code, name]) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  )
}
