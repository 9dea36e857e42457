-- Payment methods with their tombstones, and the mirror of Stripe's subscriptions.
-- depends: 20261124_01_expand_continuing_operations

-- migrate: apply

-- `reference` is the processor's own name of the method, found by webhooks. `seen_*` is the observation the
-- details come from (handlers/ordering.py).
CREATE TABLE payment_methods (
    account_id    text COLLATE "C" NOT NULL REFERENCES accounts (id),
    id            text COLLATE "C" NOT NULL,
    processor     text NOT NULL,
    reference     text NOT NULL,
    details       text NOT NULL,
    state         text NOT NULL,
    is_default    boolean NOT NULL,
    chosen_on     timestamptz,
    billing       text NOT NULL,
    setup_intent  text,
    deadline      timestamptz,
    reason        text,
    released      boolean NOT NULL,
    warned        text,
    expires_on    date,
    seen_at       timestamptz,
    seen_event    text,
    seen_rank     integer NOT NULL,
    seen_final    boolean NOT NULL,
    version       integer NOT NULL,
    created_on    timestamptz NOT NULL,
    edited_on     timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX payment_methods_one_default ON payment_methods (account_id) WHERE is_default;
CREATE INDEX payment_methods_by_reference ON payment_methods (reference);
CREATE INDEX payment_methods_expiring ON payment_methods (expires_on) WHERE state = 'active' AND expires_on IS NOT NULL;

CREATE TYPE payment_method_in_v1 AS (
    account_id text, id text, processor text, reference text, details text, state text, is_default boolean,
    chosen_on timestamptz, billing text, setup_intent text, deadline timestamptz, reason text, released boolean,
    warned text, expires_on date, seen_at timestamptz, seen_event text, seen_rank integer, seen_final boolean,
    version integer, created_on timestamptz, edited_on timestamptz
);

CREATE TABLE subscriptions (
    account_id             text COLLATE "C" NOT NULL REFERENCES accounts (id),
    id                     text COLLATE "C" NOT NULL,
    customer_id            text NOT NULL,
    status                 text NOT NULL,
    collection_method      text NOT NULL,
    days_until_due         integer,
    default_payment_method text,
    cancel_at_period_end   boolean NOT NULL,
    items                  text NOT NULL,
    ended_at               timestamptz,
    seen_at                timestamptz,
    seen_event             text,
    seen_rank              integer NOT NULL,
    seen_final             boolean NOT NULL,
    version                integer NOT NULL,
    edited_on              timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
) WITH (fillfactor = 80);
CREATE INDEX subscriptions_by_id ON subscriptions (id);

CREATE TYPE subscription_in_v1 AS (
    account_id text, id text, customer_id text, status text, collection_method text, days_until_due integer,
    default_payment_method text, cancel_at_period_end boolean, items text, ended_at timestamptz,
    seen_at timestamptz, seen_event text, seen_rank integer, seen_final boolean, version integer, edited_on timestamptz
);

-- migrate: rollback
DROP TABLE subscriptions, payment_methods;
DROP TYPE subscription_in_v1, payment_method_in_v1;
