-- Operations that go on after their command: an outcome of their own, and who waits for the effect that ends them.
-- depends: 20261123_02_expand_stripe_holdings

-- migrate: apply

-- The days that exist were made by LIKE, so each has the check as its own as well: it goes everywhere first.
-- NOT VALID reads no row: every outcome that was allowed still is.
DO $$
DECLARE
    part regclass;
BEGIN
    ALTER TABLE journal DROP CONSTRAINT journal_outcome_check;
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'journal'::regclass LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS journal_outcome_check', part);
    END LOOP;
END $$;
ALTER TABLE journal ADD CONSTRAINT journal_outcome_check
    CHECK (outcome IN ('applied', 'accepted', 'refused', 'discarded')) NOT VALID;

ALTER TABLE effects ADD COLUMN reply_to text;

CREATE TYPE effect_in_v2 AS (
    account_id text, id uuid, kind text, target text, coalesce_key text, payload text, cause text,
    due_at timestamptz, reply_to text
);

-- migrate: rollback
DROP TYPE effect_in_v2;
ALTER TABLE effects DROP COLUMN reply_to;
