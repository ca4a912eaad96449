// The embedded database with its schema, made once and then copied: making one costs PGlite about six seconds of CPU, opening a copy
// less than one. What makes it, real migrations included, is run by test/e2e/first-steps.test.ts, which starts with nothing.
import { createHash } from 'node:crypto'
import { constants, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '../../src/drivers/postgres.ts'

const ROOT = new URL('../../', import.meta.url)
const CACHE = new URL('.cache/pglite/', ROOT).pathname

/** Changes with everything that makes the schema. */
function fingerprint(): string {
  const migrations = readdirSync(new URL('migrations/', ROOT)).map((name) => `migrations/${name}`)
  const packages = ['pglite', 'pglite-pgvector'].map((name) => `node_modules/@electric-sql/${name}/package.json`)
  const hash = createHash('sha256')
  for (const path of [...migrations, ...packages, 'src/drivers/migrate.ts', 'src/drivers/pglite-worker.ts'])
    hash.update(path).update(readFileSync(new URL(path, ROOT)))
  return hash.digest('hex').slice(0, 16)
}

async function template(): Promise<string> {
  const made = join(CACHE, fingerprint())
  if (existsSync(made)) return made
  mkdirSync(CACHE, { recursive: true })
  const making = mkdtempSync(join(CACHE, 'making-'))
  const database = await openDatabase({ url: undefined, directory: join(making, 'pglite'), poolSize: 1 })
  await database.close()
  try {
    renameSync(join(making, 'pglite'), made)
  } catch (error) {
    // The other slot was faster.
    if (!existsSync(made)) throw error
  }
  rmSync(making, { recursive: true, force: true })
  return made
}

/** Puts an empty, migrated database where nothing is yet. */
export async function placeEmbedded(directory: string): Promise<void> {
  cpSync(await template(), directory, { recursive: true, mode: constants.COPYFILE_FICLONE })
}

/** A folder with such a database that goes when this process ends. */
export async function temporaryEmbedded(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'insight-pglite-'))
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
  await placeEmbedded(join(folder, 'pglite'))
  return join(folder, 'pglite')
}

/** Vitest's global set-up. */
export default async function setup(): Promise<void> {
  if (process.env['DATABASE_URL'] === undefined) await template()
}
