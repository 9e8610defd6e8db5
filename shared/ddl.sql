-- What every service has in its own schema ({schema}): the journal, what it heard, what it must do outside,
-- what it could not read, and which keys open its door.
create schema if not exists {schema};

create table if not exists {schema}.journal (
    seq         bigint generated always as identity,
    id          text not null primary key,
    type        text not null,
    topic       text not null,
    key         text not null,
    tell_at     timestamptz not null,
    cause       text,
    recorded_at timestamptz not null,
    value       bytea not null,
    told_at     timestamptz
);
create index if not exists journal_due on {schema}.journal (tell_at, seq) where told_at is null;
create index if not exists journal_key on {schema}.journal (key, seq);
-- Rows lie in the order of their hours: these say in a few kilobytes where the old ones are (retention).
create index if not exists journal_old on {schema}.journal using brin (told_at);

create table if not exists {schema}.heard (
    id    text not null primary key,
    type  text not null,
    heard_at timestamptz not null
);
-- A virtual clock stands still while much is heard, and rows that are forgotten leave holes that new ones fill.
alter table {schema}.heard add column if not exists place bigint generated always as identity;
create index if not exists heard_old on {schema}.heard using brin (heard_at);

create table if not exists {schema}.errands (
    id          text not null primary key,
    kind        text not null,
    key         text not null,
    due_at      timestamptz not null,
    body        bytea not null,
    cause       text,
    tries       integer not null default 0,
    asked_at    timestamptz not null,
    leased_until timestamptz,
    last_error  text,
    done_at     timestamptz,
    outcome     text
);
-- Where the way that led here can be followed (W3C traceparent); empty while nothing is traced.
alter table {schema}.journal add column if not exists trace text;
alter table {schema}.errands add column if not exists trace text;
alter table {schema}.errands add column if not exists leased_by bigint;
create index if not exists errands_due on {schema}.errands (due_at) where done_at is null;

create table if not exists {schema}.parked (
    id        text not null primary key,
    topic     text not null,
    partition integer not null,
    "offset"  bigint not null,
    key       bytea,
    value     bytea,
    reason    text not null,
    parked_at timestamptz not null,
    settled_at timestamptz,
    how       text
);
-- Which workers live, and how far behind each is; the desk reads it.
create table if not exists {schema}.workers (
    holder  bigint not null primary key,
    seen_at timestamptz not null,
    lag     jsonb not null
);
create index if not exists parked_open on {schema}.parked (parked_at) where settled_at is null;

-- Who may knock at this service's door (shared/api_keys.py); secrets are kept as digests.
create table if not exists {schema}.api_keys (
    id           text not null primary key,
    name         text not null,
    digest       bytea not null,
    scopes       text[] not null,
    schools      text[] not null,
    made_at      timestamptz not null,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

alter table {schema}.parked add column if not exists remembered boolean;
alter table {schema}.parked add column if not exists fixed bytea;

-- What people did about parked messages: the audit, and what makes two of them one after the other.
create table if not exists {schema}.parked_acts (
    parked_id text not null,
    number    integer not null,
    act_id    text not null unique,
    what      text not null,
    who       text not null,
    at        timestamptz not null,
    because   text not null,
    value     bytea,
    primary key (parked_id, number)
);

-- What replays mended here, and who said so.
create table if not exists {schema}.replay_acts (
    number  bigint generated always as identity primary key,
    at      timestamptz not null,
    who     text not null,
    what    text not null,
    detail  text not null
);

-- Up to when told rows of the journal are gone (shared/retention.py): a replay says from when on it can speak.
create table if not exists {schema}.forgotten (
    name  text primary key,
    until timestamptz not null
);
