-- Names are found by keyed hashes of their beginnings (name_beginnings); what stood here in the clear goes.
alter table notifications.learners drop column if exists called;
