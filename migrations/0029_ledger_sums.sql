-- What a document cost is read by its name, and what a month cost is kept instead of summed: a budget is looked at before every document and
-- at every scrape. A trigger keeps it, so that calls which the version before writes count too.
create index model_calls_by_document on model_calls (workspace_id, file_id) where file_id is not null;

create table month_costs (
  workspace_id text collate "C" not null,
  month date not null,
  cost_cny numeric not null,
  primary key (workspace_id, month)
);
create index month_costs_by_cost on month_costs (month, cost_cny);

-- In one order: processes that write calls of the same workspaces side by side would wait for each other in a circle.
create function add_month_costs() returns trigger language plpgsql as $$
begin
  insert into month_costs (workspace_id, month, cost_cny)
  select workspace_id, date_trunc('month', called_at), sum(cost_cny) from made where cost_cny > 0 group by 1, 2 order by 1, 2
  on conflict (workspace_id, month) do update set cost_cny = month_costs.cost_cny + excluded.cost_cny;
  return null;
end $$;
create trigger month_costs after insert on model_calls
  referencing new table as made for each statement execute function add_month_costs();

-- The trigger's lock holds other writers back until these are counted.
insert into month_costs (workspace_id, month, cost_cny)
select workspace_id, date_trunc('month', called_at), sum(cost_cny) from model_calls
where cost_cny > 0 and called_at >= date_trunc('month', now()) group by 1, 2;
