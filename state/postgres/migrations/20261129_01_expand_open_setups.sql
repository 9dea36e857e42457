-- What is open at an account's Stripe customer, whether it is gone, and when the account was erased.
-- depends: 20261128_02_expand_order_of_effects

-- migrate: apply

-- `setups` is JSON: setup intents that a page may still complete, and for a day what they brought.
ALTER TABLE stripe_customers
    ADD COLUMN setups text NOT NULL DEFAULT '[]',
    ADD COLUMN gone boolean NOT NULL DEFAULT false;

CREATE TYPE stripe_customer_in_v2 AS (
    account_id text, customer_id text, version integer, projection text, synced_at timestamptz,
    failed_projection text, failure_reason text, failed_at timestamptz, merged boolean, shared_as_of timestamptz,
    setups text, gone boolean
);

ALTER TABLE accounts ADD COLUMN erased_on timestamptz;

CREATE TYPE account_in_v2 AS (
    id text, type text, flags integer, version integer, locked_by text, lock_reason text, locked_since timestamptz,
    created_on timestamptz, edited_on timestamptz, erased_on timestamptz
);

-- migrate: rollback
DROP TYPE account_in_v2, stripe_customer_in_v2;
ALTER TABLE accounts DROP COLUMN erased_on;
ALTER TABLE stripe_customers DROP COLUMN setups, DROP COLUMN gone;
