-- What administrators did. Each entry carries a hash over itself and the entry before, and the head says how many there are and the
-- last hash, so that an entry that was changed, removed or slipped in shows. Kept when a workspace is deleted; holds no content.
create table audit_entries (
  entry bigint primary key,
  at timestamptz not null,
  actor text not null,
  action text not null,
  workspace text,
  subject jsonb not null,
  request_id text,
  hash text not null
);
create table audit_head (
  single boolean primary key default true check (single),
  entries bigint not null,
  hash text not null
);
