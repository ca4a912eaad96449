// Zip containers (docx, xlsx, pptx, epub, odt) read with suspicion: the whole directory is judged before a single byte is unpacked.
import type { Readable } from 'node:stream'
import yauzl, { type Entry, type ZipFile } from 'yauzl'
import { AppError } from '../core/errors.ts'
import { type ParseLimits, unreadable } from './format.ts'

export type Archive = {
  names: string[]
  has(name: string): boolean
  /** @throws AppError `unprocessable_document` when the entry is missing, damaged or longer than declared. */
  read(name: string): Promise<Buffer>
  stream(name: string): Promise<Readable>
}

const BIG_ENTRY_BYTES = 1_000_000
const ARCHIVE_NAME = /\.(?:zip|7z|rar|gz|tgz|tar|bz2|xz|docx|xlsx|pptx|jar)$/i
/** Embedded workbooks of charts and embedded files are ordinary in Office files and are never opened. */
const EMBEDDED = /(?:^|\/)embeddings\//i

function openDirectory(bytes: Uint8Array): Promise<ZipFile> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return new Promise((resolve, reject) => {
    yauzl.fromBuffer(buffer, { lazyEntries: true, strictFileNames: true, validateEntrySizes: true, decodeStrings: true }, (error, zip) => {
      if (error) reject(unreadable('The file is damaged: its container cannot be opened.', error))
      else resolve(zip)
    })
  })
}

/** One sentence on what is wrong with an entry, or undefined. The path tricks themselves are caught by yauzl's strict names. */
function objection(entry: Entry, limits: ParseLimits): string | undefined {
  const ratio = entry.uncompressedSize / Math.max(1, entry.compressedSize)
  const unixMode = entry.versionMadeBy >>> 8 === 3 ? (entry.externalFileAttributes >>> 16) & 0xf000 : 0
  if (entry.uncompressedSize > BIG_ENTRY_BYTES && ratio > limits.zipRatio)
    return `a part of it unpacks to more than ${limits.zipRatio} times its size`
  if (unixMode === 0xa000) return 'it contains a symbolic link'
  // oxlint-disable-next-line no-control-regex -- control characters in entry names are the attack that is looked for
  if (/[\u0000-\u001f\u202a-\u202e]/.test(entry.fileName)) return 'a name inside it contains control characters'
  if (entry.isEncrypted()) return 'it is password protected'
  if (ARCHIVE_NAME.test(entry.fileName) && !EMBEDDED.test(entry.fileName)) return 'it contains another archive'
  return undefined
}

/**
 * Opens a container after judging its whole directory: number of entries, total and relative sizes, names, links, nesting, encryption.
 * @throws AppError `unprocessable_document` with the reason.
 */
export async function openArchive(bytes: Uint8Array, limits: ParseLimits): Promise<Archive> {
  const zip = await openDirectory(bytes)
  if (zip.entryCount > limits.zipEntries) throw unreadable(`The file is refused: it contains more than ${limits.zipEntries} parts.`)
  const entries = await readDirectory(zip, limits)
  const stream = async (name: string): Promise<Readable> => {
    const entry = entries.get(name)
    if (entry === undefined) throw unreadable('The file is damaged: a part it needs is missing.')
    return new Promise((resolve, reject) => {
      zip.openReadStream(entry, (error, readable) =>
        error ? reject(unreadable('The file is damaged: a part of it cannot be unpacked.', error)) : resolve(readable),
      )
    })
  }
  const read = async (name: string): Promise<Buffer> => {
    const pieces: Buffer[] = []
    try {
      for await (const piece of await stream(name)) pieces.push(piece as Buffer)
    } catch (error) {
      throw error instanceof AppError ? error : unreadable('The file is damaged: a part of it cannot be unpacked.', error)
    }
    return Buffer.concat(pieces)
  }
  return { names: [...entries.keys()], has: (name) => entries.has(name), read, stream }
}

function readDirectory(zip: ZipFile, limits: ParseLimits): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  let total = 0
  return new Promise((resolve, reject) => {
    const refuse = (reason: string): void => reject(unreadable(`The file is refused: ${reason}.`))
    zip.on('error', (error: Error) => {
      const tricks = /relative path|absolute path|invalid characters/i.test(error.message)
      reject(
        tricks
          ? unreadable('The file is refused: a path inside it points outside.', error)
          : unreadable('The file is damaged: its container cannot be read.', error),
      )
    })
    zip.on('entry', (entry: Entry) => {
      total += entry.uncompressedSize
      const reason = objection(entry, limits)
      if (reason !== undefined) return refuse(reason)
      if (entries.has(entry.fileName)) return refuse('it contains the same part twice')
      if (total > limits.zipBytes) return refuse(`it unpacks to more than ${Math.round(limits.zipBytes / 1e6)} MB`)
      if (entries.size >= limits.zipEntries) return refuse(`it contains more than ${limits.zipEntries} parts`)
      entries.set(entry.fileName, entry)
      zip.readEntry()
      return undefined
    })
    zip.on('end', () => resolve(entries))
    zip.readEntry()
  })
}
