-- Courses (Ready-to-Embed chunks and how far their embedding is), knowledge releases (builds, versions side by side, one
-- live pointer, their events), and the re-embedding of a workspace. What is searched lies in chunks and vectors as ever.

create table courses (
  workspace_id text collate "C" primary key references workspaces on delete cascade,
  embedding_status text not null default 'not_started' check (embedding_status in ('not_started', 'pending', 'running', 'done', 'failed')),
  embedding_progress real not null default 0,
  embedding_error text,
  job_id uuid,
  -- True from the first finished embedding on: a later one, or its failure, keeps the old vectors searchable.
  ready boolean not null default false,
  updated_at timestamptz not null default now()
);

-- What is to be embedded, as it was handed over; the job turns it into chunks.
create table course_chunks (
  workspace_id text collate "C" not null references courses on delete cascade,
  chunk_id text collate "C" not null,
  text text not null,
  metadata jsonb not null,
  primary key (workspace_id, chunk_id)
);

-- Which embedding space the name of a profile stands for in this knowledge base.
create table kb_profiles (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  profile_id text collate "C" not null,
  space_id integer not null references embedding_spaces,
  created_at timestamptz not null default now(),
  primary key (workspace_id, profile_id)
);

create table kb_builds (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  build_id text collate "C" not null,
  kb_version_id text collate "C" not null,
  run_id uuid not null,
  job_id uuid not null,
  trace_id text not null,
  correlation_id text not null,
  proposal_id text,
  state text not null check (state in ('INIT', 'PRECHECKING', 'NORMALIZING', 'CHUNKING', 'EMBEDDING', 'BUILDING_INDEX', 'EVALUATING',
    'INDEX_READY', 'REVIEW_REQUIRED', 'FAILED')),
  -- Manifest, items, preview queries, role recipes and flags: everything a resumed build starts from.
  request jsonb not null,
  -- What the finished stages found; a resumed build goes on from it.
  findings jsonb not null default '{}',
  report jsonb,
  error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (workspace_id, build_id)
);
create index kb_builds_of_version on kb_builds (workspace_id, kb_version_id, created_at desc);

-- An indexed version. Its chunks are those of the document `file_id`, its vectors those of its own space.
create table kb_versions (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  kb_version_id text collate "C" not null,
  build_id text collate "C" not null,
  file_id text collate "C" not null,
  space_id integer not null references embedding_spaces,
  profile_id text not null,
  is_primary boolean not null,
  -- Set when the evaluation has ended: whether every gate was passed, and the figures.
  passed boolean,
  figures jsonb not null default '{}',
  conflicts jsonb not null default '[]',
  role_recipes jsonb not null default '[]',
  created_at timestamptz not null default now(),
  promoted_at timestamptz,
  primary key (workspace_id, kb_version_id),
  foreign key (workspace_id, build_id) references kb_builds
);

-- The pointer that decides what is searched.
create table kb_live (
  workspace_id text collate "C" primary key references workspaces on delete cascade,
  kb_version_id text collate "C" not null,
  promoted_at timestamptz not null default now(),
  foreign key (workspace_id, kb_version_id) references kb_versions
);

-- Every move of the pointer, with who overrode a gate and why.
create table kb_promotions (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  sequence bigint not null,
  action text not null check (action in ('promote', 'rollback')),
  kb_version_id text collate "C" not null,
  from_version_id text collate "C",
  override_reason text,
  caller text not null,
  figures jsonb not null default '{}',
  moved_at timestamptz not null default now(),
  primary key (workspace_id, sequence)
);

-- Numbered without gaps inside a knowledge base, in the order of their commits.
create table kb_events (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  sequence bigint not null,
  event_type text not null,
  idempotency_key text collate "C" not null,
  envelope jsonb not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, sequence),
  unique (workspace_id, idempotency_key)
);

create table kb_proposals (
  workspace_id text collate "C" not null,
  proposal_id text collate "C" not null,
  build_id text collate "C" not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, proposal_id),
  foreign key (workspace_id, build_id) references kb_builds on delete cascade
);

-- One re-embedding of a workspace at a time: into which space, how far, and what the comparison found.
create table reembeddings (
  workspace_id text collate "C" primary key references workspaces on delete cascade,
  job_id uuid not null,
  from_space_id integer not null references embedding_spaces,
  space_id integer not null references embedding_spaces,
  state text not null check (state in ('filling', 'comparing', 'held', 'switched', 'dropped', 'failed')),
  done integer not null default 0,
  total integer not null default 0,
  options jsonb not null default '{}',
  comparison jsonb,
  error text,
  started_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz
);

-- The checkpoints of a re-embedding: which text of a chunk its vector in the candidate space was made from.
create table reembedded_chunks (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  space_id integer not null,
  chunk_id text collate "C" not null,
  embed_hash text collate "C" not null,
  primary key (workspace_id, space_id, chunk_id)
);

select guard_table(name) from unnest(array[
  'courses', 'course_chunks', 'kb_profiles', 'kb_builds', 'kb_versions', 'kb_live', 'kb_promotions', 'kb_events', 'kb_proposals', 'reembeddings',
  'reembedded_chunks']) as name;
