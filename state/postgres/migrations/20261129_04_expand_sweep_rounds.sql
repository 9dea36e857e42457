-- Where a round over the accounts stands that pay by PayPal, and when it began.
-- depends: 20261129_03_expand_urgency_of_effects

-- migrate: apply

-- `place`: the account behind which it goes on, '' at its beginning; NULL between two rounds.
ALTER TABLE sweep_windows
    ADD COLUMN place text COLLATE "C",
    ADD COLUMN began_at timestamptz;

-- migrate: rollback
ALTER TABLE sweep_windows DROP COLUMN place, DROP COLUMN began_at;
