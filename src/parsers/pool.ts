// The document parser as the engine sees it: a few warm child processes, each killable, so that a bad file costs one document and nothing else.
import { execFile, fork, type ChildProcess } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { ParsedDocument } from '../core/blocks.ts'
import { AppError } from '../core/errors.ts'
import type { DocumentParser, ParseInput, Readings } from '../ports/parser.ts'
import { DEFAULT_LIMITS, type ParseLimits, unreadable } from './format.ts'
import { convertLegacy, findLibreOffice, isConvertible } from './legacy.ts'
import type { ParseReply, ParseTask } from './protocol.ts'
import { isSupported } from './registry.ts'
import { type Identified, refusalOf, sniffMediaType } from './sniff.ts'

export type ParserPoolOptions = {
  /** Documents parsed at once. Default 2. */
  size?: number
  /** Longest silence of a parser before it is taken for stuck. Default 20 s. */
  stallMs?: number
  /** Longest time for one document, OCR included. Default 30 min. */
  totalMs?: number
  /** Resident memory of one parser process. Default 1 GiB. */
  memoryBytes?: number
  /** After so many documents a process is replaced, since libraries leak. Default 100. */
  documentsPerProcess?: number
  limits?: Partial<ParseLimits>
  /** Path of LibreOffice's program, which reads .doc, .xls, .ppt and OpenDocument; found by itself, `false` to do without. */
  libreOffice?: string | false
}

type Settings = Required<Omit<ParserPoolOptions, 'limits' | 'libreOffice'>> & { limits: ParseLimits; libreOffice: string | undefined }

type Reader = { child: ChildProcess; documents: number; stderr: string }

const WATCH_EVERY_MS = 200
const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))

export class ParserPool implements DocumentParser {
  readonly #settings: Settings
  readonly #idle: Reader[] = []
  readonly #all = new Set<Reader>()
  readonly #waiting: ((reader: Reader) => void)[] = []
  #closed = false

  constructor(options: ParserPoolOptions = {}) {
    this.#settings = {
      size: options.size ?? 2,
      stallMs: options.stallMs ?? 20_000,
      totalMs: options.totalMs ?? 1_800_000,
      memoryBytes: options.memoryBytes ?? 1024 ** 3,
      documentsPerProcess: options.documentsPerProcess ?? 100,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      libreOffice: options.libreOffice === false ? undefined : (options.libreOffice ?? findLibreOffice()),
    }
  }

  identify(bytes: Uint8Array, fileName: string, declaredType?: string): Identified {
    const identified = sniffMediaType(bytes, fileName, declaredType)
    const { mediaType } = identified
    const convertible = this.#settings.libreOffice !== undefined && isConvertible(mediaType)
    if (!isSupported(mediaType) && !convertible) throw refusalOf(mediaType)
    return identified
  }

  async parse(input: ParseInput, signal: AbortSignal): Promise<ParsedDocument> {
    signal.throwIfAborted()
    const { mediaType, warnings } = this.identify(input.bytes, input.fileName, input.declaredType)
    const { libreOffice, limits, stallMs } = this.#settings
    const source =
      libreOffice !== undefined && isConvertible(mediaType)
        ? await convertLegacy(input.bytes, mediaType, libreOffice, stallMs * 3, signal)
        : { bytes: input.bytes, mediaType }
    const reader = await this.#acquire(signal)
    const task: ParseTask = {
      ...source,
      fileName: input.fileName,
      options: input.options,
      limits,
      picturesAreRead: input.picturesAreRead === true,
      known: [...(input.readings?.known ?? [])],
    }
    try {
      const document = await runTask(reader, task, input.readings, this.#settings, signal)
      return { ...document, mediaType, warnings: [...warnings, ...document.warnings] }
    } finally {
      this.#release(reader)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#all].map((reader) => ended(reader.child)))
  }

  #acquire(signal: AbortSignal): Promise<Reader> {
    if (this.#closed) throw new AppError('not_ready', 'The document reader is shut down.')
    const idle = this.#idle.pop()
    if (idle !== undefined) return Promise.resolve(idle)
    if (this.#all.size < this.#settings.size) return Promise.resolve(this.#start())
    return new Promise((resolve, reject) => {
      const take = (reader: Reader): void => {
        signal.removeEventListener('abort', leave)
        resolve(reader)
      }
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(take)
    })
  }

  #start(): Reader {
    const heapMegabytes = Math.floor((this.#settings.memoryBytes / 1024 ** 2) * 0.75)
    const child = fork(CHILD, [], {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${heapMegabytes}`, '--permission', '--allow-fs-read=*', '--allow-addons', '--allow-worker'],
      env: { TZ: 'UTC' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    const reader: Reader = { child, documents: 0, stderr: '' }
    child.stderr?.on('data', (piece: Buffer) => {
      reader.stderr = (reader.stderr + piece.toString()).slice(-4096)
    })
    this.#all.add(reader)
    return reader
  }

  /** Hands the reader to whoever waits; one that is dead, old or no longer wanted is replaced. */
  #release(reader: Reader): void {
    reader.documents += 1
    const isAlive = reader.child.connected && reader.child.exitCode === null && !reader.child.killed
    const keep = isAlive && !this.#closed && reader.documents < this.#settings.documentsPerProcess
    if (!keep) {
      this.#all.delete(reader)
      reader.child.kill('SIGKILL')
    }
    const next = this.#waiting.shift()
    if (next !== undefined) next(keep ? reader : this.#start())
    else if (keep) this.#idle.push(reader)
  }
}

function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once('exit', () => resolve())
    child.kill('SIGKILL')
  })
}

/** Sends one task and waits for its document, its error, the process's end, or the first limit that is hit. */
async function runTask(
  reader: Reader,
  task: ParseTask,
  readings: Readings | undefined,
  settings: Settings,
  signal: AbortSignal,
): Promise<ParsedDocument> {
  signal.throwIfAborted()
  const { child } = reader
  const { promise, resolve, reject } = Promise.withResolvers<ParsedDocument>()
  const stop = (error: Error): void => {
    child.kill('SIGKILL')
    reject(error)
  }
  const stall = (): void =>
    stop(
      unreadable(`The document could not be read within its time limit: no progress for ${Math.round(settings.stallMs / 1000)} seconds.`),
    )
  let silence = setTimeout(stall, settings.stallMs)
  const total = setTimeout(
    () => stop(unreadable(`The document could not be read within its time limit of ${Math.round(settings.totalMs / 1000)} seconds.`)),
    settings.totalMs,
  )
  const onMessage = (reply: ParseReply): void => {
    if (reply.kind === 'read') {
      readings?.keep(reply.part, reply.reading)
      return
    }
    clearTimeout(silence)
    if (reply.kind === 'done') resolve(reply.document)
    else if (reply.kind === 'failed') reject(new AppError(reply.code, reply.message))
    else silence = setTimeout(stall, settings.stallMs + reply.allowMs)
  }
  const onExit = (): void => reject(endedEarly(reader))
  const onAbort = (): void => stop(signal.reason as Error)
  const watch = setInterval(() => {
    void residentBytes(child.pid).then((bytes) => {
      if (bytes > settings.memoryBytes) stop(tooMuchMemory())
    })
  }, WATCH_EVERY_MS)
  child.on('message', onMessage)
  child.once('exit', onExit)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    child.send(task, (error) => {
      if (error !== null) reject(unreadable('The document reader could not be started for this document.', error))
    })
    return await promise
  } finally {
    clearTimeout(silence)
    clearTimeout(total)
    clearInterval(watch)
    child.off('message', onMessage)
    child.off('exit', onExit)
    signal.removeEventListener('abort', onAbort)
  }
}

const tooMuchMemory = (): AppError => unreadable('The document needs more memory than one document may use.')

function endedEarly(reader: Reader): AppError {
  return /heap out of memory|Array buffer allocation failed/i.test(reader.stderr)
    ? tooMuchMemory()
    : unreadable('The document made its reader crash.')
}

/** Resident memory of a process: from /proc where there is one, else from ps; 0 when neither knows it. */
async function residentBytes(pid: number | undefined): Promise<number> {
  if (pid === undefined) return 0
  if (process.platform === 'linux') {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) * 1024
  }
  return new Promise((resolve) => {
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], (_error, output) => resolve((Number.parseInt(output, 10) || 0) * 1024))
  })
}
