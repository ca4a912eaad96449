-- What a call cost by the catalogue's price on that day; 0 where the catalogue has none.
alter table model_calls add column cost_cny numeric not null default 0;
