// The whole service as its users run it: a process of its own, spoken to over HTTP.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { slotUrl } from './database.ts'
import { placeEmbedded } from './template.ts'

export type Service = {
  url: string
  process: ChildProcess
  /** Everything it wrote to its log. */
  log(): string
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; json: Record<string, unknown>; headers: Headers }>
  /** Ends the process as an operator would; resolves with its exit code. */
  stop(): Promise<number | null>
}

export type ServicePlace = { env: Record<string, string>; clear(): Promise<void> }

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * Where the service keeps its data: a fresh folder, and a fresh database where DATABASE_URL names a server. The embedded database
 * has its schema already, unless `bare` asks for nothing at all, as on a machine where the service was never started.
 */
export async function servicePlace({ bare = false } = {}): Promise<ServicePlace> {
  const folder = await mkdtemp(join(tmpdir(), 'insight-service-'))
  const server = process.env['DATABASE_URL']
  const clearFolder = (): Promise<void> => rm(folder, { recursive: true, force: true })
  if (server === undefined) {
    if (!bare) await placeEmbedded(join(folder, 'pglite'))
    return { env: { DATA_DIR: folder }, clear: clearFolder }
  }
  const name = `insight_service_${process.pid}_${Date.now()}`
  const url = await slotUrl(server, name)
  const clear = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(`drop database if exists ${name} with (force)`)
    await client.end()
    await clearFolder()
  }
  return { env: { DATA_DIR: folder, DATABASE_URL: url, SECRETS_KEY: 'a key for tests that is long enough' }, clear }
}

/** The time that leases of a dead process take to run out, without waiting for it; the embedded database needs none. */
export async function leasesRunOut({ env }: ServicePlace): Promise<void> {
  const url = env['DATABASE_URL']
  if (url === undefined) return
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`update jobs set lease_until = now() - interval '1 second' where state = 'running'`)
  await client.query(`update outbox set lease_until = null where state = 'pending'`)
  await client.end()
}

/** Starts the service and waits until it is ready and its first seeding has ended. */
export async function startService(place: ServicePlace, env: Record<string, string> = {}): Promise<Service> {
  const port = await freePort()
  const { DATABASE_URL: _server, ...inherited } = process.env
  const child = spawn(process.execPath, ['src/main.ts'], {
    env: { ...inherited, ...place.env, PORT: String(port), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const written: string[] = []
  child.stdout.on('data', (part: Buffer) => written.push(part.toString()))
  child.stderr.on('data', (part: Buffer) => written.push(part.toString()))
  const exit = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const call: Service['call'] = async (method, path, body, headers = {}) => {
    const init: RequestInit = {
      method,
      headers: { ...(body === undefined || body instanceof FormData ? {} : { 'content-type': 'application/json' }), ...headers },
    }
    if (body !== undefined) init.body = body instanceof FormData ? body : JSON.stringify(body)
    const response = await fetch(`${url}${path}`, init).catch(async (error: unknown) => {
      // A connection breaks a moment before its process is seen to have ended; the log then says why.
      await Promise.race([exit, sleep(1_000)])
      throw new Error(`${method} ${path} was not answered (exit code ${child.exitCode}):\n${written.join('')}`, { cause: error })
    })
    const text = await response.text()
    return {
      status: response.status,
      json: (text.startsWith('{') ? JSON.parse(text) : { text }) as Record<string, unknown>,
      headers: response.headers,
    }
  }
  // A worker listens nowhere; whoever needs it waits for what it does.
  while (env['ROLE'] !== 'worker') {
    if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}:\n${written.join('')}`)
    const ready = await call('GET', '/readyz').catch(() => undefined)
    if (ready?.status === 200 && ready.json['seeding'] === false) break
    await sleep(100)
  }
  return {
    url,
    process: child,
    log: () => written.join(''),
    call,
    stop: async () => {
      if (child.exitCode !== null) return child.exitCode
      child.kill('SIGTERM')
      const [code] = (await once(child, 'exit')) as [number | null]
      return code
    },
  }
}
