-- Which question a call was made for, so that what one question costs can be told.
alter table model_calls add column query_id uuid;
