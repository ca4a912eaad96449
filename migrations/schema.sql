-- What the migrations add up to, for reading; made by npm run schema and kept true by the checks.

-- table alias_mentions [row-level security, forced]
workspace_id text collate "C" not null
chunk_id text collate "C" not null
key text collate "C" not null
alias_key text collate "C" not null
alias_name text not null
constraint alias_mentions_pkey PRIMARY KEY (workspace_id, chunk_id, key, alias_key)
constraint alias_mentions_workspace_id_chunk_id_fkey FOREIGN KEY (workspace_id, chunk_id) REFERENCES chunks(workspace_id, chunk_id) ON DELETE CASCADE
CREATE INDEX alias_mentions_back ON public.alias_mentions USING btree (workspace_id, alias_key, key)
CREATE INDEX alias_mentions_forth ON public.alias_mentions USING btree (workspace_id, key, alias_key)
CREATE INDEX alias_mentions_names ON public.alias_mentions USING btree (workspace_id, alias_key, alias_name)
CREATE UNIQUE INDEX alias_mentions_pkey ON public.alias_mentions USING btree (workspace_id, chunk_id, key, alias_key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table assets [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
sha256 text collate "C" not null
media_type text not null
bytes bytea not null
constraint assets_pkey PRIMARY KEY (workspace_id, file_id, sha256)
constraint assets_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE UNIQUE INDEX assets_pkey ON public.assets USING btree (workspace_id, file_id, sha256)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table audit_entries
entry bigint not null
at timestamp with time zone not null
actor text not null
action text not null
workspace text
subject jsonb not null
request_id text
hash text not null
ends bigint
outcome text
constraint audit_entries_pkey PRIMARY KEY (entry)
CREATE UNIQUE INDEX audit_entries_ends ON public.audit_entries USING btree (ends) WHERE (ends IS NOT NULL)
CREATE UNIQUE INDEX audit_entries_pkey ON public.audit_entries USING btree (entry)

-- table audit_head
single boolean not null default true
entries bigint not null
hash text not null
constraint audit_head_pkey PRIMARY KEY (single)
constraint audit_head_single_check CHECK (single)
CREATE UNIQUE INDEX audit_head_pkey ON public.audit_head USING btree (single)

-- table blocks [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
ordinal integer not null
block jsonb not null
staged_as bigint not null default 0
constraint blocks_pkey PRIMARY KEY (workspace_id, file_id, ordinal)
constraint blocks_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE UNIQUE INDEX blocks_pkey ON public.blocks USING btree (workspace_id, file_id, ordinal)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table chunk_terms
workspace_id text collate "C" not null
chunk_id text collate "C" not null
length integer not null
terms tsvector not null
staged_as bigint not null default 0
constraint chunk_terms_pkey PRIMARY KEY (workspace_id, chunk_id)
constraint chunk_terms_workspace_id_chunk_id_fkey FOREIGN KEY (workspace_id, chunk_id) REFERENCES chunks(workspace_id, chunk_id) ON DELETE CASCADE
CREATE INDEX chunk_terms_lexemes ON public.chunk_terms USING gin (terms)
CREATE UNIQUE INDEX chunk_terms_pkey ON public.chunk_terms USING btree (workspace_id, chunk_id)
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table chunk_vectors_1024 partition by LIST (shard) [row-level security, forced]
shard text collate "C" not null
workspace_id text collate "C" not null
space_id integer not null
id text collate "C" not null
embedding halfvec(1024) not null
staged_as bigint not null default 0
constraint chunk_vectors_1024_pkey PRIMARY KEY (workspace_id, space_id, id, shard)
CREATE UNIQUE INDEX chunk_vectors_1024_pkey ON ONLY public.chunk_vectors_1024 USING btree (workspace_id, space_id, id, shard)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table chunk_vectors_1024_small FOR VALUES IN ('small') [row-level security, forced]
shard text collate "C" not null
workspace_id text collate "C" not null
space_id integer not null
id text collate "C" not null
embedding halfvec(1024) not null
staged_as bigint not null default 0
constraint chunk_vectors_1024_small_pkey PRIMARY KEY (workspace_id, space_id, id, shard)
CREATE UNIQUE INDEX chunk_vectors_1024_small_pkey ON public.chunk_vectors_1024_small USING btree (workspace_id, space_id, id, shard)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table chunks [row-level security, forced]
workspace_id text collate "C" not null
chunk_id text collate "C" not null
file_id text collate "C" not null
ordinal integer not null
content text not null
header text not null
headings text[] not null
page integer
page_end integer
tokens integer not null
text_hash text collate "C" not null
embed_hash text collate "C" not null
extractor text
collection text not null
metadata jsonb not null default '{}'::jsonb
staged_as bigint not null default 0
constraint chunks_pkey PRIMARY KEY (workspace_id, chunk_id)
constraint chunks_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE INDEX chunks_by_embedding ON public.chunks USING btree (workspace_id, embed_hash)
CREATE INDEX chunks_by_text ON public.chunks USING btree (workspace_id, text_hash)
CREATE INDEX chunks_of_collection ON public.chunks USING btree (workspace_id, collection)
CREATE INDEX chunks_of_document ON public.chunks USING btree (workspace_id, file_id, ordinal)
CREATE UNIQUE INDEX chunks_pkey ON public.chunks USING btree (workspace_id, chunk_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table course_chunks [row-level security, forced]
workspace_id text collate "C" not null
chunk_id text collate "C" not null
text text not null
metadata jsonb not null
constraint course_chunks_pkey PRIMARY KEY (workspace_id, chunk_id)
constraint course_chunks_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES courses(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX course_chunks_pkey ON public.course_chunks USING btree (workspace_id, chunk_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table courses [row-level security, forced]
workspace_id text collate "C" not null
embedding_status text not null default 'not_started'::text
embedding_progress real not null default 0
embedding_error text
job_id uuid
ready boolean not null default false
updated_at timestamp with time zone not null default now()
constraint courses_embedding_status_check CHECK ((embedding_status = ANY (ARRAY['not_started'::text, 'pending'::text, 'running'::text, 'done'::text, 'failed'::text])))
constraint courses_pkey PRIMARY KEY (workspace_id)
constraint courses_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX courses_pkey ON public.courses USING btree (workspace_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table documents [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
file_name text not null
collection text not null default 'default'::text
metadata jsonb not null default '{}'::jsonb
job_id uuid not null
parse_status text not null
stage text not null default 'queued'::text
progress real not null default 0
attempts integer not null default 0
parse_error text
live_name text
live_collection text
live_metadata jsonb
title text
media_type text
content_sha256 text
recipe text
chunk_count integer not null default 0
entity_count integer not null default 0
relation_count integer not null default 0
warnings jsonb not null default '[]'::jsonb
timings jsonb not null default '{}'::jsonb
models jsonb not null default '{}'::jsonb
created_at timestamp with time zone not null default now()
updated_at timestamp with time zone not null default now()
constraint documents_file_id_check CHECK ((file_id ~ '^[A-Za-z0-9._:-]{1,128}$'::text))
constraint documents_parse_status_check CHECK ((parse_status = ANY (ARRAY['pending'::text, 'processing'::text, 'completed'::text, 'failed'::text])))
constraint documents_pkey PRIMARY KEY (workspace_id, file_id)
constraint documents_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE INDEX documents_newest ON public.documents USING btree (workspace_id, created_at DESC, file_id)
CREATE UNIQUE INDEX documents_pkey ON public.documents USING btree (workspace_id, file_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table embedding_spaces
space_id integer not null
model text not null
dim integer not null
constraint embedding_spaces_dim_check CHECK (((dim >= 1) AND (dim <= 4000)))
constraint embedding_spaces_model_dim_key UNIQUE (model, dim)
constraint embedding_spaces_pkey PRIMARY KEY (space_id)
CREATE UNIQUE INDEX embedding_spaces_model_dim_key ON public.embedding_spaces USING btree (model, dim)
CREATE UNIQUE INDEX embedding_spaces_pkey ON public.embedding_spaces USING btree (space_id)
grant select to insight_app

-- table entities [row-level security, forced]
workspace_id text collate "C" not null
entity_id text collate "C" not null
key text collate "C" not null
name text not null
type text not null
description text not null
aliases text[] not null
mentions integer not null
degree integer not null default 0
compared boolean not null default false
constraint entities_pkey PRIMARY KEY (workspace_id, entity_id)
CREATE INDEX entities_by_degree ON public.entities USING btree (workspace_id, degree DESC, entity_id)
CREATE INDEX entities_by_key ON public.entities USING btree (workspace_id, key)
CREATE INDEX entities_not_compared ON public.entities USING btree (workspace_id, degree DESC, entity_id) WHERE (NOT compared)
CREATE UNIQUE INDEX entities_pkey ON public.entities USING btree (workspace_id, entity_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_distinctions [row-level security, forced]
workspace_id text collate "C" not null
a_key text collate "C" not null
b_key text collate "C" not null
made_by text not null
created_at timestamp with time zone not null default now()
constraint entity_distinctions_check CHECK ((a_key < b_key))
constraint entity_distinctions_pkey PRIMARY KEY (workspace_id, a_key, b_key)
constraint entity_distinctions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX entity_distinctions_pkey ON public.entity_distinctions USING btree (workspace_id, a_key, b_key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_edits [row-level security, forced]
workspace_id text collate "C" not null
key text collate "C" not null
name text
type text
description text
created boolean not null default false
deleted boolean not null default false
edited_at timestamp with time zone not null default now()
constraint entity_edits_pkey PRIMARY KEY (workspace_id, key)
constraint entity_edits_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX entity_edits_pkey ON public.entity_edits USING btree (workspace_id, key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_keys [row-level security, forced]
workspace_id text collate "C" not null
key text collate "C" not null
key_id text collate "C" not null
entity_id text collate "C" not null
constraint entity_keys_pkey PRIMARY KEY (workspace_id, key)
constraint entity_keys_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE INDEX entity_keys_by_id ON public.entity_keys USING btree (workspace_id, key_id)
CREATE INDEX entity_keys_of_entity ON public.entity_keys USING btree (workspace_id, entity_id)
CREATE UNIQUE INDEX entity_keys_pkey ON public.entity_keys USING btree (workspace_id, key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_mentions [row-level security, forced]
workspace_id text collate "C" not null
chunk_id text collate "C" not null
key text collate "C" not null
entity_id text collate "C" not null
name text not null
type text not null
description text not null
quote text not null
rank smallint not null
extractor text not null
staged_as bigint not null default 0
constraint entity_mentions_pkey PRIMARY KEY (workspace_id, chunk_id, key)
constraint entity_mentions_workspace_id_chunk_id_fkey FOREIGN KEY (workspace_id, chunk_id) REFERENCES chunks(workspace_id, chunk_id) ON DELETE CASCADE
CREATE INDEX entity_mentions_in_order ON public.entity_mentions USING btree (workspace_id, entity_id, rank, chunk_id, key) INCLUDE (staged_as)
CREATE INDEX entity_mentions_of_key ON public.entity_mentions USING btree (workspace_id, key)
CREATE UNIQUE INDEX entity_mentions_pkey ON public.entity_mentions USING btree (workspace_id, chunk_id, key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_merges [row-level security, forced]
workspace_id text collate "C" not null
merge_id text collate "C" not null
from_key text collate "C" not null
into_key text collate "C" not null
created_at timestamp with time zone not null default now()
into_name text not null default ''::text
made_by text not null default 'person'::text
constraint entity_merges_pkey PRIMARY KEY (workspace_id, from_key, merge_id)
constraint entity_merges_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE INDEX entity_merges_of_into ON public.entity_merges USING btree (workspace_id, into_key)
CREATE UNIQUE INDEX entity_merges_pkey ON public.entity_merges USING btree (workspace_id, from_key, merge_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_resemblances [row-level security, forced]
workspace_id text collate "C" not null
a_id text collate "C" not null
b_id text collate "C" not null
score real not null
reason text not null
unsure boolean not null default false
constraint entity_resemblances_check CHECK ((a_id < b_id))
constraint entity_resemblances_pkey PRIMARY KEY (workspace_id, a_id, b_id)
constraint entity_resemblances_workspace_id_a_id_fkey FOREIGN KEY (workspace_id, a_id) REFERENCES entities(workspace_id, entity_id) ON DELETE CASCADE
constraint entity_resemblances_workspace_id_b_id_fkey FOREIGN KEY (workspace_id, b_id) REFERENCES entities(workspace_id, entity_id) ON DELETE CASCADE
CREATE INDEX entity_resemblances_best ON public.entity_resemblances USING btree (workspace_id, score DESC, a_id, b_id)
CREATE INDEX entity_resemblances_of_b ON public.entity_resemblances USING btree (workspace_id, b_id)
CREATE UNIQUE INDEX entity_resemblances_pkey ON public.entity_resemblances USING btree (workspace_id, a_id, b_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_summaries [row-level security, forced]
workspace_id text collate "C" not null
entity_id text collate "C" not null
mentions_hash text not null
summary text
mentions integer not null default 0
constraint entity_summaries_pkey PRIMARY KEY (workspace_id, entity_id)
constraint entity_summaries_workspace_id_entity_id_fkey FOREIGN KEY (workspace_id, entity_id) REFERENCES entities(workspace_id, entity_id) ON DELETE CASCADE
CREATE UNIQUE INDEX entity_summaries_pkey ON public.entity_summaries USING btree (workspace_id, entity_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_vectors_1024 partition by LIST (shard) [row-level security, forced]
shard text collate "C" not null
workspace_id text collate "C" not null
space_id integer not null
id text collate "C" not null
embedding halfvec(1024) not null
staged_as bigint not null default 0
constraint entity_vectors_1024_pkey PRIMARY KEY (workspace_id, space_id, id, shard)
CREATE UNIQUE INDEX entity_vectors_1024_pkey ON ONLY public.entity_vectors_1024 USING btree (workspace_id, space_id, id, shard)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_vectors_1024_small FOR VALUES IN ('small') [row-level security, forced]
shard text collate "C" not null
workspace_id text collate "C" not null
space_id integer not null
id text collate "C" not null
embedding halfvec(1024) not null
staged_as bigint not null default 0
constraint entity_vectors_1024_small_pkey PRIMARY KEY (workspace_id, space_id, id, shard)
CREATE UNIQUE INDEX entity_vectors_1024_small_pkey ON public.entity_vectors_1024_small USING btree (workspace_id, space_id, id, shard)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table entity_votes [row-level security, forced]
workspace_id text collate "C" not null
entity_id text collate "C" not null
kind text collate "C" not null
value text collate "C" not null
votes integer not null
constraint entity_votes_kind_check CHECK ((kind = ANY (ARRAY['name'::text, 'type'::text])))
constraint entity_votes_pkey PRIMARY KEY (workspace_id, entity_id, kind, value)
CREATE UNIQUE INDEX entity_votes_pkey ON public.entity_votes USING btree (workspace_id, entity_id, kind, value)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table job_turns
workspace_id text collate "C" not null
served_at timestamp with time zone not null
constraint job_turns_pkey PRIMARY KEY (workspace_id)
CREATE UNIQUE INDEX job_turns_pkey ON public.job_turns USING btree (workspace_id)
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table jobs
id bigint not null
job_id uuid not null default gen_random_uuid()
workspace_id text collate "C" not null
kind text not null
subject text not null
payload jsonb not null default '{}'::jsonb
secret bytea
state text not null default 'queued'::text
priority integer not null default 0
attempts integer not null default 0
max_attempts integer not null default 3
run_at timestamp with time zone not null default now()
lease_until timestamp with time zone
lease_token uuid
last_error text
created_at timestamp with time zone not null default now()
finished_at timestamp with time zone
constraint jobs_job_id_key UNIQUE (job_id)
constraint jobs_pkey PRIMARY KEY (id)
constraint jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
CREATE INDEX jobs_finished ON public.jobs USING btree (finished_at) WHERE (state = ANY (ARRAY['done'::text, 'failed'::text, 'cancelled'::text]))
CREATE UNIQUE INDEX jobs_job_id_key ON public.jobs USING btree (job_id)
CREATE UNIQUE INDEX jobs_one_at_a_time ON public.jobs USING btree (workspace_id, kind, subject) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]))
CREATE UNIQUE INDEX jobs_pkey ON public.jobs USING btree (id)
CREATE INDEX jobs_ready ON public.jobs USING btree (workspace_id, priority DESC, run_at, id) WHERE (state = 'queued'::text)
CREATE INDEX jobs_running ON public.jobs USING btree (workspace_id, lease_until) WHERE (state = 'running'::text)
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table kb_builds [row-level security, forced]
workspace_id text collate "C" not null
build_id text collate "C" not null
kb_version_id text collate "C" not null
run_id uuid not null
job_id uuid not null
trace_id text not null
correlation_id text not null
proposal_id text
state text not null
request jsonb not null
findings jsonb not null default '{}'::jsonb
report jsonb
error text
created_at timestamp with time zone not null default now()
updated_at timestamp with time zone not null default now()
finished_at timestamp with time zone
constraint kb_builds_pkey PRIMARY KEY (workspace_id, build_id)
constraint kb_builds_state_check CHECK ((state = ANY (ARRAY['INIT'::text, 'PRECHECKING'::text, 'NORMALIZING'::text, 'CHUNKING'::text, 'EMBEDDING'::text, 'BUILDING_INDEX'::text, 'EVALUATING'::text, 'INDEX_READY'::text, 'REVIEW_REQUIRED'::text, 'FAILED'::text])))
constraint kb_builds_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE INDEX kb_builds_of_version ON public.kb_builds USING btree (workspace_id, kb_version_id, created_at DESC)
CREATE UNIQUE INDEX kb_builds_pkey ON public.kb_builds USING btree (workspace_id, build_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table kb_events [row-level security, forced]
workspace_id text collate "C" not null
sequence bigint not null
event_type text not null
idempotency_key text collate "C" not null
envelope jsonb not null
created_at timestamp with time zone not null default now()
constraint kb_events_pkey PRIMARY KEY (workspace_id, sequence)
constraint kb_events_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
constraint kb_events_workspace_id_idempotency_key_key UNIQUE (workspace_id, idempotency_key)
CREATE UNIQUE INDEX kb_events_pkey ON public.kb_events USING btree (workspace_id, sequence)
CREATE UNIQUE INDEX kb_events_workspace_id_idempotency_key_key ON public.kb_events USING btree (workspace_id, idempotency_key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table kb_live [row-level security, forced]
workspace_id text collate "C" not null
kb_version_id text collate "C" not null
promoted_at timestamp with time zone not null default now()
constraint kb_live_pkey PRIMARY KEY (workspace_id)
constraint kb_live_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
constraint kb_live_workspace_id_kb_version_id_fkey FOREIGN KEY (workspace_id, kb_version_id) REFERENCES kb_versions(workspace_id, kb_version_id)
CREATE UNIQUE INDEX kb_live_pkey ON public.kb_live USING btree (workspace_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table kb_profiles [row-level security, forced]
workspace_id text collate "C" not null
profile_id text collate "C" not null
space_id integer not null
created_at timestamp with time zone not null default now()
constraint kb_profiles_pkey PRIMARY KEY (workspace_id, profile_id)
constraint kb_profiles_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(space_id)
constraint kb_profiles_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX kb_profiles_pkey ON public.kb_profiles USING btree (workspace_id, profile_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table kb_promotions [row-level security, forced]
workspace_id text collate "C" not null
sequence bigint not null
action text not null
kb_version_id text collate "C" not null
from_version_id text collate "C"
override_reason text
caller text not null
figures jsonb not null default '{}'::jsonb
moved_at timestamp with time zone not null default now()
constraint kb_promotions_action_check CHECK ((action = ANY (ARRAY['promote'::text, 'rollback'::text])))
constraint kb_promotions_pkey PRIMARY KEY (workspace_id, sequence)
constraint kb_promotions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX kb_promotions_pkey ON public.kb_promotions USING btree (workspace_id, sequence)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table kb_proposals [row-level security, forced]
workspace_id text collate "C" not null
proposal_id text collate "C" not null
build_id text collate "C" not null
created_at timestamp with time zone not null default now()
constraint kb_proposals_pkey PRIMARY KEY (workspace_id, proposal_id)
constraint kb_proposals_workspace_id_build_id_fkey FOREIGN KEY (workspace_id, build_id) REFERENCES kb_builds(workspace_id, build_id) ON DELETE CASCADE
CREATE UNIQUE INDEX kb_proposals_pkey ON public.kb_proposals USING btree (workspace_id, proposal_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table kb_versions [row-level security, forced]
workspace_id text collate "C" not null
kb_version_id text collate "C" not null
build_id text collate "C" not null
file_id text collate "C" not null
space_id integer not null
profile_id text not null
is_primary boolean not null
passed boolean
figures jsonb not null default '{}'::jsonb
conflicts jsonb not null default '[]'::jsonb
role_recipes jsonb not null default '[]'::jsonb
created_at timestamp with time zone not null default now()
promoted_at timestamp with time zone
constraint kb_versions_pkey PRIMARY KEY (workspace_id, kb_version_id)
constraint kb_versions_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(space_id)
constraint kb_versions_workspace_id_build_id_fkey FOREIGN KEY (workspace_id, build_id) REFERENCES kb_builds(workspace_id, build_id)
constraint kb_versions_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX kb_versions_pkey ON public.kb_versions USING btree (workspace_id, kb_version_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table model_calls
id bigint not null
workspace_id text collate "C" not null
file_id text
job_id uuid
role text not null
model text not null
input_tokens integer not null
cached_tokens integer not null
output_tokens integer not null
ms integer not null
ok boolean not null
called_at timestamp with time zone not null default now()
cost_cny numeric not null default 0
query_id uuid
constraint model_calls_pkey PRIMARY KEY (id)
CREATE INDEX model_calls_by_document ON public.model_calls USING btree (workspace_id, file_id) WHERE (file_id IS NOT NULL)
CREATE INDEX model_calls_by_time ON public.model_calls USING btree (workspace_id, called_at)
CREATE UNIQUE INDEX model_calls_pkey ON public.model_calls USING btree (id)
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table month_costs
workspace_id text collate "C" not null
month date not null
cost_cny numeric not null
constraint month_costs_pkey PRIMARY KEY (workspace_id, month)
CREATE INDEX month_costs_by_cost ON public.month_costs USING btree (month, cost_cny)
CREATE UNIQUE INDEX month_costs_pkey ON public.month_costs USING btree (workspace_id, month)

-- table outbox
id bigint not null
event_id uuid not null default gen_random_uuid()
workspace_id text collate "C" not null
subject text not null
kind text not null
body jsonb not null
secret bytea
state text not null default 'pending'::text
attempts integer not null default 0
next_at timestamp with time zone not null default now()
lease_until timestamp with time zone
last_error text
created_at timestamp with time zone not null default now()
finished_at timestamp with time zone
constraint outbox_event_id_key UNIQUE (event_id)
constraint outbox_pkey PRIMARY KEY (id)
constraint outbox_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'superseded'::text, 'parked'::text])))
CREATE INDEX outbox_due ON public.outbox USING btree (next_at) WHERE (state = 'pending'::text)
CREATE UNIQUE INDEX outbox_event_id_key ON public.outbox USING btree (event_id)
CREATE INDEX outbox_finished ON public.outbox USING btree (finished_at) WHERE (state <> 'pending'::text)
CREATE INDEX outbox_pending ON public.outbox USING btree (workspace_id, subject, id) WHERE (state = 'pending'::text)
CREATE UNIQUE INDEX outbox_pkey ON public.outbox USING btree (id)
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table rate_limits
caller text collate "C" not null
tokens double precision not null
updated_at timestamp with time zone not null
constraint rate_limits_caller_check CHECK ((length(caller) <= 200))
constraint rate_limits_pkey PRIMARY KEY (caller)
CREATE UNIQUE INDEX rate_limits_pkey ON public.rate_limits USING btree (caller)

-- table reembedded_chunks [row-level security, forced]
workspace_id text collate "C" not null
space_id integer not null
chunk_id text collate "C" not null
embed_hash text collate "C" not null
constraint reembedded_chunks_pkey PRIMARY KEY (workspace_id, space_id, chunk_id)
constraint reembedded_chunks_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX reembedded_chunks_pkey ON public.reembedded_chunks USING btree (workspace_id, space_id, chunk_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table reembeddings [row-level security, forced]
workspace_id text collate "C" not null
job_id uuid not null
from_space_id integer not null
space_id integer not null
state text not null
done integer not null default 0
total integer not null default 0
options jsonb not null default '{}'::jsonb
comparison jsonb
error text
started_at timestamp with time zone not null default now()
updated_at timestamp with time zone not null default now()
finished_at timestamp with time zone
constraint reembeddings_from_space_id_fkey FOREIGN KEY (from_space_id) REFERENCES embedding_spaces(space_id)
constraint reembeddings_pkey PRIMARY KEY (workspace_id)
constraint reembeddings_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(space_id)
constraint reembeddings_state_check CHECK ((state = ANY (ARRAY['filling'::text, 'comparing'::text, 'held'::text, 'switched'::text, 'dropped'::text, 'failed'::text])))
constraint reembeddings_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE UNIQUE INDEX reembeddings_pkey ON public.reembeddings USING btree (workspace_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table relation_edits [row-level security, forced]
workspace_id text collate "C" not null
source_key text collate "C" not null
target_key text collate "C" not null
keywords text[]
description text
weight numeric
created boolean not null default false
deleted boolean not null default false
edited_at timestamp with time zone not null default now()
fact_id text collate "C"
relation_id text collate "C"
constraint relation_edits_pkey PRIMARY KEY (workspace_id, source_key, target_key)
constraint relation_edits_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES workspaces(workspace_id) ON DELETE CASCADE
CREATE INDEX relation_edits_of_fact ON public.relation_edits USING btree (workspace_id, fact_id)
CREATE UNIQUE INDEX relation_edits_pkey ON public.relation_edits USING btree (workspace_id, source_key, target_key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table relation_mentions [row-level security, forced]
workspace_id text collate "C" not null
chunk_id text collate "C" not null
source_key text collate "C" not null
target_key text collate "C" not null
relation_id text collate "C"
fact_id text collate "C" not null
forward boolean not null
keywords text[] not null
description text not null
quote text not null
weight numeric not null
rank smallint not null
extractor text not null
staged_as bigint not null default 0
constraint relation_mentions_pkey PRIMARY KEY (workspace_id, chunk_id, source_key, target_key)
constraint relation_mentions_workspace_id_chunk_id_fkey FOREIGN KEY (workspace_id, chunk_id) REFERENCES chunks(workspace_id, chunk_id) ON DELETE CASCADE
CREATE INDEX relation_facts_in_order ON public.relation_mentions USING btree (workspace_id, fact_id, chunk_id) INCLUDE (relation_id, staged_as)
CREATE INDEX relation_mentions_in_order ON public.relation_mentions USING btree (workspace_id, relation_id, rank, chunk_id, source_key, target_key) INCLUDE (staged_as)
CREATE INDEX relation_mentions_of_source ON public.relation_mentions USING btree (workspace_id, source_key)
CREATE INDEX relation_mentions_of_target ON public.relation_mentions USING btree (workspace_id, target_key)
CREATE UNIQUE INDEX relation_mentions_pkey ON public.relation_mentions USING btree (workspace_id, chunk_id, source_key, target_key)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table relation_summaries [row-level security, forced]
workspace_id text collate "C" not null
relation_id text collate "C" not null
mentions_hash text not null
summary text
mentions integer not null default 0
constraint relation_summaries_pkey PRIMARY KEY (workspace_id, relation_id)
constraint relation_summaries_workspace_id_relation_id_fkey FOREIGN KEY (workspace_id, relation_id) REFERENCES relations(workspace_id, relation_id) ON DELETE CASCADE
CREATE UNIQUE INDEX relation_summaries_pkey ON public.relation_summaries USING btree (workspace_id, relation_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table relation_vectors_1024 partition by LIST (shard) [row-level security, forced]
shard text collate "C" not null
workspace_id text collate "C" not null
space_id integer not null
id text collate "C" not null
embedding halfvec(1024) not null
staged_as bigint not null default 0
constraint relation_vectors_1024_pkey PRIMARY KEY (workspace_id, space_id, id, shard)
CREATE UNIQUE INDEX relation_vectors_1024_pkey ON ONLY public.relation_vectors_1024 USING btree (workspace_id, space_id, id, shard)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table relation_vectors_1024_small FOR VALUES IN ('small') [row-level security, forced]
shard text collate "C" not null
workspace_id text collate "C" not null
space_id integer not null
id text collate "C" not null
embedding halfvec(1024) not null
staged_as bigint not null default 0
constraint relation_vectors_1024_small_pkey PRIMARY KEY (workspace_id, space_id, id, shard)
CREATE UNIQUE INDEX relation_vectors_1024_small_pkey ON public.relation_vectors_1024_small USING btree (workspace_id, space_id, id, shard)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN (staged_as <> ALL (( SELECT ARRAY( SELECT v.version
               FROM staged_versions v
              WHERE (current_setting('insight.reveal'::text, true) IS DISTINCT FROM 'all'::text)) AS "array")::bigint[]))
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table relation_votes [row-level security, forced]
workspace_id text collate "C" not null
relation_id text collate "C" not null
keyword text collate "C" not null
forward integer not null
backward integer not null
weight numeric not null
constraint relation_votes_pkey PRIMARY KEY (workspace_id, relation_id, keyword)
CREATE UNIQUE INDEX relation_votes_pkey ON public.relation_votes USING btree (workspace_id, relation_id, keyword)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table relations [row-level security, forced]
workspace_id text collate "C" not null
relation_id text collate "C" not null
a_id text collate "C" not null
b_id text collate "C" not null
forward boolean not null
keywords text[] not null
description text not null
weight numeric not null
mentions integer not null
constraint relations_check CHECK ((a_id < b_id))
constraint relations_pkey PRIMARY KEY (workspace_id, relation_id)
constraint relations_workspace_id_a_id_fkey FOREIGN KEY (workspace_id, a_id) REFERENCES entities(workspace_id, entity_id) DEFERRABLE INITIALLY DEFERRED
constraint relations_workspace_id_b_id_fkey FOREIGN KEY (workspace_id, b_id) REFERENCES entities(workspace_id, entity_id) DEFERRABLE INITIALLY DEFERRED
CREATE INDEX relations_of_a ON public.relations USING btree (workspace_id, a_id, weight DESC, relation_id)
CREATE INDEX relations_of_b ON public.relations USING btree (workspace_id, b_id, weight DESC, relation_id)
CREATE UNIQUE INDEX relations_pkey ON public.relations USING btree (workspace_id, relation_id)
CREATE INDEX relations_prerequisite_of_a ON public.relations USING btree (workspace_id, a_id, weight DESC, relation_id) WHERE ((NOT forward) AND ('prerequisite'::text = ANY (keywords)))
CREATE INDEX relations_prerequisite_of_b ON public.relations USING btree (workspace_id, b_id, weight DESC, relation_id) WHERE (forward AND ('prerequisite'::text = ANY (keywords)))
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table schema_migrations
name text not null
checksum text not null
applied_at timestamp with time zone not null default now()
constraint schema_migrations_pkey PRIMARY KEY (name)
CREATE UNIQUE INDEX schema_migrations_pkey ON public.schema_migrations USING btree (name)

-- table staged_descriptions [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
sha256 text collate "C" not null
seer text collate "C" not null
description text not null
constraint staged_descriptions_pkey PRIMARY KEY (workspace_id, file_id, sha256, seer)
constraint staged_descriptions_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE UNIQUE INDEX staged_descriptions_pkey ON public.staged_descriptions USING btree (workspace_id, file_id, sha256, seer)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table staged_embeddings [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
space_id integer not null
text_hash text collate "C" not null
embedding bytea not null
constraint staged_embeddings_pkey PRIMARY KEY (workspace_id, file_id, space_id, text_hash)
constraint staged_embeddings_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE UNIQUE INDEX staged_embeddings_pkey ON public.staged_embeddings USING btree (workspace_id, file_id, space_id, text_hash)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table staged_extractions [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
text_hash text collate "C" not null
extractor text not null
extraction jsonb not null
constraint staged_extractions_pkey PRIMARY KEY (workspace_id, file_id, text_hash, extractor)
constraint staged_extractions_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE UNIQUE INDEX staged_extractions_pkey ON public.staged_extractions USING btree (workspace_id, file_id, text_hash, extractor)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table staged_readings [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
content_sha256 text collate "C" not null
reader text collate "C" not null
part text collate "C" not null
reading jsonb not null
constraint staged_readings_pkey PRIMARY KEY (workspace_id, file_id, content_sha256, reader, part)
constraint staged_readings_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE UNIQUE INDEX staged_readings_pkey ON public.staged_readings USING btree (workspace_id, file_id, content_sha256, reader, part)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table staged_versions [row-level security, forced]
workspace_id text collate "C" not null
version bigint not null
file_id text collate "C" not null
job_id uuid not null
space_id integer not null
shard text collate "C" not null
created_at timestamp with time zone not null default now()
constraint staged_versions_pkey PRIMARY KEY (workspace_id, version)
constraint staged_versions_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(space_id)
constraint staged_versions_version_check CHECK ((version > 0))
constraint staged_versions_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id)
CREATE INDEX staged_versions_of_document ON public.staged_versions USING btree (workspace_id, file_id)
CREATE UNIQUE INDEX staged_versions_pkey ON public.staged_versions USING btree (workspace_id, version)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table uploads [row-level security, forced]
workspace_id text collate "C" not null
file_id text collate "C" not null
bytes bytea not null
expires_at timestamp with time zone
constraint uploads_pkey PRIMARY KEY (workspace_id, file_id)
constraint uploads_workspace_id_file_id_fkey FOREIGN KEY (workspace_id, file_id) REFERENCES documents(workspace_id, file_id) ON DELETE CASCADE
CREATE UNIQUE INDEX uploads_pkey ON public.uploads USING btree (workspace_id, file_id)
policy scope using 
CASE
    WHEN (workspace_id = ANY (( SELECT string_to_array(current_setting('insight.scope'::text, true), ','::text) AS string_to_array)::text[])) THEN true
    ELSE false
END
grant delete to insight_app
grant insert to insight_app
grant select to insight_app
grant update to insight_app

-- table workspaces
workspace_id text collate "C" not null
space_id integer not null
shard text collate "C" not null default 'small'::text
revision bigint not null default 0
settings jsonb not null default '{}'::jsonb
created_at timestamp with time zone not null default now()
constraint workspaces_pkey PRIMARY KEY (workspace_id)
constraint workspaces_space_id_fkey FOREIGN KEY (space_id) REFERENCES embedding_spaces(space_id)
constraint workspaces_workspace_id_check CHECK ((workspace_id ~ '^(public|(teacher|course|kb)-[A-Za-z0-9_-]{1,64})$'::text))
CREATE UNIQUE INDEX workspaces_pkey ON public.workspaces USING btree (workspace_id)
grant insert to insight_app
grant select to insight_app
grant update to insight_app
