-- What a vision model said of a picture, from the moment it answered until the document is published, failed long ago or deleted:
-- a crash between the two pays for no picture twice. `seer` names the model and the way it is asked.
create table staged_descriptions (
  workspace_id text collate "C" not null,
  file_id text collate "C" not null,
  sha256 text collate "C" not null,
  seer text collate "C" not null,
  description text not null,
  primary key (workspace_id, file_id, sha256, seer),
  foreign key (workspace_id, file_id) references documents on delete cascade
);
select guard_table('staged_descriptions');
