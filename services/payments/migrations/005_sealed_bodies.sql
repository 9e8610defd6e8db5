-- Whose key a body lies under, once it is known; at the door it lies under the key of the day.
alter table payments.webhooks add column subject text;
create index webhooks_subject on payments.webhooks (subject) where subject is not null;
-- Bodies that are settled and not yet under a key of somebody: those of older versions, in the clear.
create index webhooks_unbound on payments.webhooks (received_at)
    where subject is null and body <> '' and state in ('told', 'not_ours', 'refused', 'failed');
-- Who else pays as the same customer of a gateway: one learner's erasure must not take a sister's books.
update payments.subscriptions
set customer = (body ->> 'gateway') || ':' || (body ->> 'gateway_customer_id')
where body ->> 'gateway_customer_id' is not null;
