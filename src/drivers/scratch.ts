// A database that exists for one command and leaves nothing behind: in memory, or a database of its own on the server.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { AppError } from '../core/errors.ts'
import type { Database } from '../ports/database.ts'
import { openDatabase, unreachable } from './postgres.ts'

/**
 * @param serverUrl PostgreSQL connection string of any database on the server; undefined means the embedded engine in memory.
 * @returns an empty, migrated database whose `close` also removes it.
 * @throws AppError `not_ready` when the login may not create databases.
 */
export async function openScratchDatabase(serverUrl: string | undefined): Promise<Database> {
  if (serverUrl === undefined) return openDatabase({ url: undefined, directory: undefined, poolSize: 1 })
  const name = `insight_scratch_${randomBytes(6).toString('hex')}`
  await onServer(serverUrl, async (client) => {
    try {
      await client.query(`create database ${pg.escapeIdentifier(name)}`)
    } catch (cause) {
      throw new AppError(
        'not_ready',
        'The database login may not create a scratch database; grant it CREATEDB, or unset DATABASE_URL to use the embedded engine.',
        { cause },
      )
    }
  })
  const drop = (): Promise<void> =>
    onServer(serverUrl, async (client) => void (await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`)))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  try {
    const database = await openDatabase({ url: url.href, directory: undefined, poolSize: 4 })
    const close = async (): Promise<void> => {
      await database.close()
      await drop()
    }
    return { ...database, close }
  } catch (error) {
    await drop()
    throw error
  }
}

async function onServer(url: string, work: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect().catch((cause: unknown) => {
    throw unreachable(cause)
  })
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
