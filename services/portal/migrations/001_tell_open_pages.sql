-- An open page hears at once that what it shows has changed: every write says whose it is on one channel.
create or replace function portal.tell_open_pages() returns trigger language plpgsql as $$
begin
  perform pg_notify('portal_changed', new.learner_key);
  return null;
end
$$;

create trigger tell_open_pages after insert or update on portal.learners
  for each row execute function portal.tell_open_pages();
create trigger tell_open_pages after insert or update on portal.subscriptions
  for each row execute function portal.tell_open_pages();
create trigger tell_open_pages after insert or update on portal.cases
  for each row execute function portal.tell_open_pages();
create trigger tell_open_pages after insert or update on portal.credits
  for each row execute function portal.tell_open_pages();
create trigger tell_open_pages after insert or update on portal.mails
  for each row execute function portal.tell_open_pages();
