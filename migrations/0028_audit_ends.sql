-- How an act ended is a later entry of the same chain, which names the one it ends. An act without such an entry was cut off, or an older
-- version of the service did it.
alter table audit_entries add column ends bigint, add column outcome text;
create unique index audit_entries_ends on audit_entries (ends) where ends is not null;
