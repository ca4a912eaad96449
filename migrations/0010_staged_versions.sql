-- A large document is written in many short transactions before it is published. Its new rows carry the number of a version, and as long as
-- that version stands in this table no reader sees them: the policies below hide them from every statement, and deleting one row here
-- publishes them all at one instant.
create table staged_versions (
  workspace_id text collate "C" not null,
  -- Chosen at random, so that rows carried into another database meet no version that is staged there.
  version bigint not null check (version > 0),
  file_id text collate "C" not null,
  job_id uuid not null,
  -- Where its vectors lie; a workspace that moves meanwhile leaves them behind, and the document is staged anew.
  space_id integer not null references embedding_spaces,
  shard text collate "C" not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, version),
  -- Not cascading: whoever deletes a document must first take back what is staged of it, vectors included.
  foreign key (workspace_id, file_id) references documents
);
create index staged_versions_of_document on staged_versions (workspace_id, file_id);
select guard_table('staged_versions');

-- 0 for rows that were published as they were written. Rows keep their number after publication; it means nothing then.
alter table chunks add column staged_as bigint not null default 0;
alter table chunk_terms add column staged_as bigint not null default 0;
alter table blocks add column staged_as bigint not null default 0;
alter table entity_mentions add column staged_as bigint not null default 0;
alter table relation_mentions add column staged_as bigint not null default 0;

-- The wall of the tenant, and behind it the curtain. Both lists are read once per statement. A transaction that sets `insight.reveal` looks
-- behind the curtain, for one statement that takes over what another document has staged.
create function staged_policy() returns text language sql immutable as $$
  select '(case when workspace_id = any ((select string_to_array(current_setting(''insight.scope'', true), '',''))::text[])
    then staged_as <> all ((select array(select v.version from staged_versions v where current_setting(''insight.reveal'', true) is distinct from ''all''))::bigint[])
    else false end)'
$$;

create or replace function guard_table(target text) returns void language plpgsql as $$
declare
  staged boolean := exists (select from pg_attribute where attrelid = target::regclass and attname = 'staged_as' and not attisdropped);
begin
  execute format('alter table %I enable row level security', target);
  execute format('alter table %I force row level security', target);
  execute format('create policy scope on %I using %s with check %s', target, case when staged then staged_policy() else scope_policy() end, scope_policy());
  execute format('grant select, insert, update, delete on %I to insight_app', target);
end $$;

create or replace function ensure_vector_tables(dim integer) returns void language plpgsql as $$
declare
  target text;
begin
  foreach target in array array['chunk_vectors_', 'entity_vectors_', 'relation_vectors_'] loop
    if to_regclass(target || dim) is null then
      execute format(
        'create table %I (shard text collate "C" not null, workspace_id text collate "C" not null, space_id integer not null,
           id text collate "C" not null, embedding {{vector}}(%s) not null, staged_as bigint not null default 0,
           primary key (workspace_id, space_id, id, shard)) partition by list (shard)', target || dim, dim);
      execute format('create table %I partition of %I for values in (''small'')', target || dim || '_small', target || dim);
      execute format('alter table %I alter column embedding set storage plain', target || dim || '_small');
      perform guard_table(target || dim);
      perform guard_table(target || dim || '_small');
    end if;
  end loop;
end $$;

do $$
declare
  vectors text;
  guarded text;
begin
  for vectors in select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind = 'p' and relname ~ '^(chunk|entity|relation)_vectors_[0-9]+$'
  loop
    execute format('alter table %I add column staged_as bigint not null default 0', vectors);
  end loop;
  for guarded in select p.tablename from pg_policies p join pg_attribute a on a.attrelid = p.tablename::regclass and a.attname = 'staged_as'
    where p.schemaname = current_schema() and p.policyname = 'scope'
  loop
    execute format('alter policy scope on %I using %s with check %s', guarded, staged_policy(), scope_policy());
  end loop;
end $$;
