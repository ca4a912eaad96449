// The queue of uploads: two at a time, each cancellable, each repeatable when the line or the token failed half-way.
import { useEffect, useRef, useState } from 'preact/hooks'
import { type UploadOptions, uploadFile } from '../../api/documents.ts'

export type Sending = {
  id: number
  file: File
  options: UploadOptions
  state: 'waiting' | 'sending' | 'arrived' | 'failed' | 'tooLarge'
  share: number
  error?: unknown
  fileId?: string
}

export type Uploads = {
  sendings: readonly Sending[]
  add(files: readonly File[], options: UploadOptions, maxBytes: number): void
  retry(id: number): void
  cancel(id: number): void
}

/** Browsers share six connections per server among everything; two leave the console its own. */
const AT_ONCE = 2
/** How many arrived files stay listed. */
const KEPT = 5

export function useUploads(onArrived: () => void): Uploads {
  const [sendings, setSendings] = useState<readonly Sending[]>([])
  const controllers = useRef(new Map<number, AbortController>())
  const nextId = useRef(1)
  const arrived = useRef(onArrived)
  arrived.current = onArrived

  const change = (id: number, fields: Partial<Sending>): void =>
    setSendings((before) => before.map((sending) => (sending.id === id ? { ...sending, ...fields } : sending)))

  const send = (sending: Sending): void => {
    const controller = new AbortController()
    controllers.current.set(sending.id, controller)
    change(sending.id, { state: 'sending', share: 0, error: undefined })
    uploadFile(sending.file, sending.options, (share) => change(sending.id, { share }), controller.signal)
      .then(
        ({ fileId }) => {
          change(sending.id, { state: 'arrived', share: 1, fileId })
          arrived.current()
        },
        (error: unknown) => {
          if (!controller.signal.aborted) change(sending.id, { state: 'failed', error })
        },
      )
      .finally(() => controllers.current.delete(sending.id))
  }

  useEffect(() => {
    const free = AT_ONCE - sendings.filter(({ state }) => state === 'sending').length
    for (const sending of sendings.filter(({ state }) => state === 'waiting').slice(0, Math.max(free, 0))) send(sending)
  }, [sendings])

  // Leaving the view ends what is under way; the rows that would show it are gone.
  useEffect(() => () => controllers.current.forEach((controller) => controller.abort()), [])

  return {
    sendings,
    add: (files, options, maxBytes) => {
      const fresh = files.map<Sending>((file) => ({
        id: nextId.current++,
        file,
        options,
        state: file.size > maxBytes ? 'tooLarge' : 'waiting',
        share: 0,
      }))
      setSendings((before) => [...fresh, ...forgotten(before)])
    },
    retry: (id) => change(id, { state: 'waiting' }),
    cancel: (id) => {
      controllers.current.get(id)?.abort()
      setSendings((before) => before.filter((sending) => sending.id !== id))
    },
  }
}

/** Without the oldest of those that arrived long ago. */
function forgotten(sendings: readonly Sending[]): readonly Sending[] {
  let arrived = 0
  return sendings.filter(({ state }) => state !== 'arrived' || ++arrived <= KEPT)
}
