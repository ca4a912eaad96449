// Writes the schema that the migrations add up to into migrations/schema.sql, or checks that it is still true.
//   DATABASE_URL=… node scripts/schema.ts [--check]
import { readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import { openDatabase } from '../src/drivers/postgres.ts'
import { ensureSpace } from '../src/store/workspaces.ts'

const TARGET = new URL('../migrations/schema.sql', import.meta.url)
const NAME = 'insight_schema'

const server = process.env['DATABASE_URL']
if (server === undefined) throw new Error('DATABASE_URL names no server')
const admin = new pg.Client({ connectionString: server })
await admin.connect()
await admin.query(`drop database if exists ${NAME} with (force)`)
await admin.query(`create database ${NAME}`)
const url = new URL(server)
url.pathname = `/${NAME}`
const database = await openDatabase({ url: url.href, directory: undefined, poolSize: 1 })
await ensureSpace(database.db, 'example', 1024)
await database.close()

const client = new pg.Client({ connectionString: url.href })
await client.connect()
const text = await describe(client)
await client.end()
await admin.query(`drop database ${NAME} with (force)`)
await admin.end()

if (process.argv.includes('--check')) {
  if (readFileSync(TARGET, 'utf8') !== text) {
    process.stderr.write('migrations/schema.sql is not what the migrations make; run npm run schema and commit it\n')
    process.exit(1)
  }
} else {
  writeFileSync(TARGET, text)
}

/** Tables with columns, keys, checks, indexes, policies and grants, in a stable order. */
async function describe(db: pg.Client): Promise<string> {
  const rows = await db.query<{ line: string }>(`
    with tables as (
      select c.oid, c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, pg_get_partkeydef(c.oid) as partkey,
        pg_get_expr(c.relpartbound, c.oid) as bound
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'public' and c.relkind in ('r', 'p'))
    select line from (
      select relname, 0 as part, 0 as place, format(E'\\n-- table %s%s%s%s', relname, coalesce(' partition by ' || partkey, ''), coalesce(' ' || bound, ''),
        case when relforcerowsecurity then ' [row-level security, forced]' else '' end) as line from tables
      union all
      select t.relname, 1, a.attnum, format('%s %s%s%s%s', a.attname, format_type(a.atttypid, a.atttypmod),
        case when a.attcollation <> 0 and co.collname <> 'default' then ' collate "' || co.collname || '"' else '' end,
        case when a.attnotnull then ' not null' else '' end, coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''))
      from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum left join pg_collation co on co.oid = a.attcollation
      union all
      select t.relname, 2, row_number() over (partition by t.relname order by c.conname), format('constraint %s %s', c.conname, pg_get_constraintdef(c.oid))
      from tables t join pg_constraint c on c.conrelid = t.oid and c.contype <> 'n'
      union all
      select t.relname, 3, row_number() over (partition by t.relname order by i.indexname), i.indexdef
      from tables t join pg_indexes i on i.schemaname = 'public' and i.tablename = t.relname
      union all
      select t.relname, 4, row_number() over (partition by t.relname order by p.policyname), format('policy %s using %s', p.policyname, p.qual)
      from tables t join pg_policies p on p.schemaname = 'public' and p.tablename = t.relname
      union all
      select t.relname, 5, row_number() over (partition by t.relname order by g.privilege_type), format('grant %s to %s', lower(g.privilege_type), g.grantee)
      from tables t join information_schema.role_table_grants g on g.table_schema = 'public' and g.table_name = t.relname and g.grantee = 'insight_app') s
    order by relname, part, place`)
  return `-- What the migrations add up to, for reading; made by npm run schema and kept true by the checks.\n${rows.rows.map((row) => row.line).join('\n')}\n`
}
