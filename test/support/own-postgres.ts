// A PostgreSQL server of a test's own, for what cannot be tried on a shared one: stopping it, copying it, going back in time.
// Its programs are those of the server that DATABASE_URL names, which must run on this machine.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync } from 'node:fs'
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort } from './service.ts'

const run = promisify(execFile)

/** The server refuses to run as root; then its programs are run as the user postgres. */
async function unprivileged(): Promise<{ uid?: number; gid?: number }> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (what) => Number((await run('id', [what, 'postgres'])).stdout)))
  return uid === undefined || gid === undefined ? {} : { uid, gid }
}

/** Folder of initdb, postgres and their like; undefined without a server on this machine. */
export async function serverPrograms(): Promise<string | undefined> {
  const url = process.env['DATABASE_URL']
  if (url === undefined) return undefined
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const found = await client.query<{ setting: string }>(`select setting from pg_config where name = 'BINDIR'`)
  await client.end()
  const folder = found.rows[0]?.setting
  return folder !== undefined && existsSync(join(folder, 'initdb')) ? folder : undefined
}

export type OwnServer = {
  readonly folder: string
  readonly port: number
  /** Connection string of a database on it, as a superuser. */
  url(database?: string): string
  start(): Promise<void>
  /** `immediate` is a crash. */
  stop(how?: 'fast' | 'immediate'): Promise<void>
}

export class OwnPostgres {
  readonly #programs: string
  readonly #user: { uid?: number; gid?: number }
  readonly #folders: string[] = []
  readonly #servers: OwnServer[] = []

  private constructor(programs: string, user: { uid?: number; gid?: number }) {
    this.#programs = programs
    this.#user = user
  }

  static async open(): Promise<OwnPostgres> {
    const programs = await serverPrograms()
    if (programs === undefined) throw new Error('DATABASE_URL names no server on this machine')
    return new OwnPostgres(programs, await unprivileged())
  }

  /** A folder that the server's user may write to; removed by `close`. */
  async folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'insight-postgres-'))
    if (this.#user.uid !== undefined && this.#user.gid !== undefined) chownSync(folder, this.#user.uid, this.#user.gid)
    this.#folders.push(folder)
    return folder
  }

  /** A new, empty server with these settings. */
  async create(settings: readonly string[] = []): Promise<OwnServer> {
    const folder = await this.folder()
    await this.program('initdb', '-D', folder, '-U', 'insight', '-A', 'trust', '--no-sync', '--encoding', 'UTF8', '--locale', 'C.UTF-8')
    return this.server(folder, settings)
  }

  /** A copy of a running server, as `pg_basebackup` makes it; with `-R` it follows the original. */
  async copy(from: OwnServer, options: readonly string[] = [], settings: readonly string[] = []): Promise<OwnServer> {
    const folder = await this.folder()
    await this.program(
      'pg_basebackup',
      '-D',
      folder,
      '-h',
      '127.0.0.1',
      '-p',
      String(from.port),
      '-U',
      'insight',
      '-c',
      'fast',
      '--no-sync',
      ...options,
    )
    return this.server(folder, settings)
  }

  async server(folder: string, settings: readonly string[]): Promise<OwnServer> {
    const port = await freePort()
    const own = [`port = ${port}`, `listen_addresses = '127.0.0.1'`, `unix_socket_directories = ''`, 'fsync = off', ...settings]
    await appendFile(join(folder, 'postgresql.conf'), `\n${own.join('\n')}\n`)
    const control = (...words: string[]): Promise<unknown> =>
      this.program('pg_ctl', '-D', folder, '-l', join(folder, 'log'), '-w', '-t', '60', ...words)
    let running = false
    const server: OwnServer = {
      folder,
      port,
      url: (database = 'postgres') => `postgres://insight@127.0.0.1:${port}/${database}`,
      start: async () => {
        await control('start')
        running = true
      },
      stop: async (how = 'fast') => {
        if (!running) return
        running = false
        await control('stop', '-m', how)
      },
    }
    this.#servers.push(server)
    return server
  }

  program(name: string, ...words: string[]): Promise<unknown> {
    // pg_ctl leaves the server behind; with pipes its end would never be seen.
    const child = spawn(join(this.#programs, name), words, { ...this.#user, cwd: '/', stdio: 'ignore' })
    return ended(child, name)
  }

  /** A program that goes on beside the test, such as a pooler. */
  background(path: string, words: readonly string[], env: Record<string, string>): ChildProcess {
    return spawn(path, words, { ...this.#user, cwd: '/', stdio: 'ignore', env: { ...process.env, ...env } })
  }

  /** The root that the server's packages were unpacked to, `/` for installed ones. */
  get packages(): string {
    return join(this.#programs, '../../../../..')
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await server.stop('immediate')
    for (const folder of this.#folders) await rm(folder, { recursive: true, force: true })
  }
}

async function ended(child: ChildProcess, name: string): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new Error(`${name} ended with ${code}`)
}

/** Runs statements one after another on a connection of their own; the rows of the last. */
export async function onServer<T extends pg.QueryResultRow>(url: string, ...statements: string[]): Promise<T[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    let rows: T[] = []
    for (const statement of statements) rows = (await client.query<T>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}
