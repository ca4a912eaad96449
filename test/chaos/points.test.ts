// kill -9 at points spread over everything a process does for Java: before and after statements, look-ups, downloads, model calls and
// callbacks. The next start finishes without help, with the content of an undisturbed run, one id per event, and no stored reply asked
// for again. A few points in every test run; `npm run test:chaos` takes 40 on a server and 10 on the embedded engine,
// CHAOS_POINTS as many as it says, CHAOS_SEED others.
import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { slotUrl } from '../support/database.ts'
import { type JavaServer, startJavaServer } from '../support/java-server.ts'

const server = process.env['DATABASE_URL']
const whole = process.env['npm_lifecycle_event'] === 'test:chaos'
const POINTS = Number(process.env['CHAOS_POINTS'] ?? (server === undefined ? (whole ? 10 : 2) : whole ? 40 : 5))
/** Moves the grid of points, so that another seed kills elsewhere. */
const PHASE = (((Number(process.env['CHAOS_SEED'] ?? 1) * 0.618) % 1) + 1) % 1

let java: JavaServer
let models: Server
let asked: string[] = []
beforeAll(async () => {
  java = await startJavaServer()
  for (const fileId of ['a', 'b'])
    java.putFile(fileId, {
      bytes: Buffer.from(
        `# ${fileId}\n\n[勾股定理|theorem|From ${fileId}.] text [勾股定理 -uses-> Side ${fileId}] [勾股定理 = Pythagoras]`,
      ),
      fileName: `${fileId}.md`,
      mediaType: 'text/markdown',
    })
  models = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      asked.push(`${request.url} ${Buffer.concat(parts).toString()}`)
      response.end('{}')
    })
  })
  models.listen(0, '127.0.0.1')
  await once(models, 'listening')
})
afterAll(async () => {
  models.close()
  await java.close()
})
beforeEach(() => {
  asked = []
  java.callbacks.length = 0
})

type Outcome = { killed: boolean; digest?: Record<string, string>; statuses?: string[]; points?: number }

function run(place: object, kill: number): Promise<Outcome> {
  const modelsUrl = `http://127.0.0.1:${(models.address() as AddressInfo).port}`
  const instructions = JSON.stringify({ ...place, kill, java: java.baseUrl, models: modelsUrl })
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['test/support/points-child.ts', instructions], { timeout: 120_000 }, (error, stdout, stderr) => {
      if (error?.signal === 'SIGKILL' && !error.killed) return resolve({ killed: true })
      if (error) return reject(new Error(`${error.message}\n${stderr}`))
      resolve({ killed: false, ...(JSON.parse(stdout) as object) })
    })
  })
}

/** A fresh database directory, or a fresh database on the server. */
async function place(): Promise<{ where: object; clear(): Promise<void> }> {
  if (server === undefined) {
    const directory = await mkdtemp(join(tmpdir(), 'insight-points-'))
    return { where: { directory }, clear: () => rm(directory, { recursive: true, force: true }) }
  }
  const name = `insight_points_${process.pid}`
  const drop = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(`drop database if exists ${name} with (force)`)
    await client.end()
  }
  await drop()
  return { where: { url: await slotUrl(server, name) }, clear: drop }
}

/** For each file the statuses Java was told, one for each event id, in order of the first telling. */
const told = (): Record<string, unknown[]> =>
  Object.fromEntries(
    ['a', 'b'].map((fileId) => [
      fileId,
      [
        ...new Map(java.callbacks.filter((call) => call.fileId === fileId).map((call) => [call.headers['x-event-id'], call.json])).values(),
      ].map((body) => body['parseStatus']),
    ]),
  )

test('killed at any point, the next start ends where an undisturbed run ends', { timeout: 3_600_000 }, async () => {
  const quiet = await place()
  const undisturbed = await run(quiet.where, 0)
  await quiet.clear()
  const undisturbedly = { a: ['processing', 'completed'], b: ['processing', 'completed'] }
  expect([undisturbed.statuses, told()]).toEqual([['completed', 'completed'], undisturbedly])
  const total = undisturbed.points ?? 0
  expect(total).toBeGreaterThan(100)
  let kills = 0
  for (let at = 0; at < POINTS; at++) {
    const kill = 1 + Math.floor(((at + PHASE) * total) / POINTS)
    asked = []
    java.callbacks.length = 0
    const story = await place()
    const first = await run(story.where, kill)
    const before = [...asked]
    const second = await run(story.where, 0)
    await story.clear()
    kills += first.killed ? 1 : 0
    const what = `kill at point ${kill} of ${total}`
    expect(second.digest, what).toEqual(undisturbed.digest)
    expect(second.statuses, what).toEqual(['completed', 'completed'])
    expect(told(), what).toEqual(undisturbedly)
    // Only the last call before the death can have been on its way, its reply not stored yet.
    const stored = before.slice(0, -1)
    expect(
      asked.slice(before.length).filter((call) => stored.includes(call)),
      what,
    ).toEqual([])
  }
  expect(kills).toBeGreaterThan(POINTS / 2)
})
