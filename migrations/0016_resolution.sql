-- Entities whose names look alike and may be one thing: for a person or a model to decide. Derived from the entities that exist, and gone with
-- either of them; a new entity is compared once.
alter table entities add column compared boolean not null default false;
create index entities_not_compared on entities (workspace_id, degree desc, entity_id) where not compared;

create table entity_resemblances (
  workspace_id text collate "C" not null,
  a_id text collate "C" not null,
  b_id text collate "C" not null,
  score real not null,
  reason text not null,
  -- A model was asked and could not say.
  unsure boolean not null default false,
  primary key (workspace_id, a_id, b_id),
  check (a_id < b_id),
  foreign key (workspace_id, a_id) references entities on delete cascade,
  foreign key (workspace_id, b_id) references entities on delete cascade
);
create index entity_resemblances_of_b on entity_resemblances (workspace_id, b_id);
create index entity_resemblances_best on entity_resemblances (workspace_id, score desc, a_id, b_id);
select guard_table('entity_resemblances');

-- Two names that are not one thing, said by a person or a model; survives every document, as merges do.
create table entity_distinctions (
  workspace_id text collate "C" not null references workspaces on delete cascade,
  a_key text collate "C" not null,
  b_key text collate "C" not null,
  made_by text not null,
  created_at timestamptz not null default now(),
  primary key (workspace_id, a_key, b_key),
  check (a_key < b_key)
);
select guard_table('entity_distinctions');

alter table entity_merges add column made_by text not null default 'person';
