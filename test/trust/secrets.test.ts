// A run of the whole service with secrets in every place that holds one, and with everything failing that can quote them:
// none of them is found afterwards in its log, its answers, its metrics or, readable, in its database.
import { join } from 'node:path'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { openDatabase } from '../../src/drivers/postgres.ts'
import { startJavaServer } from '../support/java-server.ts'
import { startModelServer } from '../support/model-server.ts'
import { servicePlace, startService } from '../support/service.ts'
import { signWithSecret } from '../support/tokens.ts'
import { until } from './support.ts'

const SECRETS = {
  JWT_SECRET: 'seeded-jwt-secret-0123456789abcdef0123456789',
  ADMIN_TOKEN: 'seeded-admin-token-0123456789',
  INTERNAL_TOKENS: 'seeded-internal-token-0123456789',
  JAVA_SERVICE_TOKEN: 'seeded-java-service-token-0123456789',
  CALLBACK_SECRET: 'seeded-callback-secret-0123456789',
  SECRETS_KEY: 'seeded-secrets-key-0123456789abcdef',
  LLM_API_KEY: 'sk-seeded-llm-key-0123456789',
  EMBEDDING_API_KEY: 'sk-seeded-embedding-key-0123456789',
}
const SIGNATURE = 'OSSAccessKeyId=seeded&Signature=seededsignature0123456789'

test('no secret is found in log, answers, metrics or, in clear, in the database', { timeout: 180_000 }, async () => {
  const java = await startJavaServer()
  const models = await startModelServer({ dim: 64, maxBatch: 64 })
  const place = await servicePlace()
  const env = {
    ...SECRETS,
    JAVA_BASE_URL: java.baseUrl,
    OSS_HOSTS: '127.0.0.1',
    LLM_BASE_URL: models.url,
    LLM_MODEL: 'm',
    EMBEDDING_PROVIDER: 'openai',
    EMBEDDING_BASE_URL: models.url,
    EMBEDDING_MODEL_NAME: 'e',
    EMBEDDING_DIM: '64',
    LOG_LEVEL: 'debug',
  }
  const service = await startService(place, env)
  const token = signWithSecret(SECRETS.JWT_SECRET, { teacherId: 'scan' })
  const caller = { authorization: `Bearer ${token}` }
  const admin = { 'x-admin-token': SECRETS.ADMIN_TOKEN }
  const seen: string[] = []
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = caller) => {
    const answer = await service.call(method, path, body, headers)
    seen.push(JSON.stringify([answer.json, [...answer.headers]]))
    return answer
  }
  const parse = (fileId: string, signedUrl: string) =>
    call('POST', '/api/internal/documents/parse', { fileId, fileName: `${fileId}.md`, signedUrl })
  java.putFile('good', { bytes: Buffer.from('# 「一次函数」\n\n学习「二次函数」。'), fileName: 'good.md', mediaType: 'text/markdown' })
  // Upstreams that quote what they were sent, as real ones do.
  models.failNext(
    'chat',
    ...Array.from({ length: 30 }, () => ({
      kind: 'status' as const,
      status: 401,
      message: `Incorrect API key provided: ${SECRETS.LLM_API_KEY}`,
    })),
  )
  java.scriptCallbacks(500, { status: 400, body: { message: `bad token ${token}` } }, { hangUp: true })
  await parse('good', `${java.signedUrl('good')}&${SIGNATURE}`)
  await parse('missing', `${java.storageUrl}/none?${SIGNATURE}`)
  await parse('forbidden', `http://169.254.169.254/latest?${SIGNATURE}`)
  await parse('user-in-url', `http://name:seededsignature0123456789@10.0.0.1/x?${SIGNATURE}`)
  for (const fileId of ['good', 'missing', 'forbidden', 'user-in-url']) {
    await until(async () => {
      const { json } = await call('GET', `/api/documents/${fileId}`)
      return json['parseStatus'] === 'completed' || json['parseStatus'] === 'failed' ? true : undefined
    })
  }
  await call('POST', '/api/query', { query: '二次函数' })
  await call('POST', '/api/search', { query: '二次函数', mode: 'mix' })
  await call('GET', `/api/documents?access_token=${token}`, undefined, {})
  await call('GET', '/api/documents', undefined, { authorization: `Bearer ${token}x` })
  await call('GET', '/api/documents', undefined, {
    authorization: `Bearer ${signWithSecret('another-secret-of-the-right-length-000000', { teacherId: 'scan' })}`,
  })
  for (const path of [
    '/metrics',
    '/readyz',
    '/healthz',
    '/api/workspaces',
    '/api/admin/queue',
    '/api/admin/callbacks?state=parked',
    '/api/admin/callbacks?state=pending',
  ])
    await call('GET', path, undefined, admin)
  const log = service.log()
  expect(await service.stop()).toBe(0)

  const database = await openDatabase({
    url: place.env['DATABASE_URL'],
    directory: join(place.env['DATA_DIR'] ?? '', 'pglite'),
    poolSize: 2,
  })
  const tables = await sql<{ name: string }>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind = 'r' and not c.relname like '%\\_vectors\\_%'`.execute(database.db)
  const stored: string[] = []
  for (const { name } of tables.rows) {
    const rows = await sql<{ row: string }>`select to_jsonb(t)::text as row from ${sql.table(name)} t`.execute(database.db)
    stored.push(...rows.rows.map(({ row }) => `${name} ${row}`))
  }
  await database.close()
  await Promise.all([java.close(), models.close(), place.clear()])
  // The scan would find nothing either if nothing had been stored or said.
  expect(stored.length).toBeGreaterThan(10)
  expect(log.length).toBeGreaterThan(500)
  const hex = (text: string): string => Buffer.from(text).toString('hex')
  const places = { log, answers: seen.join('\n'), database: stored.join('\n') }
  const found: string[] = []
  for (const [name, secret] of Object.entries({
    ...SECRETS,
    jwt: token,
    jwtSignature: token.split('.')[2] ?? '',
    signedUrl: 'seededsignature0123456789',
  })) {
    for (const [where, text] of Object.entries(places)) {
      for (const form of [secret, hex(secret), Buffer.from(secret).toString('base64').replace(/=+$/, '')]) {
        const at = text.indexOf(form)
        if (at !== -1) found.push(`${name} in ${where}: …${text.slice(Math.max(0, at - 120), at)}`)
      }
    }
  }
  expect(found).toEqual([])
})
