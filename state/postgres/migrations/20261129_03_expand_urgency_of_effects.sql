-- Whose turn an effect is, and until when it may be put off while what asks for it settles.
-- depends: 20261129_02_expand_metered_until

-- migrate: apply

-- Workers of the release before write without naming the columns: their effects are as urgent as all were, at once.
ALTER TABLE effects ADD COLUMN urgency smallint NOT NULL DEFAULT 0;
ALTER TABLE effects ADD COLUMN settles_until timestamptz;

CREATE TYPE effect_in_v3 AS (
    account_id text, id uuid, kind text, target text, coalesce_key text, payload text, cause text, reply_to text,
    after interval, urgency smallint, quiet interval
);

-- In the place of effects_due. Former workers claim by sorting what is open until they are gone.
CREATE INDEX effects_due_by_urgency ON effects (urgency, due_at) WHERE state = 'open';
DROP INDEX effects_due;

-- migrate: rollback
CREATE INDEX effects_due ON effects (due_at) WHERE state = 'open';
DROP INDEX effects_due_by_urgency;
DROP TYPE effect_in_v3;
ALTER TABLE effects DROP COLUMN urgency, DROP COLUMN settles_until;
