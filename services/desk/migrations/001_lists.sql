-- Every list of the desk is one walk along one index, however many cases there are.
create index cases_by_state on desk.cases (school_id, state, sort_at, key);
create index cases_by_open on desk.cases (school_id, open, sort_at, key);
create index cases_by_needs on desk.cases (school_id, needs, sort_at, key) where needs is not null;
create index cases_by_reason on desk.cases (school_id, reason, sort_at, key) where reason is not null;
create index cases_by_decline on desk.cases (school_id, decline, sort_at, key) where open;
create index cases_by_held on desk.cases (school_id, held, sort_at, key) where held;
create index cases_by_learner on desk.cases (school_id, learner_id, sort_at, key);
create index cases_by_announced on desk.cases (school_id, announced, key) where announced is not null and open;

-- An open page hears at once that its school's cases changed.
create or replace function desk.tell_open_pages() returns trigger language plpgsql as $$
begin
  perform pg_notify('desk_changed', new.body ->> 'school_id');
  return null;
end
$$;
create trigger tell_open_pages after insert or update on desk.cases
  for each row execute function desk.tell_open_pages();
create trigger tell_open_pages after insert or update on desk.deeds
  for each row execute function desk.tell_open_pages();
