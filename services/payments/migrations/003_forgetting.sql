-- Rows lie in the order of their arrival: this says in a few kilobytes where the old ones are. Each compressed body
-- names its own dictionary.
create index webhooks_old on payments.webhooks using brin (received_at);
alter table payments.webhooks drop column dictionary;
