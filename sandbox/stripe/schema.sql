-- Every object of the account, as Stripe would answer it. `seq` is the order of creation; a deleted object stays
-- as a stub, so that its id still answers.
CREATE TABLE IF NOT EXISTS objects (
    seq     INTEGER PRIMARY KEY,
    id      TEXT    NOT NULL UNIQUE,
    kind    TEXT    NOT NULL,
    parent  TEXT    NOT NULL DEFAULT '',
    email   TEXT,
    created INTEGER NOT NULL,
    deleted INTEGER NOT NULL DEFAULT 0,
    body    BLOB    NOT NULL
) STRICT;

-- Lists: newest first within a kind, or within a kind and its parent.
CREATE INDEX IF NOT EXISTS objects_listed ON objects (kind, parent, created, seq) WHERE deleted = 0;

-- How many were deleted, without reading them.
CREATE INDEX IF NOT EXISTS objects_deleted ON objects (kind) WHERE deleted = 1;

-- The list's filter by e-mail address.
CREATE INDEX IF NOT EXISTS objects_of_email ON objects (kind, email, created, seq)
    WHERE deleted = 0 AND email IS NOT NULL;

-- What search may find, and when it was true: search looks at a moment in the past.
CREATE TABLE IF NOT EXISTS search_terms (
    id    TEXT NOT NULL,
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    since REAL NOT NULL,
    until REAL,
    PRIMARY KEY (id, field, since)
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS search_terms_by_value ON search_terms (field, value);

-- The first answer to each idempotency key.
CREATE TABLE IF NOT EXISTS idempotency (
    key         TEXT    PRIMARY KEY,
    at          REAL    NOT NULL,
    path        TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    status      INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    request_id  TEXT    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS idempotency_by_age ON idempotency (at);

-- Each change that a request made, once: what a drill counts.
CREATE TABLE IF NOT EXISTS effects (
    seq             INTEGER PRIMARY KEY,
    at              REAL    NOT NULL,
    endpoint        TEXT    NOT NULL,
    object_id       TEXT    NOT NULL,
    idempotency_key TEXT,
    request_id      TEXT    NOT NULL
) STRICT;

-- The ledger summed up, for whoever asks often.
CREATE TABLE IF NOT EXISTS effect_counts (
    endpoint TEXT    PRIMARY KEY,
    effects  INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS settings (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- What happened, newest last; kept 30 days of the double's clock. `body` is the event as it was emitted.
CREATE TABLE IF NOT EXISTS events (
    seq       INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL UNIQUE,
    type      TEXT    NOT NULL,
    object_id TEXT,
    created   INTEGER NOT NULL,
    body      BLOB    NOT NULL
) STRICT;

CREATE INDEX IF NOT EXISTS events_listed ON events (created, seq);

-- One row for each copy of an event that goes to an endpoint. `state`: pending, delivered, failed (given up),
-- lost (never sent, and Stripe knows), vanished (never sent, and Stripe believes it was). `due` is in the
-- double's clock; among those due at once, `rank` decides, then `seq`.
CREATE TABLE IF NOT EXISTS deliveries (
    seq         INTEGER PRIMARY KEY,
    event_id    TEXT    NOT NULL,
    endpoint_id TEXT    NOT NULL,
    copy        INTEGER NOT NULL DEFAULT 0,
    state       TEXT    NOT NULL,
    due         REAL    NOT NULL,
    rank        REAL    NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    began       REAL,
    status      INTEGER,
    error       TEXT,
    ended       REAL
) STRICT;

CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due, rank, seq) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event_id, state);
CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (state, endpoint_id);

-- What a webhook endpoint's object does not show. `secrets` is JSON, newest first: more than one while one is rolled.
CREATE TABLE IF NOT EXISTS webhook_destinations (
    id      TEXT PRIMARY KEY,
    payload TEXT NOT NULL,
    secrets TEXT NOT NULL
) STRICT;

-- When the clock must look at an object again: the end of a subscription's period.
CREATE TABLE IF NOT EXISTS alarms (
    object_id TEXT PRIMARY KEY,
    at        REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS alarms_by_time ON alarms (at);

-- Lists by customer of what has its own list, as subscriptions have.
CREATE INDEX IF NOT EXISTS objects_of_customer
    ON objects (kind, json_extract(CAST(body AS TEXT), '$.customer'), created, seq) WHERE deleted = 0;
