-- When a subscription lost its last metered item: usage up to then may still be charged.
-- depends: 20261129_01_expand_open_setups

-- migrate: apply

ALTER TABLE subscriptions ADD COLUMN metered_until timestamptz;

CREATE TYPE subscription_in_v2 AS (
    account_id text, id text, customer_id text, status text, collection_method text, days_until_due integer,
    default_payment_method text, cancel_at_period_end boolean, items text, ended_at timestamptz,
    seen_at timestamptz, seen_event text, seen_rank integer, seen_final boolean, version integer, edited_on timestamptz,
    metered_until timestamptz
);

-- migrate: rollback
DROP TYPE subscription_in_v2;
ALTER TABLE subscriptions DROP COLUMN metered_until;
