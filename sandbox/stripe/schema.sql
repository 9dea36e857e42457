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
