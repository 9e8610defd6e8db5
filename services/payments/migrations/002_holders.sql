-- Who is translating a webhook: when that process dies, the webhook is free at once, whatever its pause says.
alter table payments.webhooks add column leased_by bigint;
