-- Moving PayPal methods to where they belong in Braintree's vault: one row a method and batch, batches, who was asked.
-- depends: 20261124_04_expand_drift

-- migrate: apply

-- `old` is what the method was before, `source` the agreement as the vault showed it (JSON); `old_reference` and
-- `new_reference` are tokens, found by webhooks.
CREATE TABLE paypal_migrations (
    account_id     text COLLATE "C" NOT NULL REFERENCES accounts (id),
    method_id      text COLLATE "C" NOT NULL,
    batch          text COLLATE "C" NOT NULL,
    dry_run        boolean NOT NULL,
    state          text NOT NULL,
    old            text NOT NULL,
    old_reference  text NOT NULL,
    broken         text,
    source         text,
    new_reference  text,
    awaited        boolean NOT NULL,
    in_vault       boolean NOT NULL,
    switched_on    timestamptz,
    charged        boolean NOT NULL,
    turning        boolean NOT NULL,
    why            text,
    asked_back     boolean NOT NULL,
    version        integer NOT NULL,
    began_on       timestamptz NOT NULL,
    edited_on      timestamptz NOT NULL,
    PRIMARY KEY (account_id, method_id, batch)
) WITH (fillfactor = 70);
CREATE INDEX paypal_migrations_by_batch ON paypal_migrations (batch, account_id);
CREATE INDEX paypal_migrations_by_old ON paypal_migrations (old_reference);
CREATE INDEX paypal_migrations_by_new ON paypal_migrations (new_reference) WHERE new_reference IS NOT NULL;
CREATE INDEX paypal_migrations_waiting ON paypal_migrations (account_id)
    WHERE awaited OR (state = 'switched' AND new_reference <> old_reference);

CREATE TYPE paypal_migration_in_v1 AS (
    account_id text, method_id text, batch text, dry_run boolean, state text, old text, old_reference text,
    broken text, source text, new_reference text, awaited boolean, in_vault boolean, switched_on timestamptz,
    charged boolean, turning boolean, why text, asked_back boolean, version integer, began_on timestamptz, edited_on timestamptz
);

-- What was asked for. The loop writes it: a batch is an aggregate of its own, with its id in the place of an account's.
CREATE TABLE paypal_batches (
    id          text COLLATE "C" PRIMARY KEY,
    dry_run     boolean NOT NULL,
    after       text COLLATE "C",
    accounts    text[] NOT NULL,
    cap         integer NOT NULL,
    asked_by    text NOT NULL,
    reason      text NOT NULL,
    stopped     boolean NOT NULL,
    version     integer NOT NULL,
    created_on  timestamptz NOT NULL,
    edited_on   timestamptz NOT NULL
);

CREATE TYPE paypal_batch_in_v1 AS (
    id text, dry_run boolean, after text, accounts text[], cap integer, asked_by text, reason text,
    stopped boolean, version integer, created_on timestamptz, edited_on timestamptz
);

-- How far the member that asks the accounts of a batch has come, and who does it.
CREATE TABLE paypal_batch_runs (
    batch         text COLLATE "C" PRIMARY KEY,
    place         text COLLATE "C" NOT NULL DEFAULT '',
    asked         integer NOT NULL DEFAULT 0,
    finished_at   timestamptz,
    leased_by     text,
    leased_until  timestamptz
);

-- Each account that is asked, by which command; written before the command is published. `decided` once it has its
-- outcome.
CREATE TABLE paypal_batch_accounts (
    batch       text COLLATE "C" NOT NULL,
    account_id  text COLLATE "C" NOT NULL,
    command_id  uuid NOT NULL,
    published   boolean NOT NULL DEFAULT false,
    decided     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (batch, account_id)
);
CREATE INDEX paypal_batch_accounts_under_way ON paypal_batch_accounts (batch, account_id) WHERE NOT decided;

CREATE INDEX payment_methods_vaulted ON payment_methods (account_id)
    WHERE processor = 'braintree' AND state IN ('active', 'expired');

-- migrate: rollback
DROP INDEX payment_methods_vaulted;
DROP TABLE paypal_batch_accounts, paypal_batch_runs, paypal_batches, paypal_migrations;
DROP TYPE paypal_batch_in_v1, paypal_migration_in_v1;
