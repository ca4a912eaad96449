// The drill of going back in time: a base backup and the archived log, restored to the moment before a mistake. Content is that of the
// moment, waiting work goes on, and Java hears nothing twice under a new name.
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaceId } from '../../src/core/workspace.ts'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { createJavaBackend } from '../../src/java/backend.ts'
import { downloadFile } from '../../src/java/download.ts'
import type { Database } from '../../src/ports/database.ts'
import { DEFAULT_PARSE_OPTIONS } from '../../src/ports/parser.ts'
import { startTestEngine, type TestEngine } from '../support/engine.ts'
import { type JavaServer, startJavaServer } from '../support/java-server.ts'
import { onServer, OwnPostgres, type OwnServer, serverPrograms } from '../support/own-postgres.ts'
import { until } from './support.ts'

const there = (await serverPrograms()) !== undefined
const teacher = workspaceId('teacher-7')

let own: OwnPostgres
let java: JavaServer
beforeAll(async () => {
  if (!there) return
  own = await OwnPostgres.open()
  java = await startJavaServer()
})
afterAll(async () => {
  if (!there) return
  await java.close()
  await own.close()
})

type Running = { database: Database; engine: TestEngine; stop(): Promise<void> }

async function engineOn(server: OwnServer): Promise<Running> {
  const database = await openDatabase({ url: server.url(), directory: undefined, poolSize: 4 })
  const engine = startTestEngine(database, {
    java: createJavaBackend({ baseUrl: java.baseUrl }),
    download: (url, signal) => downloadFile(url, { ossHosts: ['127.0.0.1'], maxBytes: 1_000_000, timeoutMs: 60_000 }, signal),
    scheduleMs: Array.from({ length: 1_000 }, () => 20),
  })
  const stop = async (): Promise<void> => {
    await engine.close()
    await database.close()
  }
  return { database, engine, stop }
}

const parse = ({ engine }: Running, fileId: string) =>
  engine.documents.parse(
    teacher,
    { fileId, options: DEFAULT_PARSE_OPTIONS, signedUrl: java.signedUrl(fileId), fileName: `${fileId}.md` },
    'jwt',
  )
/** Every event Java was ever called with about a file, whatever it answered. */
const eventsOf = (fileId: string): string[] => [
  ...new Set(
    java.requests.filter(({ path }) => path.endsWith(`/${fileId}/parse-status`)).map(({ headers }) => String(headers['x-event-id'])),
  ),
]
const wasTold = (fileId: string): boolean =>
  java.callbacks.some((call) => call.fileId === fileId && call.json['parseStatus'] === 'completed')

test.skipIf(!there)('a base backup and the log restore the moment before a mistake', { timeout: 240_000 }, async () => {
  for (const fileId of ['told', 'untold', 'waiting', 'mistake'])
    java.putFile(fileId, {
      bytes: Buffer.from(`# ${fileId}\n\n[${fileId}|concept|of ${fileId}] [Shared|concept|by all]`),
      fileName: `${fileId}.md`,
    })
  const archive = await own.folder()
  const primary = await own.create(['archive_mode = on', `archive_command = 'cp %p ${archive}/%f'`])
  await primary.start()
  const before = await engineOn(primary)
  await parse(before, 'told')
  await java.waitForCallbacks(() => wasTold('told'))
  const base = await own.copy(
    primary,
    [],
    ['archive_mode = off', `restore_command = 'cp ${archive}/%f %p'`, 'recovery_target_action = promote'],
  )

  // After the backup, known only from the log: a document Java could not be told of, and one that waits.
  java.setOutage(503)
  await parse(before, 'untold')
  await before.engine.settled(teacher, 'untold')
  await until(() => Promise.resolve(eventsOf('untold').length === 2 ? true : undefined))
  await before.engine.worker.stop()
  const digest = await before.engine.digest(teacher)
  await parse(before, 'waiting')
  const moment = await sql<{ now: string }>`select clock_timestamp()::text as now`.execute(before.database.db)

  // The mistake, and what follows it.
  await before.engine.documents.remove(teacher, 'told')
  await before.stop()
  const switched = await onServer<{ file: string }>(primary.url(), 'select pg_walfile_name(pg_switch_wal()) as file')
  await until(async () => {
    const [archived] = await onServer<{ last: string | null }>(primary.url(), 'select last_archived_wal as last from pg_stat_archiver')
    return (archived?.last ?? '') >= (switched[0]?.file ?? '') ? true : undefined
  })
  await primary.stop('immediate')

  await appendFile(join(base.folder, 'postgresql.conf'), `recovery_target_time = '${moment.rows[0]?.now}'\n`)
  await writeFile(join(base.folder, 'recovery.signal'), '')
  await base.start()
  await until(async () => {
    const [state] = await onServer<{ recovering: boolean }>(base.url(), 'select pg_is_in_recovery() as recovering')
    return state?.recovering === false ? true : undefined
  })
  const known = ['told', 'untold'].flatMap(eventsOf)
  const after = await engineOn(base)
  expect((await after.engine.documents.get(teacher, 'told')).parseStatus).toBe('completed')
  await after.engine.settled(teacher, 'waiting')
  java.setOutage(undefined)
  await java.waitForCallbacks(() => wasTold('waiting') && wasTold('untold'))
  expect(java.callbacks.filter((call) => call.fileId === 'told').length).toBe(2)
  expect(['told', 'untold'].flatMap(eventsOf)).toEqual(known)
  expect(new Set(eventsOf('waiting')).size).toBe(2)
  await after.engine.documents.remove(teacher, 'waiting')
  expect(await after.engine.digest(teacher)).toEqual(digest)
  await after.stop()
})
