-- One token bucket per caller, shared by all processes. Unlogged: a bucket is refilled within a minute anyway, so a crash
-- that empties the table costs nothing, and counting costs no write-ahead log.
create unlogged table rate_limits (
  caller text collate "C" primary key check (length(caller) <= 200),
  tokens double precision not null,
  updated_at timestamptz not null
) with (fillfactor = 50);
