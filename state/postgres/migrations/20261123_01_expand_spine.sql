-- The spine: accounts, profiles, Stripe links, journal, cursors, outbox, effects, parking, access.
-- depends:

-- migrate: apply

-- Account ids are 32 lower-case hexadecimal characters; "C" makes the lock order a byte order.
CREATE TABLE accounts (
    id            text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    type          text NOT NULL,
    flags         integer NOT NULL DEFAULT 0,
    version       integer NOT NULL,
    locked_by     text,
    lock_reason   text,
    locked_since  timestamptz,
    parked_since  timestamptz,
    created_on    timestamptz NOT NULL,
    edited_on     timestamptz NOT NULL
) WITH (fillfactor = 70);

CREATE TYPE account_in_v1 AS (
    id text, type text, flags integer, version integer,
    locked_by text, lock_reason text, locked_since timestamptz,
    created_on timestamptz, edited_on timestamptz
);

-- A deleted profile stays as a tombstone without fields, so its version never starts again.
CREATE TABLE profiles (
    account_id               text COLLATE "C" PRIMARY KEY REFERENCES accounts (id),
    first_name               text,
    last_name                text,
    company                  text,
    address                  text,
    address2                 text,
    city                     text,
    state                    text,
    zipcode                  text,
    country                  text,
    telephone                text,
    vat                      text,
    tax_id_type              text,
    billing_email            text,
    secondary_billing_email  text,
    preferred_locale         text,
    version                  integer NOT NULL,
    created_on               timestamptz NOT NULL,
    edited_on                timestamptz NOT NULL,
    deleted_on               timestamptz
) WITH (fillfactor = 70);

CREATE TYPE profile_in_v1 AS (
    account_id text, first_name text, last_name text, company text, address text, address2 text,
    city text, state text, zipcode text, country text, telephone text, vat text, tax_id_type text,
    billing_email text, secondary_billing_email text, preferred_locale text,
    version integer, created_on timestamptz, edited_on timestamptz, deleted_on timestamptz
);

CREATE TABLE stripe_customers (
    account_id          text COLLATE "C" PRIMARY KEY REFERENCES accounts (id),
    customer_id         text,
    version             integer NOT NULL,
    projection          text,
    synced_at           timestamptz,
    failed_projection   text,
    failure_reason      text,
    failed_at           timestamptz,
    merged              boolean NOT NULL DEFAULT false,
    shared_as_of        timestamptz
) WITH (fillfactor = 70);
CREATE INDEX stripe_customers_by_customer ON stripe_customers (customer_id) WHERE customer_id IS NOT NULL;

CREATE TYPE stripe_customer_in_v1 AS (
    account_id text, customer_id text, version integer, projection text, synced_at timestamptz,
    failed_projection text, failure_reason text, failed_at timestamptz, merged boolean, shared_as_of timestamptz
);

-- The inbox, the outcome store, the audit log and the account's timeline in one (DESIGN.md 3).
-- Partitioned by day of the UUIDv7 itself: the key stays unique over all days.
CREATE TABLE journal (
    command_id    uuid NOT NULL,
    account_id    text COLLATE "C" NOT NULL,
    type          text NOT NULL,
    lane          text NOT NULL,
    actor         text NOT NULL,
    actor_role    text NOT NULL,
    surface       text NOT NULL,
    causation_id  text,
    outcome       text NOT NULL CHECK (outcome IN ('applied', 'refused', 'discarded')),
    code          integer,
    answer        text,
    body          text,
    decided_at    timestamptz NOT NULL,
    PRIMARY KEY (command_id)
) PARTITION BY RANGE (command_id);
CREATE INDEX journal_timeline ON journal (account_id, command_id);

CREATE TYPE journal_in_v1 AS (
    command_id uuid, account_id text, type text, lane text, actor text, actor_role text, surface text,
    causation_id text, outcome text, code integer, answer text, body text
);

-- Attaching a partition does not block the main path; creating one in place would.
CREATE FUNCTION add_journal_day(day date, low uuid, high uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    name text := 'journal_' || to_char(day, 'YYYYMMDD');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('journal days', 0));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE journal INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE journal ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, low, high);
END $$;

-- Where each consumer group stands; moved by compare-and-set in the transaction of the effects.
CREATE TABLE cursors (
    consumer_group  text NOT NULL,
    topic           text NOT NULL,
    partition       integer NOT NULL,
    next_offset     bigint NOT NULL,
    moved_at        timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, topic, partition)
) WITH (fillfactor = 50);

-- Ids are allotted one at a time (no sequence cache) and under the account's lock: the order of ids
-- is the order of decisions per account.
CREATE TABLE outbox (
    shard       smallint NOT NULL,
    id          bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    topic       text NOT NULL,
    key         text,
    headers     text NOT NULL,
    body        bytea,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (shard, id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_insert_scale_factor = 0.5);

CREATE TYPE outbox_in_v1 AS (shard smallint, topic text, key text, headers text, body bytea);

-- Work owed to the outside. At most one open row per coalescing key: `generation` counts what was asked
-- for meanwhile, so work that was overtaken while it ran is run again.
CREATE TABLE effects (
    account_id    text COLLATE "C" NOT NULL,
    id            uuid NOT NULL,
    kind          text NOT NULL,
    target        text NOT NULL,
    coalesce_key  text,
    payload       text NOT NULL,
    cause         text,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'failed')),
    generation    integer NOT NULL DEFAULT 1,
    attempts      integer NOT NULL DEFAULT 0,
    due_at        timestamptz NOT NULL,
    leased_by     text,
    leased_until  timestamptz,
    last_error    text,
    created_at    timestamptz NOT NULL,
    finished_at   timestamptz,
    PRIMARY KEY (account_id, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX effects_due ON effects (due_at) WHERE state = 'open';
CREATE INDEX effects_in_order ON effects (account_id, target, id) WHERE state = 'open';
CREATE INDEX effects_finished ON effects (finished_at) WHERE state <> 'open';
CREATE UNIQUE INDEX effects_coalesced ON effects (account_id, target, kind, coalesce_key)
    WHERE state = 'open' AND coalesce_key IS NOT NULL;

CREATE TYPE effect_in_v1 AS (
    account_id text, id uuid, kind text, target text, coalesce_key text, payload text, cause text, due_at timestamptz
);

-- Commands set aside because one of their account could not be decided; kept whole and in order.
CREATE TABLE parked_commands (
    account_id     text COLLATE "C" NOT NULL,
    position       bigint GENERATED ALWAYS AS IDENTITY (CACHE 1),
    command_id     uuid NOT NULL,
    lane           text NOT NULL,
    topic          text NOT NULL,
    partition      integer NOT NULL,
    record_offset  bigint NOT NULL,
    timestamp_ms   bigint NOT NULL,
    headers        text NOT NULL,
    body           bytea NOT NULL,
    error          text,
    parked_at      timestamptz NOT NULL,
    PRIMARY KEY (account_id, position),
    UNIQUE (account_id, command_id)
);

CREATE TYPE parked_in_v1 AS (
    account_id text, command_id uuid, lane text, topic text, partition integer, record_offset bigint,
    timestamp_ms bigint, headers text, body bytea, error text, parked_at timestamptz
);

-- The same key with the same request is the same operation, for ever.
CREATE TABLE idempotency_keys (
    account_id    text COLLATE "C" NOT NULL,
    caller        text NOT NULL,
    key_hash      bytea NOT NULL,
    request_hash  bytea NOT NULL,
    command_id    uuid NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, caller, key_hash)
);

-- Bearer tokens of the Dashboard; only a hash is kept.
CREATE TABLE api_tokens (
    id          text PRIMARY KEY,
    hash        bytea NOT NULL UNIQUE,
    name        text NOT NULL,
    accounts    text[] NOT NULL,
    scopes      text[] NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);

-- migrate: rollback
DROP TABLE api_tokens, idempotency_keys, parked_commands, effects, outbox, cursors, journal,
    stripe_customers, profiles, accounts;
DROP FUNCTION add_journal_day;
DROP TYPE account_in_v1, profile_in_v1, stripe_customer_in_v1, journal_in_v1, outbox_in_v1, effect_in_v1, parked_in_v1;
