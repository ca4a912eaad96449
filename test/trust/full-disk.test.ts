// The embedded database on a disk that runs full: clear words, answers as before, nothing lost, and the work goes on when there is room.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Service, startService } from '../support/service.ts'
import { until } from './support.ts'

/** The engine's files take about 70 MB; a write-ahead segment is 16. */
const DISK_MB = 110

let folder: string
let mounted = false
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'insight-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MB}m`, 'tmpfs', folder], { stdio: 'ignore' })
    mounted = true
  } catch {
    // Only root may mount; elsewhere there is no small disk to fill.
  }
})
afterAll(async () => {
  if (mounted) execFileSync('umount', ['-l', folder])
  await rm(folder, { recursive: true, force: true })
})

const filler = (): string => join(folder, 'filler')

function fillDisk(): void {
  const file = openSync(filler(), 'w')
  const block = Buffer.alloc(4096)
  try {
    for (;;) writeSync(file, block)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(file)
  }
}

const upload = (on: Service, fileId: string) =>
  on.call('POST', '/api/documents', {
    fileId,
    fileName: `${fileId}.md`,
    text: `# ${fileId}\n\nphotosynthesis in ${fileId} happens in leaves`,
  })
const statusOf = async (on: Service, fileId: string): Promise<unknown> =>
  (await on.call('GET', `/api/documents/${fileId}`)).json['parseStatus']
const completed = (on: Service, fileId: string) => until(async () => ((await statusOf(on, fileId)) === 'completed' ? true : undefined))

// With DATABASE_URL there is no embedded database; a server says the same with the same code.
test.skipIf(process.env['DATABASE_URL'] !== undefined)(
  'a full disk delays work and loses nothing',
  { timeout: 240_000 },
  async (context) => {
    if (!mounted) return context.skip('this user may not mount a small disk')
    const place = { env: { DATA_DIR: join(folder, 'data') }, clear: () => Promise.resolve() }
    const service = await startService(place, { LOG_LEVEL: 'error' })
    expect((await upload(service, 'before')).status).toBe(202)
    await completed(service, 'before')

    fillDisk()
    const accepted: string[] = []
    const told = await until(async () => {
      const answer = await upload(service, `during-${accepted.length}`)
      if (answer.status !== 202) return answer.json['error'] as { code: string; message: string }
      accepted.push(`during-${accepted.length}`)
      const { jobs } = (await service.call('GET', '/api/admin/queue')).json as { jobs: { reason: string | null }[] }
      const [code, ...sentence] = jobs.find(({ reason }) => reason?.startsWith('storage_full'))?.reason?.split(': ') ?? []
      return code === undefined ? undefined : { code, message: sentence.join(': ') }
    })
    expect(told).toMatchObject({ code: 'storage_full', message: expect.stringContaining('disk of the database is full') })
    const found = await service.call('POST', '/api/search', { query: 'photosynthesis', includePublic: false })
    expect((found.json['results'] as { fileId: string }[]).map(({ fileId }) => fileId)).toContain('before')
    expect((await service.call('GET', '/healthz')).status).toBe(200)

    rmSync(filler())
    for (const fileId of accepted) await completed(service, fileId)
    expect((await upload(service, 'after')).status).toBe(202)
    await completed(service, 'after')
    expect(await service.stop()).toBe(0)
    const again = await startService(place, { LOG_LEVEL: 'error' })
    for (const fileId of ['before', ...accepted, 'after']) expect(await statusOf(again, fileId)).toBe('completed')
    expect(await again.stop()).toBe(0)
  },
)
