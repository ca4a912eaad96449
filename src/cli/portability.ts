// `export`, `import`, `backup`, `restore` and `workspace delete`: workspaces as files, and their end.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { finished, pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import type { Command } from 'commander'
import { AppError } from '../core/errors.ts'
import { workspaceId, type WorkspaceId } from '../core/workspace.ts'
import type { Carried } from '../services/portability.ts'
import { type CliContext, type CliEngine, withEngine } from './context.ts'

const MANIFEST = 'manifest.json'

type Entry = { workspace: string; file: string; rows: number; fileSha256: string }
type Manifest = { format: 'insight-rag-backup'; version: 1; madeAt: string; workspaces: Entry[] }

/** @param workspace the parent command `workspace`. */
export function addPortabilityCommands(program: Command, workspace: Command, context: CliContext): void {
  program
    .command('export <workspace> <file>')
    .description('write one workspace to a file (JSON lines, gzip, checksummed)')
    .action((name: string, file: string) =>
      withEngine(context, async (opened) => {
        const { rows } = await writeExport(opened, workspaceId(name), file, false)
        context.note(`${name}: ${rows} rows written to ${file}`)
      }),
    )
  program
    .command('import <file>')
    .description('read a workspace from a file that export wrote')
    .option('--replace', 'delete the workspace first if it exists')
    .action((file: string, options: { replace?: boolean }) =>
      withEngine(context, async (opened) => {
        const carried = await readExport(opened, file, options.replace === true)
        context.note(`${carried.workspace}: ${carried.rows} rows read`)
      }),
    )
  program
    .command('backup <directory>')
    .description('write every workspace, with work and callbacks that wait, to a directory')
    .action((directory: string) => withEngine(context, (opened) => backup(opened, directory, context)))
  program
    .command('restore <directory>')
    .description('read every workspace of a backup; nothing is changed when a file of it is damaged')
    .option('--replace', 'delete workspaces that exist first')
    .action((directory: string, options: { replace?: boolean }) =>
      withEngine(context, (opened) => restore(opened, directory, options.replace === true, context)),
    )
  workspace
    .command('delete <workspace>')
    .description('delete a workspace for good: documents, graph, vectors, waiting work, accounts of model calls')
    .option('--yes', 'really')
    .action((name: string, options: { yes?: boolean }) => {
      const chosen = workspaceId(name)
      if (options.yes !== true)
        throw new AppError('invalid_request', `This deletes ${name} for good and cannot be undone; say so with --yes.`)
      return withEngine(context, async (opened) => {
        if (!(await opened.portability.remove(chosen))) throw new AppError('not_found', `There is no workspace ${name}.`)
        context.note(`${name} is deleted`)
      })
    })
}

/** Written beside and renamed at the end, so that a file of that name is always whole. */
async function writeExport(opened: CliEngine, workspace: WorkspaceId, file: string, work: boolean): Promise<Carried> {
  const partial = `${file}.part`
  const gzip = createGzip()
  const written = pipeline(gzip, createWriteStream(partial, { mode: 0o600 }))
  const carried = await opened.portability.write(
    workspace,
    async (line) => {
      if (!gzip.write(`${line}\n`)) await Promise.race([once(gzip, 'drain'), written])
    },
    work,
  )
  gzip.end()
  await written
  await rename(partial, file)
  return carried
}

async function readExport(opened: CliEngine, file: string, replace: boolean): Promise<Carried> {
  const source = createReadStream(file)
  const unpacked = source.pipe(createGunzip())
  source.on('error', (error) => unpacked.destroy(error))
  const lines = createInterface({ input: unpacked, crlfDelay: Infinity })
  const failed = finished(unpacked).then(() => new Promise<never>(() => undefined))
  try {
    return await Promise.race([opened.portability.read(lines, replace), failed])
  } catch (error) {
    if (error instanceof AppError) throw error
    const code = (error as { code?: unknown }).code
    if (code === 'ENOENT') throw new AppError('not_found', `There is no file ${basename(file)}.`, { cause: error })
    if (typeof code === 'string' && code.startsWith('Z_'))
      throw new AppError('unprocessable_document', `${basename(file)} is damaged.`, { cause: error })
    throw error
  } finally {
    lines.close()
    source.destroy()
  }
}

async function backup(opened: CliEngine, directory: string, context: CliContext): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const entries: Entry[] = []
  for (const { workspace } of await opened.engine.workspaces.list(undefined)) {
    const file = `${workspace}.jsonl.gz`
    const { rows } = await writeExport(opened, workspaceId(workspace), join(directory, file), true)
    entries.push({ workspace, file, rows, fileSha256: await fileHash(join(directory, file)) })
    context.note(`${workspace}: ${rows} rows`)
  }
  const manifest: Manifest = { format: 'insight-rag-backup', version: 1, madeAt: new Date().toISOString(), workspaces: entries }
  await writeFile(join(directory, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`, { mode: 0o600 })
}

async function restore(opened: CliEngine, directory: string, replace: boolean, context: CliContext): Promise<void> {
  const manifest = await readManifest(directory)
  for (const { file, fileSha256 } of manifest.workspaces) {
    if (basename(file) !== file) throw new AppError('unprocessable_document', 'The manifest names a file outside the backup.')
    if ((await fileHash(join(directory, file))) !== fileSha256)
      throw new AppError('unprocessable_document', `${file} is not the file that the backup wrote.`)
  }
  for (const { workspace, file } of manifest.workspaces) {
    const { rows } = await readExport(opened, join(directory, file), replace)
    context.note(`${workspace}: ${rows} rows`)
  }
}

async function readManifest(directory: string): Promise<Manifest> {
  try {
    const manifest = JSON.parse(await readFile(join(directory, MANIFEST), 'utf8')) as Manifest
    if (manifest.format === 'insight-rag-backup' && manifest.version === 1) return manifest
  } catch (error) {
    throw new AppError('not_found', 'There is no backup in this directory: its manifest.json cannot be read.', { cause: error })
  }
  throw new AppError('unprocessable_document', 'The manifest is of another format or version.')
}

async function fileHash(file: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const part of createReadStream(file)) hash.update(part as Buffer)
  } catch (error) {
    throw new AppError('not_found', `${basename(file)} cannot be read.`, { cause: error })
  }
  return hash.digest('hex')
}
