-- Statistics on which tenants there are mislead: a workspace that was not there, or small, at the last ANALYZE has no rows to the planner, every
-- index that begins with workspace_id then looks as good as the key, and joins read the whole workspace once per row (350 ms instead of 50 at
-- 200 documents; autovacuum mends that a tenth of the table later). Without them each workspace is taken for a two hundredth of its table, new
-- or old, and a look-up by key is always the cheapest. Partitions of one workspace keep theirs, and so do the terms, where a lone word may
-- be better looked for by workspace.
create function forget_tenants(target regclass) returns void language plpgsql as $$
begin
  delete from pg_statistic s using pg_attribute a
  where s.starelid = target and a.attrelid = target and a.attname = 'workspace_id' and s.staattnum = a.attnum;
  execute format('alter table %s alter column workspace_id set statistics 0', target);
exception when insufficient_privilege then
  -- What was counted can be forgotten by a superuser only, and would be believed for ever if it were not counted anew.
  if (select reltuples < 0 from pg_class where oid = target) then
    execute format('alter table %s alter column workspace_id set statistics 0', target);
  end if;
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
      execute format('alter table %I alter column embedding set storage plain, alter column workspace_id set statistics 0', target || dim || '_small');
      perform guard_table(target || dim);
      perform guard_table(target || dim || '_small');
    end if;
  end loop;
end $$;

select forget_tenants(c.oid::regclass) from pg_class c
where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r'
  and (c.relname in ('documents', 'blocks', 'chunks', 'entity_mentions', 'relation_mentions', 'alias_mentions', 'entity_keys', 'entity_votes', 'relation_votes',
      'entities', 'relations', 'entity_summaries', 'relation_summaries')
    or c.relname ~ '^(chunk|entity|relation)_vectors_[0-9]+_small$');

drop function forget_tenants(regclass);
