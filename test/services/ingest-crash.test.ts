// kill -9 at every commit: the next start finishes the work, nothing is half-visible, and no stored reply is asked for again.
import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { slotUrl } from '../support/database.ts'
import { placeEmbedded } from '../support/template.ts'

const server = process.env['DATABASE_URL']
const asked: string[] = []
let models: Server
let base = ''

beforeAll(async () => {
  models = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      asked.push(`${request.url} ${Buffer.concat(parts).toString()}`)
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => models.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(models.address() as AddressInfo).port}`
})

afterAll(() => new Promise((resolve) => models.close(resolve)))

type Outcome = { killed: boolean; digest?: Record<string, string>; statuses?: string[]; commits?: number }

function run(instructions: object): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      ['test/support/crash-child.ts', JSON.stringify({ ...instructions, models: base })],
      { timeout: 60_000 },
      (error, stdout, stderr) => {
        if (error?.signal === 'SIGKILL' && !error.killed) return resolve({ killed: true })
        if (error) return reject(new Error(`${error.message}\n${stderr}`))
        resolve({ killed: false, ...(JSON.parse(stdout) as object) })
      },
    )
  })
}

/** A place for one story: a fresh database directory, or a fresh database on the server. */
async function place(): Promise<{ instructions: object; clear(): Promise<void> }> {
  if (server === undefined) {
    const folder = await mkdtemp(join(tmpdir(), 'insight-crash-'))
    const directory = join(folder, 'pglite')
    await placeEmbedded(directory)
    return { instructions: { directory }, clear: () => rm(folder, { recursive: true, force: true }) }
  }
  const name = `insight_crash_${process.pid}`
  const drop = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(`drop database if exists ${name} with (force)`)
    await client.end()
  }
  await drop()
  return { instructions: { url: await slotUrl(server, name) }, clear: drop }
}

// A spread of the commits, few on the embedded engine, whose start takes seconds; test/chaos kills between commits too. All with CHAOS=long.
const STORIES = process.env['CHAOS'] === 'long' ? Infinity : server === undefined ? 2 : 4

test(
  'killed before or after any commit, the next start ends in the undisturbed digest and asks no stored reply again',
  { timeout: process.env['CHAOS'] === 'long' ? 3_600_000 : 420_000 },
  async () => {
    const quiet = await place()
    asked.length = 0
    const undisturbed = await run({ kill: 0, when: 'before', ...quiet.instructions })
    const askedOnce = asked.toSorted()
    await quiet.clear()
    expect(undisturbed.statuses).toEqual(['completed', 'completed'])
    expect(askedOnce.length).toBe(4)
    let kills = 0
    const commits = undisturbed.commits ?? 0
    const step = Math.max(1, Math.floor(commits / STORIES))
    for (let kill = Math.ceil(step / 2); kill <= commits; kill += step) {
      for (const when of ['before', 'after'] as const) {
        const story = await place()
        asked.length = 0
        const first = await run({ kill, when, ...story.instructions })
        const afterKill = [...asked]
        const second = await run({ kill: 0, when, ...story.instructions })
        await story.clear()
        kills += first.killed ? 1 : 0
        expect(second.digest, `kill ${when} commit ${kill}`).toEqual(undisturbed.digest)
        expect(second.statuses).toEqual(['completed', 'completed'])
        // Only the last call before the death can have been on its way, its reply not stored yet.
        const stored = afterKill.slice(0, -1)
        expect(asked.slice(afterKill.length).filter((call) => stored.includes(call))).toEqual([])
      }
    }
    expect(kills).toBeGreaterThan(0)
  },
)
