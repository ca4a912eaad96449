-- Votes and folds are written by the thousand under a workspace's lock, and each row asked whether its workspace exists. Like vectors they
-- are leaves that publication keeps in step and the deletion of a workspace empties by name.
alter table entity_votes drop constraint entity_votes_workspace_id_fkey;
alter table relation_votes drop constraint relation_votes_workspace_id_fkey;
alter table entities drop constraint entities_workspace_id_fkey;
