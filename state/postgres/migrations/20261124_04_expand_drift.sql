-- Where our store and the processors disagree, with its history; sweeps that look for it, runs that repair it.
-- depends: 20261124_03_expand_webhooks

-- migrate: apply

-- One open row for each field of an account that differs. `looks` counts how often it was found: what was found
-- once may be a webhook on its way. Closed rows are the history, and with `repair` what a repair can be undone by.
CREATE TABLE drift (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id       text COLLATE "C" NOT NULL,
    processor        text NOT NULL,
    field            text NOT NULL,
    ours             text,
    theirs           text,
    cause            text NOT NULL,
    looks            integer NOT NULL DEFAULT 1,
    since            timestamptz NOT NULL,
    seen_at          timestamptz NOT NULL,
    repair           uuid,
    repair_asked_at  timestamptz,
    closed_at        timestamptz
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX drift_open ON drift (account_id, field) WHERE closed_at IS NULL;
CREATE INDEX drift_due ON drift (seen_at) WHERE closed_at IS NULL;
CREATE INDEX drift_by_account ON drift (account_id, id);
CREATE INDEX drift_by_repair ON drift (repair) WHERE repair IS NOT NULL;
CREATE INDEX drift_closed ON drift (closed_at) WHERE closed_at IS NOT NULL;

CREATE TYPE drift_in_v1 AS (account_id text, processor text, field text, ours text, theirs text, cause text);

-- Accounts to look at once what is on its way has arrived.
CREATE TABLE drift_suspects (
    account_id  text COLLATE "C" PRIMARY KEY,
    due_at      timestamptz NOT NULL
);
CREATE INDEX drift_suspects_due ON drift_suspects (due_at);

-- Customers at Stripe to which no account is linked. `account_id` is the one that they say they were made for.
CREATE TABLE stray_customers (
    customer_id  text PRIMARY KEY,
    account_id   text,
    linked_to    text,
    created_on   timestamptz,
    since        timestamptz NOT NULL,
    seen_at      timestamptz NOT NULL
);

CREATE TYPE stray_in_v1 AS (customer_id text, account_id text, linked_to text, created_on timestamptz);

-- A sweep goes on where its `phase` and `place` say, whoever holds the lease.
CREATE TABLE sweeps (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    phase         text NOT NULL,
    place         text,
    state         text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
    accounts      bigint NOT NULL DEFAULT 0,
    calls         bigint NOT NULL DEFAULT 0,
    suspects      bigint NOT NULL DEFAULT 0,
    last_error    text,
    leased_by     text,
    leased_until  timestamptz,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz
);
CREATE UNIQUE INDEX sweeps_one_running ON sweeps (state) WHERE state = 'running';

-- What a sweep was shown by Stripe: what we have beyond it, Stripe has no more.
CREATE TABLE swept_objects (
    sweep  bigint NOT NULL,
    id     text COLLATE "C" NOT NULL,
    PRIMARY KEY (sweep, id)
);

-- How far the sweep of recent changes has come, and who does it.
CREATE TABLE sweep_windows (
    name          text PRIMARY KEY,
    until         timestamptz,
    leased_by     text,
    leased_until  timestamptz
);

CREATE INDEX stripe_holdings_made ON stripe_holdings (made_id) WHERE made_id IS NOT NULL;

CREATE TABLE repairs (
    id           uuid PRIMARY KEY,
    share        integer NOT NULL,
    cap          integer NOT NULL,
    accounts     integer NOT NULL,
    applied      integer NOT NULL DEFAULT 0,
    refused      integer NOT NULL DEFAULT 0,
    state        text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'stopped')),
    asked_by     text NOT NULL,
    reason       text NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);

CREATE TABLE switches (
    name    text PRIMARY KEY,
    "off"   boolean NOT NULL,
    by      text NOT NULL,
    reason  text NOT NULL,
    since   timestamptz NOT NULL DEFAULT now()
);

-- migrate: rollback
DROP INDEX stripe_holdings_made;
DROP TABLE switches, repairs, sweep_windows, swept_objects, sweeps, stray_customers, drift_suspects, drift;
DROP TYPE drift_in_v1, stray_in_v1;
