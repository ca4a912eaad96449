// The queue of uploads: two at a time, each cancellable and repeatable. It belongs to the tab, so that other views can be opened meanwhile;
// what a broken line or an expired sign-in stopped goes on by itself when that is mended.
import { type UploadOptions, uploadFile } from '../../api/documents.ts'
import { ApiError } from '../../api/client.ts'
import { session } from '../../state/session.ts'
import { createStore, useStore } from '../../state/store.ts'

export type Sending = {
  id: number
  /** Named here, so that sending again after an answer was lost makes no second document. */
  fileId: string
  workspace: string
  file: File
  options: UploadOptions
  state: 'waiting' | 'sending' | 'arrived' | 'failed' | 'tooLarge'
  share: number
  error?: unknown
}

/** Browsers share six connections per server among everything; two leave the console its own. */
const AT_ONCE = 2
/** How many arrived files stay listed. */
const KEPT = 5

const uploads = createStore<readonly Sending[]>([])
const controllers = new Map<number, AbortController>()
let nextId = 1

export const useUploads = (workspace: string): readonly Sending[] => useStore(uploads).filter((sending) => sending.workspace === workspace)

export function addUploads(files: readonly File[], workspace: string, options: UploadOptions, maxBytes: number): void {
  const fresh = files.map<Sending>((file) => ({
    id: nextId++,
    fileId: newFileId(),
    workspace,
    file,
    options,
    state: file.size > maxBytes ? 'tooLarge' : 'waiting',
    share: 0,
  }))
  uploads.set([...fresh, ...forgotten(uploads.get())])
  startWaiting()
}

export const retryUpload = (id: number): void => change(id, { state: 'waiting' })

export function cancelUpload(id: number): void {
  controllers.get(id)?.abort()
  uploads.set(uploads.get().filter((sending) => sending.id !== id))
  startWaiting()
}

/** Did the line break, rather than the service refuse? */
export const brokeOff = ({ error }: Sending): boolean => error instanceof ApiError && error.status === 0

function change(id: number, fields: Partial<Sending>): void {
  uploads.set(uploads.get().map((sending) => (sending.id === id ? { ...sending, ...fields } : sending)))
  startWaiting()
}

function startWaiting(): void {
  const all = uploads.get()
  const next = all.findLast(({ state }) => state === 'waiting')
  if (next !== undefined && all.filter(({ state }) => state === 'sending').length < AT_ONCE) send(next)
}

function send({ id, fileId, workspace, file, options }: Sending): void {
  const controller = new AbortController()
  controllers.set(id, controller)
  change(id, { state: 'sending', share: 0, error: undefined })
  uploadFile({ file, fileId, workspace, options }, (share) => change(id, { share }), controller.signal)
    .then(
      () => change(id, { state: 'arrived', share: 1 }),
      (error: unknown) => {
        if (!controller.signal.aborted) change(id, { state: 'failed', error })
      },
    )
    .finally(() => controllers.delete(id))
}

/** Sends again what failed for a reason that has gone. */
function resume(because: (sending: Sending) => boolean): void {
  for (const sending of uploads.get()) if (sending.state === 'failed' && because(sending)) retryUpload(sending.id)
}

addEventListener('online', () => resume(brokeOff))
session.subscribe(() => {
  const { state } = session.get()
  if (state === 'in') resume(({ error }) => error instanceof ApiError && error.status === 401)
  // Another person may sign in next.
  if (state === 'out') for (const { id } of uploads.get()) cancelUpload(id)
})
addEventListener('beforeunload', (event) => {
  if (uploads.get().some(({ state }) => state === 'waiting' || state === 'sending')) event.preventDefault()
})

const newFileId = (): string =>
  `up-${[...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`

/** Without the oldest of those that arrived long ago. */
function forgotten(sendings: readonly Sending[]): readonly Sending[] {
  let arrived = 0
  return sendings.filter(({ state }) => state !== 'arrived' || ++arrived <= KEPT)
}
