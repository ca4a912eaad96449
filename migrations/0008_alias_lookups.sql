-- An alias that ten thousand chunks repeat is one edge: with these its distinct ends and names are found by stepping from one to the next.
create index alias_mentions_forth on alias_mentions (workspace_id, key, alias_key);
create index alias_mentions_back on alias_mentions (workspace_id, alias_key, key);
create index alias_mentions_names on alias_mentions (workspace_id, alias_key, alias_name);
drop index alias_mentions_of_key;
drop index alias_mentions_of_alias;
