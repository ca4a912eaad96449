-- When each tenant's work was last taken: among tenants that run equally many jobs, the one that has waited longest is
-- next, so that even a single worker shares its time. Unlogged: a crash that empties it costs one turn.
create unlogged table job_turns (
  workspace_id text collate "C" primary key,
  served_at timestamptz not null
) with (fillfactor = 50);
grant select, insert, update, delete on job_turns to insight_app;
