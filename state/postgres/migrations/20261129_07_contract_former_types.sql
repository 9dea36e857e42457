-- Composite types whose place others took.
-- depends: 20261129_06_expand_sharing_accounts

-- migrate: apply

-- Workers built before 13:00 UTC of 29 November 2026 still send effect_in_v2, and those of the day before
-- subscription_in_v1: run it when nobody goes back to these.
DROP TYPE account_in_v1, stripe_customer_in_v1, effect_in_v1, effect_in_v2, subscription_in_v1;

-- migrate: rollback
CREATE TYPE account_in_v1 AS (
    id text, type text, flags integer, version integer,
    locked_by text, lock_reason text, locked_since timestamptz,
    created_on timestamptz, edited_on timestamptz
);
CREATE TYPE stripe_customer_in_v1 AS (
    account_id text, customer_id text, version integer, projection text, synced_at timestamptz,
    failed_projection text, failure_reason text, failed_at timestamptz, merged boolean, shared_as_of timestamptz
);
CREATE TYPE effect_in_v1 AS (
    account_id text, id uuid, kind text, target text, coalesce_key text, payload text, cause text, due_at timestamptz
);
CREATE TYPE effect_in_v2 AS (
    account_id text, id uuid, kind text, target text, coalesce_key text, payload text, cause text,
    due_at timestamptz, reply_to text
);
CREATE TYPE subscription_in_v1 AS (
    account_id text, id text, customer_id text, status text, collection_method text, days_until_due integer,
    default_payment_method text, cancel_at_period_end boolean, items text, ended_at timestamptz,
    seen_at timestamptz, seen_event text, seen_rank integer, seen_final boolean, version integer, edited_on timestamptz
);
