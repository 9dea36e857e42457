-- What stood on both sides before each run of repairs, and which differences were read by themselves.
-- depends: 20261129_04_expand_sweep_rounds

-- migrate: apply

-- Copied when a run asks: the row of `drift` goes on with what later looks find, and to later runs.
CREATE TABLE repaired_fields (
    run         uuid NOT NULL,
    drift_id    bigint NOT NULL,
    account_id  text COLLATE "C" NOT NULL,
    processor   text NOT NULL,
    field       text NOT NULL,
    ours        text,
    theirs      text,
    cause       text NOT NULL,
    since       timestamptz NOT NULL,
    asked_at    timestamptz NOT NULL,
    PRIMARY KEY (run, drift_id)
);
CREATE INDEX repaired_fields_by_account ON repaired_fields (account_id);
CREATE INDEX repaired_fields_by_age ON repaired_fields (asked_at);

-- When the object was read without a person: once for each difference.
ALTER TABLE drift ADD COLUMN read_asked_at timestamptz;

-- migrate: rollback
ALTER TABLE drift DROP COLUMN read_asked_at;
DROP TABLE repaired_fields;
