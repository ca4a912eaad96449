-- For a database administrator: run once, as a superuser or a member of rds_superuser, when the service's own login may
-- not create extensions or roles. Replace insight_owner by that login. The service then needs no right beyond its database.
create extension if not exists vector;
create extension if not exists pg_trgm;
do $$ begin
  if not exists (select from pg_roles where rolname = 'insight_app') then
    create role insight_app nologin nosuperuser nobypassrls nocreatedb nocreaterole;
  end if;
end $$;
grant insight_app to insight_owner;
