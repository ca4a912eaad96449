-- What a person's merges and corrections need to be found again: the name a merge goes by, and the fact a corrected
-- relation is embedded as.

-- The name that the merged entity keeps while the merge stands, however often documents use another one.
alter table entity_merges add column into_name text not null default '';

-- The triple under which a person's relation is embedded in relation_vectors, and the relation it is part of today.
alter table relation_edits add column fact_id text collate "C";
alter table relation_edits add column relation_id text collate "C";
create index relation_edits_of_fact on relation_edits (workspace_id, fact_id);
