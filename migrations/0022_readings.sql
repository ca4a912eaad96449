-- What OCR made of one page or picture, from the moment it was read until the document is published, failed long ago or deleted:
-- a job that is killed or tried again reads no page twice. `reader` names the way of reading, `content_sha256` the file it was read from.
create table staged_readings (
  workspace_id text collate "C" not null,
  file_id text collate "C" not null,
  content_sha256 text collate "C" not null,
  reader text collate "C" not null,
  part text collate "C" not null,
  reading jsonb not null,
  primary key (workspace_id, file_id, content_sha256, reader, part),
  foreign key (workspace_id, file_id) references documents on delete cascade
);
select guard_table('staged_readings');
