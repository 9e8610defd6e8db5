-- What gateways sent, exactly as they sent it, and what became of it. A row is here before the gateway gets its
-- 2xx; the same event is here once. Leases and pauses count on the database's own clock, because a story's clock
-- may stand still; received_at is the domain's.
create table payments.webhooks (
    dedupe_key   text not null primary key,
    gateway      text not null,
    kind         text not null,
    transmission text,
    received_at  timestamptz not null,
    body         bytea not null,
    dictionary   smallint not null default 0,
    state        text not null default 'new'
                 check (state in ('new', 'told', 'not_ours', 'waiting', 'refused', 'failed')),
    reason       text not null default '',
    attempts     integer not null default 0,
    waits_for    text[] not null default '{}',
    flagged_at   timestamptz,
    due_at       timestamptz not null default now()
);
alter table payments.webhooks alter column body set storage external;
create unique index webhooks_transmission on payments.webhooks (transmission) where transmission is not null;
create index webhooks_due on payments.webhooks (due_at) where state in ('new', 'waiting');
create index webhooks_shown on payments.webhooks (state, received_at) where state not in ('told', 'new');
