-- Webhooks of customers that no account is linked to (yet): our own commit may be later than the webhook.
-- depends: 20261124_02_expand_payment_methods

-- migrate: apply
CREATE TABLE waiting_webhooks (
    source       text NOT NULL,
    event_id     text NOT NULL,
    type         text NOT NULL,
    owner_key    text NOT NULL,
    body         bytea NOT NULL,
    headers      text NOT NULL,
    topic        text NOT NULL,
    partition    integer NOT NULL,
    record_offset bigint NOT NULL,
    timestamp_ms bigint NOT NULL,
    waiting_since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, event_id)
);
CREATE INDEX waiting_webhooks_by_owner ON waiting_webhooks (owner_key);
CREATE INDEX waiting_webhooks_by_age ON waiting_webhooks (waiting_since);

CREATE TYPE waiting_webhook_in_v1 AS (
    source text, event_id text, type text, owner_key text, body bytea, headers text, topic text, partition integer,
    record_offset bigint, timestamp_ms bigint
);

-- migrate: rollback
DROP TABLE waiting_webhooks;
DROP TYPE waiting_webhook_in_v1;
