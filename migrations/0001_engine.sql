-- The whole engine: tenants, documents, evidence, the graph as a fold of mentions, narrow index tables, durable work.
-- {{vector}} is halfvec on PostgreSQL and vector on the embedded engine (which has no hardware half precision).

create table embedding_spaces (
  space_id integer generated always as identity primary key,
  model text not null,
  dim integer not null check (dim between 1 and 4000),
  unique (model, dim)
);

create table workspaces (
  workspace_id text collate "C" primary key check (workspace_id ~ '^(public|(teacher|course|kb)-[A-Za-z0-9_-]{1,64})$'),
  space_id integer not null references embedding_spaces,
  -- Which leaf of the vector tables holds this workspace: 'small' is shared, a promoted workspace has its own.
  shard text collate "C" not null default 'small',
  -- Bumped by every publish, delete and edit; caches and tests key on it.
  revision bigint not null default 0,
  settings jsonb not null default '{}',
  created_at timestamptz not null default now()
);

create table documents (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  file_id text collate "C" not null check (file_id ~ '^[A-Za-z0-9._:-]{1,128}$'),
  file_name text not null,
  collection text not null default 'default',
  metadata jsonb not null default '{}',
  -- The latest attempt.
  job_id uuid not null,
  parse_status text not null check (parse_status in ('pending', 'processing', 'completed', 'failed')),
  stage text not null default 'queued',
  progress real not null default 0,
  attempts integer not null default 0,
  parse_error text,
  -- The live version; null until the first publish.
  live_name text,
  live_collection text,
  live_metadata jsonb,
  title text,
  media_type text,
  content_sha256 text,
  -- Hash over parse options, parser, chunking, extractor and space: together with the content it decides 'unchanged'.
  recipe text,
  chunk_count integer not null default 0,
  entity_count integer not null default 0,
  relation_count integer not null default 0,
  warnings jsonb not null default '[]',
  timings jsonb not null default '{}',
  models jsonb not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, file_id)
);
create index documents_newest on documents (workspace_id, created_at desc, file_id);

create table blocks (
  workspace_id text collate "C" not null,
  file_id text collate "C" not null,
  ordinal integer not null,
  block jsonb not null,
  primary key (workspace_id, file_id, ordinal),
  foreign key (workspace_id, file_id) references documents on delete cascade
);

create table assets (
  workspace_id text collate "C" not null,
  file_id text collate "C" not null,
  sha256 text collate "C" not null,
  media_type text not null,
  bytes bytea not null,
  primary key (workspace_id, file_id, sha256),
  foreign key (workspace_id, file_id) references documents on delete cascade
);

create table chunks (
  workspace_id text collate "C" not null,
  chunk_id text collate "C" not null,
  file_id text collate "C" not null,
  ordinal integer not null,
  content text not null,
  -- Title, heading path and page: embedded and searched with the content, not shown as content.
  header text not null,
  headings text[] not null,
  page integer,
  page_end integer,
  tokens integer not null,
  -- Of the content alone: what an extraction depends on.
  text_hash text collate "C" not null,
  -- Of header and content: what the vector depends on.
  embed_hash text collate "C" not null,
  -- Prompt version and model whose mentions this chunk carries; null when extraction was off.
  extractor text,
  collection text not null,
  metadata jsonb not null default '{}',
  primary key (workspace_id, chunk_id),
  foreign key (workspace_id, file_id) references documents on delete cascade
);
create index chunks_of_document on chunks (workspace_id, file_id, ordinal);
create index chunks_by_text on chunks (workspace_id, text_hash);
create index chunks_by_embedding on chunks (workspace_id, embed_hash);
create index chunks_of_collection on chunks (workspace_id, collection);

-- The lexical index: narrow and without row-level security, because @@ is not leakproof and Postgres would drop the
-- GIN index. Every reader joins to the guarded chunks. The first lexeme names the workspace.
create table chunk_terms (
  workspace_id text collate "C" not null,
  chunk_id text collate "C" not null,
  length integer not null,
  terms tsvector not null,
  primary key (workspace_id, chunk_id),
  foreign key (workspace_id, chunk_id) references chunks on delete cascade
);
create index chunk_terms_lexemes on chunk_terms using gin (terms);

-- What one chunk says about one entity. The key is immutable; entity_id is where the key leads today (aliases, merges).
create table entity_mentions (
  workspace_id text collate "C" not null,
  chunk_id text collate "C" not null,
  key text collate "C" not null,
  entity_id text collate "C" not null,
  name text not null,
  type text not null,
  description text not null,
  quote text not null,
  -- 0 stated by the source's structure, 1 a language model, 2 the built-in extractor; the order-free choice of descriptions starts with it.
  rank smallint not null,
  extractor text not null,
  primary key (workspace_id, chunk_id, key),
  foreign key (workspace_id, chunk_id) references chunks on delete cascade
);
create index entity_mentions_of_entity on entity_mentions (workspace_id, entity_id, rank, chunk_id, key);
create index entity_mentions_of_key on entity_mentions (workspace_id, key);

create table relation_mentions (
  workspace_id text collate "C" not null,
  chunk_id text collate "C" not null,
  source_key text collate "C" not null,
  target_key text collate "C" not null,
  -- Null when aliases make both ends one entity.
  relation_id text collate "C",
  -- The asserted triple (source, keywords, target), under which it is embedded in relation_vectors.
  fact_id text collate "C" not null,
  -- True when the asserted source is the relation's first end (ends are ordered by id).
  forward boolean not null,
  keywords text[] not null,
  description text not null,
  quote text not null,
  weight numeric not null,
  rank smallint not null,
  extractor text not null,
  primary key (workspace_id, chunk_id, source_key, target_key),
  foreign key (workspace_id, chunk_id) references chunks on delete cascade
);
create index relation_mentions_of_relation on relation_mentions (workspace_id, relation_id, rank, chunk_id, source_key, target_key);
create index relation_mentions_of_fact on relation_mentions (workspace_id, fact_id);
create index relation_mentions_of_source on relation_mentions (workspace_id, source_key);
create index relation_mentions_of_target on relation_mentions (workspace_id, target_key);

-- A chunk that gives two names for one thing. Dies with its chunk like every mention.
create table alias_mentions (
  workspace_id text collate "C" not null,
  chunk_id text collate "C" not null,
  key text collate "C" not null,
  alias_key text collate "C" not null,
  alias_name text not null,
  primary key (workspace_id, chunk_id, key, alias_key),
  foreign key (workspace_id, chunk_id) references chunks on delete cascade
);
create index alias_mentions_of_key on alias_mentions (workspace_id, key);
create index alias_mentions_of_alias on alias_mentions (workspace_id, alias_key);

-- A person's merges: remembered, undone by their id.
create table entity_merges (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  merge_id text collate "C" not null,
  from_key text collate "C" not null,
  into_key text collate "C" not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, from_key, merge_id)
);
create index entity_merges_of_into on entity_merges (workspace_id, into_key);

-- Where a key leads when aliases or merges connect it with others; a key without a row leads to itself. Derived.
-- key_id is the key's own id, under which its name is embedded in entity_vectors, whatever entity it leads to today.
create table entity_keys (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  key text collate "C" not null,
  key_id text collate "C" not null,
  entity_id text collate "C" not null,
  primary key (workspace_id, key)
);
create index entity_keys_of_entity on entity_keys (workspace_id, entity_id);
create index entity_keys_by_id on entity_keys (workspace_id, key_id);

-- A person's corrections, rows of their own: they override the fold and survive every rebuild.
create table entity_edits (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  key text collate "C" not null,
  name text,
  type text,
  description text,
  created boolean not null default false,
  deleted boolean not null default false,
  edited_at timestamptz not null default now(),
  primary key (workspace_id, key)
);

create table relation_edits (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  source_key text collate "C" not null,
  target_key text collate "C" not null,
  keywords text[],
  description text,
  weight numeric,
  created boolean not null default false,
  deleted boolean not null default false,
  edited_at timestamptz not null default now(),
  primary key (workspace_id, source_key, target_key)
);

-- Exact counts over live mentions, kept by differences so that a hub costs no more than any other entity.
create table entity_votes (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  entity_id text collate "C" not null,
  kind text collate "C" not null check (kind in ('name', 'type')),
  value text collate "C" not null,
  votes integer not null,
  primary key (workspace_id, entity_id, kind, value)
);

create table relation_votes (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  relation_id text collate "C" not null,
  -- A keyword, or '' for the relation as a whole.
  keyword text collate "C" not null,
  forward integer not null,
  backward integer not null,
  weight numeric not null,
  primary key (workspace_id, relation_id, keyword)
);

create table entities (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  entity_id text collate "C" not null,
  key text collate "C" not null,
  name text not null,
  type text not null,
  description text not null,
  aliases text[] not null,
  mentions integer not null,
  degree integer not null default 0,
  primary key (workspace_id, entity_id)
);
create index entities_by_key on entities (workspace_id, key);
create index entities_by_degree on entities (workspace_id, degree desc, entity_id);

create table relations (
  workspace_id text collate "C" not null,
  relation_id text collate "C" not null,
  a_id text collate "C" not null,
  b_id text collate "C" not null check (a_id < b_id),
  -- True when the folded direction is a → b.
  forward boolean not null,
  keywords text[] not null,
  description text not null,
  weight numeric not null,
  mentions integer not null,
  primary key (workspace_id, relation_id),
  foreign key (workspace_id, a_id) references entities (workspace_id, entity_id) deferrable initially deferred,
  foreign key (workspace_id, b_id) references entities (workspace_id, entity_id) deferrable initially deferred
);
create index relations_of_a on relations (workspace_id, a_id, weight desc, relation_id);
create index relations_of_b on relations (workspace_id, b_id, weight desc, relation_id);

-- Summaries written by a model for folds that outgrew their thresholds; dropped when the mentions they read change.
create table entity_summaries (
  workspace_id text collate "C" not null,
  entity_id text collate "C" not null,
  mentions_hash text not null,
  summary text not null,
  primary key (workspace_id, entity_id),
  foreign key (workspace_id, entity_id) references entities on delete cascade
);

-- Slow work as it arrives, by file: what a crash must not make us pay for again. Emptied by publish and delete.
create table staged_embeddings (
  workspace_id text collate "C" not null,
  file_id text collate "C" not null,
  space_id integer not null,
  text_hash text collate "C" not null,
  embedding bytea not null,
  primary key (workspace_id, file_id, space_id, text_hash),
  foreign key (workspace_id, file_id) references documents on delete cascade
);

create table staged_extractions (
  workspace_id text collate "C" not null,
  file_id text collate "C" not null,
  text_hash text collate "C" not null,
  extractor text not null,
  extraction jsonb not null,
  primary key (workspace_id, file_id, text_hash, extractor),
  foreign key (workspace_id, file_id) references documents on delete cascade
);

-- The original bytes of an upload: kept until its job ends, seven days after a failure, never longer.
create table uploads (
  workspace_id text collate "C" not null,
  file_id text collate "C" not null,
  bytes bytea not null,
  expires_at timestamptz,
  primary key (workspace_id, file_id),
  foreign key (workspace_id, file_id) references documents on delete cascade
);

-- Durable work and what the outside must be told. These two cross tenants and carry no document text.
create table jobs (
  id bigint generated always as identity primary key,
  job_id uuid not null unique default gen_random_uuid(),
  workspace_id text collate "C" not null,
  kind text not null,
  subject text not null,
  payload jsonb not null default '{}',
  -- Sealed: the caller's JWT and signed URL. Erased when the job ends.
  secret bytea,
  state text not null default 'queued' check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
  priority integer not null default 0,
  attempts integer not null default 0,
  max_attempts integer not null default 3,
  run_at timestamptz not null default now(),
  lease_until timestamptz,
  lease_token uuid,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create unique index jobs_one_at_a_time on jobs (workspace_id, kind, subject) where state in ('queued', 'running');
create index jobs_ready on jobs (workspace_id, priority desc, run_at, id) where state = 'queued';
create index jobs_running on jobs (workspace_id, lease_until) where state = 'running';
create index jobs_finished on jobs (finished_at) where state in ('done', 'failed', 'cancelled');

create table outbox (
  id bigint generated always as identity primary key,
  event_id uuid not null unique default gen_random_uuid(),
  workspace_id text collate "C" not null,
  -- Events of one subject are delivered in order.
  subject text not null,
  kind text not null,
  body jsonb not null,
  secret bytea,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'superseded', 'parked')),
  attempts integer not null default 0,
  next_at timestamptz not null default now(),
  lease_until timestamptz,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index outbox_pending on outbox (workspace_id, subject, id) where state = 'pending';
create index outbox_due on outbox (next_at) where state = 'pending';
create index outbox_finished on outbox (finished_at) where state <> 'pending';

-- Every model call, for cost and quota.
create table model_calls (
  id bigint generated always as identity primary key,
  workspace_id text collate "C" not null,
  file_id text,
  job_id uuid,
  role text not null,
  model text not null,
  input_tokens integer not null,
  cached_tokens integer not null,
  output_tokens integer not null,
  ms integer not null,
  ok boolean not null,
  called_at timestamptz not null default now()
);
create index model_calls_by_time on model_calls (workspace_id, called_at);

-- Vector tables are leaves without foreign keys, list-partitioned by shard with no default, so that giving one large
-- workspace its own partition locks no other tenant. One set per dimension, made on first use.
create function ensure_vector_tables(dim integer) returns void language plpgsql as $$
declare
  target text;
begin
  foreach target in array array['chunk_vectors_', 'entity_vectors_', 'relation_vectors_'] loop
    if to_regclass(target || dim) is null then
      execute format(
        'create table %I (shard text collate "C" not null, workspace_id text collate "C" not null, space_id integer not null,
           id text collate "C" not null, embedding {{vector}}(%s) not null,
           primary key (workspace_id, space_id, id, shard)) partition by list (shard)', target || dim, dim);
      execute format('create table %I partition of %I for values in (''small'')', target || dim || '_small', target || dim);
      execute format('alter table %I alter column embedding set storage plain', target || dim || '_small');
      perform guard_table(target || dim);
      perform guard_table(target || dim || '_small');
    end if;
  end loop;
end $$;

-- The wall inside the database: the application role sees and writes only the workspaces of its transaction's scope.
-- Without a scope the setting is null or empty and nothing matches.
create function guard_table(target text) returns void language plpgsql as $$
begin
  execute format('alter table %I enable row level security', target);
  execute format('alter table %I force row level security', target);
  execute format(
    'create policy scope on %I using (workspace_id = any (string_to_array(current_setting(''insight.scope'', true), '','')))
       with check (workspace_id = any (string_to_array(current_setting(''insight.scope'', true), '','')))', target);
  execute format('grant select, insert, update, delete on %I to insight_app', target);
end $$;

select guard_table(name) from unnest(array[
  'documents', 'blocks', 'assets', 'chunks', 'entity_mentions', 'relation_mentions', 'alias_mentions', 'entity_merges', 'entity_keys',
  'entity_edits', 'relation_edits', 'entity_votes', 'relation_votes', 'entities', 'relations', 'entity_summaries',
  'staged_embeddings', 'staged_extractions', 'uploads']) as name;

grant select, insert, update, delete on chunk_terms, jobs, outbox, model_calls to insight_app;
grant select, insert, update on workspaces to insight_app;
grant select on embedding_spaces to insight_app;
