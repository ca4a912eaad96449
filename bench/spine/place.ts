// Where a measured process works: the engine without HTTP over a database of its own, and a model server outside it.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'

export type Place = { env: Record<string, string>; clear(): Promise<void> }

/** An empty folder, and an empty database of this name when a server is given. */
export async function freshPlace(server: string | undefined, name: string): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'insight-bench-'))
  const clearFolder = (): Promise<void> => rm(folder, { recursive: true, force: true })
  if (server === undefined) return { env: { DATA_DIR: folder }, clear: clearFolder }
  const url = new URL(server)
  url.pathname = `/${name}`
  const admin = async (...statements: string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    for (const statement of statements) await client.query(statement)
    await client.end()
  }
  const drop = `drop database if exists ${pg.escapeIdentifier(name)} with (force)`
  await admin(drop, `create database ${pg.escapeIdentifier(name)}`)
  return {
    env: { DATA_DIR: folder, DATABASE_URL: url.href, SECRETS_KEY: 'a key that seals nothing of value' },
    clear: async () => {
      await Promise.all([admin(drop), clearFolder()])
    },
  }
}

/** Settings for a server that speaks the OpenAI protocol. */
export const modelSettings = (baseUrl: string): Record<string, string> => ({
  LLM_BASE_URL: baseUrl,
  LLM_API_KEY: 'none',
  LLM_MODEL: 'bench-chat',
  EMBEDDING_PROVIDER: 'openai',
  EMBEDDING_BASE_URL: baseUrl,
  EMBEDDING_API_KEY: 'none',
  EMBEDDING_MODEL_NAME: 'bench-embedding',
  EMBEDDING_DIM: '1024',
})

/** The model server in a process of its own, started by whoever is not measured. */
export async function startModels(): Promise<{ url: string; process: ChildProcess }> {
  const script = fileURLToPath(new URL('../../test/support/model-server.ts', import.meta.url))
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()))
    child.once('exit', () => reject(new Error('the model server ended')))
  })
  return { url, process: child }
}

export async function startApp(env: Readonly<Record<string, string>>): Promise<App> {
  const complain = (fields: Record<string, unknown>, message: string): void => {
    process.stderr.write(
      `${message} ${JSON.stringify(fields, (_key, value: unknown) => (value instanceof Error ? value.message : value))}\n`,
    )
  }
  const app = await createApp(readConfig(env, 'command'), { info: () => undefined, warn: complain, error: complain })
  await app.startWork()
  return app
}
