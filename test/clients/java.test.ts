// The Java example as a backend's developer runs it: plain JDK, against the real service. Skipped where there is no JDK.
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Service, servicePlace, type ServicePlace, startService } from '../support/service.ts'
import { TEST_SECRET } from '../support/tokens.ts'

const run = promisify(execFile)
const CALLBACK_SECRET = 'a secret shared with the backend'

function hasJdk(): boolean {
  try {
    execFileSync('javac', ['-version'], { stdio: 'ignore' })
    return true
  } catch {
    // No JDK here: the example is compiled and run where there is one.
    return false
  }
}

describe.skipIf(!hasJdk())('the Java example', () => {
  let place: ServicePlace
  let service: Service
  let classes: string
  let port: number

  beforeAll(async () => {
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    port = (probe.address() as AddressInfo).port
    probe.close()
    await once(probe, 'close')
    place = await servicePlace()
    classes = await mkdtemp(join(tmpdir(), 'insight-java-'))
    ;[service] = await Promise.all([
      startService(place, { JAVA_BASE_URL: `http://127.0.0.1:${port}`, OSS_HOSTS: '127.0.0.1', JWT_SECRET: TEST_SECRET, CALLBACK_SECRET }),
      run('javac', [
        '--release',
        '17',
        '-Xlint:all',
        '-Werror',
        '-encoding',
        'UTF-8',
        '-d',
        classes,
        'clients/java/InsightRagExample.java',
      ]),
    ])
  }, 180_000)

  afterAll(async () => {
    await service?.stop()
    await place?.clear()
    await rm(classes, { recursive: true, force: true })
  })

  const example = (env: Record<string, string>) =>
    run('java', ['-Dstdout.encoding=UTF-8', '-Dfile.encoding=UTF-8', '-cp', classes, 'InsightRagExample', service.url, String(port)], {
      env: { ...process.env, JWT_SECRET: TEST_SECRET, CALLBACK_SECRET, ...env },
    })

  test('signs in, has its file read, verifies the callbacks, and finds what the file says', async () => {
    const { stdout } = await example({})
    expect(stdout.trim().split('\n')).toEqual([
      expect.stringMatching(/^accepted: job \S+$/),
      'callback: processing',
      'callback: completed',
      'found: user/教案.md: 二次函数的图像是抛物线。顶点公式给出抛物线的顶点坐标。',
    ])
  })

  test('with another secret its token is refused, in words', async () => {
    await expect(example({ JWT_SECRET: 'another secret that is as long as it must be' })).rejects.toMatchObject({
      stderr: expect.stringContaining('parse was refused: 401 unauthorized'),
    })
  })
})
