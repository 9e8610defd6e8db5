-- Looking for a subscription is one walk along one index too.
create index cases_by_subscription on desk.cases (school_id, subscription_id, sort_at, key);
