-- The order in which effects were owed, by the database: ids are made by workers, whose clocks differ.
-- depends: 20261128_01_expand_paypal_migrations

-- migrate: apply

-- Rows that are there stand first, in the order of their ids, and none of them is rewritten for it. Workers of the
-- release before write without naming the column and get their place all the same.
CREATE SEQUENCE effects_position AS bigint CACHE 1;
ALTER TABLE effects ADD COLUMN position bigint NOT NULL DEFAULT 0;
ALTER TABLE effects ALTER COLUMN position SET DEFAULT nextval('effects_position');
ALTER SEQUENCE effects_position OWNED BY effects.position;

-- migrate: rollback
ALTER TABLE effects DROP COLUMN position;
