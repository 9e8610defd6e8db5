-- Where the way of a webhook can be followed (W3C traceparent); empty while nothing is traced.
alter table payments.webhooks add column trace text;
