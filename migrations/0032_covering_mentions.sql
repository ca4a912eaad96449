-- What a search asks of mentions (who speaks of this entity, relation or fact, in the fold's order) is answered by the indexes alone, the
-- curtain of staged versions included. Before, a hub's mentions were read from the table one page each and sorted: 15,500 pages for thirty
-- entities of a library of 100,000 chunks, where these read 160.
create index entity_mentions_in_order on entity_mentions (workspace_id, entity_id, rank, chunk_id, key) include (staged_as);
create index relation_mentions_in_order on relation_mentions (workspace_id, relation_id, rank, chunk_id, source_key, target_key) include (staged_as);
create index relation_facts_in_order on relation_mentions (workspace_id, fact_id, chunk_id) include (relation_id, staged_as);
drop index entity_mentions_of_entity;
drop index relation_mentions_of_relation;
drop index relation_mentions_of_fact;
