-- Summaries of relations as of entities. Each remembers how many mentions there were when it was made, so that it is made again only
-- when they have grown by half; without a text it says that there was nothing worth summarising then.
alter table entity_summaries alter column summary drop not null;
alter table entity_summaries add column mentions integer not null default 0;

create table relation_summaries (
  workspace_id text collate "C" not null,
  relation_id text collate "C" not null,
  mentions_hash text not null,
  summary text,
  mentions integer not null default 0,
  primary key (workspace_id, relation_id),
  foreign key (workspace_id, relation_id) references relations on delete cascade
);
select guard_table('relation_summaries');
