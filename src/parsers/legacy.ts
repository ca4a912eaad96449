// Old Office formats and OpenDocument through LibreOffice, where it is installed: converted to the modern format, which our own parsers read.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { unreadable } from './format.ts'
import { DOCX, PPTX, XLSX } from './sniff.ts'

type Target = { extension: string; mediaType: string }

/** `filter` reads nothing but its own format: left to itself, LibreOffice takes a damaged file for plain text. */
const TARGETS: Readonly<Record<string, Target & { from: string; filter: string }>> = {
  'application/msword': { from: 'doc', filter: 'MS Word 97', extension: 'docx', mediaType: DOCX },
  'application/vnd.ms-excel': { from: 'xls', filter: 'MS Excel 97', extension: 'xlsx', mediaType: XLSX },
  'application/vnd.ms-powerpoint': { from: 'ppt', filter: 'MS PowerPoint 97', extension: 'pptx', mediaType: PPTX },
  'application/vnd.oasis.opendocument.text': { from: 'odt', filter: 'writer8', extension: 'docx', mediaType: DOCX },
  'application/vnd.oasis.opendocument.spreadsheet': { from: 'ods', filter: 'calc8', extension: 'xlsx', mediaType: XLSX },
  'application/vnd.oasis.opendocument.presentation': { from: 'odp', filter: 'impress8', extension: 'pptx', mediaType: PPTX },
  'application/rtf': { from: 'rtf', filter: 'Rich Text Format', extension: 'docx', mediaType: DOCX },
}

const PLACES = [
  '/usr/bin/soffice',
  '/usr/local/bin/soffice',
  '/opt/libreoffice/program/soffice',
  '/Applications/LibreOffice.app/Contents/MacOS/soffice',
]

/** The program, where it usually lies; undefined when it is not installed. */
export function findLibreOffice(): string | undefined {
  return PLACES.find((place) => existsSync(place))
}

export function isConvertible(mediaType: string): boolean {
  return mediaType in TARGETS
}

/** No macros, no links followed, whatever the document asks for. */
const SAFE_SETTINGS = `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop></item>
</oor:items>`

/** Nothing listens there, so that whatever tries the network fails at once. */
const DEAD_PROXY = 'http://127.0.0.1:9'

/**
 * Converts in a folder and a LibreOffice profile of its own: two runs that share a profile lose a file. Both are removed afterwards.
 *
 * @throws AppError `unprocessable_document` when it cannot be converted or takes longer than `limitMs`.
 */
export async function convertLegacy(
  bytes: Uint8Array,
  mediaType: string,
  program: string,
  limitMs: number,
  signal: AbortSignal,
): Promise<{ bytes: Uint8Array; mediaType: string }> {
  const target = TARGETS[mediaType]
  if (target === undefined) throw unreadable('The file cannot be converted.')
  const folder = await mkdtemp(join(tmpdir(), 'insight-rag-convert-'))
  try {
    const profile = join(folder, 'profile')
    await mkdir(join(profile, 'user'), { recursive: true })
    await writeFile(join(profile, 'user', 'registrymodifications.xcu'), SAFE_SETTINGS)
    const source = join(folder, `document.${target.from}`)
    await writeFile(source, bytes)
    await run(
      program,
      [
        `-env:UserInstallation=${pathToFileURL(profile).href}`,
        '--headless',
        '--norestore',
        '--nolockcheck',
        `--infilter=${target.filter}`,
        '--convert-to',
        target.extension,
        '--outdir',
        join(folder, 'out'),
        source,
      ],
      folder,
      limitMs,
      signal,
    )
    const [name] = await readdir(join(folder, 'out')).catch(() => [])
    if (name === undefined) throw unreadable('The file is damaged: it could not be converted to a current Office format.')
    return { bytes: await readFile(join(folder, 'out', name)), mediaType: target.mediaType }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

/** Runs to its end; the whole process group is killed at the limit, since the program starts children of its own. */
function run(program: string, args: readonly string[], home: string, limitMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const child = spawn(program, args, {
    detached: true,
    stdio: 'ignore',
    env: { HOME: home, PATH: '/usr/bin:/bin', http_proxy: DEAD_PROXY, https_proxy: DEAD_PROXY },
  })
  const kill = (reason: Error): void => {
    reject(reason)
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  const timer = setTimeout(
    () => kill(unreadable('The file could not be converted to a current Office format within its time limit.')),
    limitMs,
  )
  const onAbort = (): void => kill(signal.reason as Error)
  signal.addEventListener('abort', onAbort, { once: true })
  child.once('error', (error) => reject(unreadable('The file could not be converted to a current Office format.', error)))
  child.once('exit', () => resolve())
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  })
}
