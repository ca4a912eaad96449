-- What must be known before a hub is found without reading the hub's other relations.
create index relations_prerequisite_of_b on relations (workspace_id, b_id, weight desc, relation_id) where forward and 'prerequisite' = any (keywords);
create index relations_prerequisite_of_a on relations (workspace_id, a_id, weight desc, relation_id) where not forward and 'prerequisite' = any (keywords);
