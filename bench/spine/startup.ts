// The service as its users start it: how long until it answers, and what memory it holds once it has nothing to do.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { freshPlace } from './place.ts'
import { childrenOf, residentMegabytes } from './meter.ts'

export type StartFigures = { readySeconds: number; seededSeconds: number; restMb: number; restWithParsersMb: number }

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const GIVE_UP_MS = 180_000
/** After the last document, so that memory in transit is given back. */
const REST_MS = 10_000

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts `src/main.ts` on an empty place; the seed material is ingested as on every first start. */
export async function measureStart(server: string | undefined, name: string): Promise<StartFigures> {
  const place = await freshPlace(server, name)
  const port = await freePort()
  const inherited = { PATH: process.env['PATH'] ?? '' }
  const started = performance.now()
  const child = spawn(process.execPath, [MAIN], {
    env: { ...inherited, ...place.env, HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error' },
    cwd: place.env['DATA_DIR'],
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const until = async (holds: (body: Record<string, unknown>) => boolean): Promise<number> => {
    while (performance.now() - started < GIVE_UP_MS && child.exitCode === null) {
      const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined)
      if (response?.ok === true && holds((await response.json()) as Record<string, unknown>)) return (performance.now() - started) / 1000
      await pause(50)
    }
    return Number.NaN
  }
  try {
    const readySeconds = await until(() => true)
    const seededSeconds = await until((body) => body['seeding'] === false)
    await pause(REST_MS)
    const pid = child.pid ?? 0
    const restMb = residentMegabytes(pid)
    return {
      readySeconds,
      seededSeconds,
      restMb,
      restWithParsersMb: restMb + childrenOf(pid).reduce((sum, one) => sum + residentMegabytes(one), 0),
    }
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
    await place.clear()
  }
}
