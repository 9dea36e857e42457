-- What the effects member knows of each account's customer at Stripe.
-- depends: 20261123_01_expand_spine

-- migrate: apply

-- Written only by whoever holds the lease of the account's Stripe effect, before and after each call.
-- A reservation (reserved_at) comes before the customer made for it (made_id) and is open until the account
-- is linked to that customer or the customer is given up. A projection of null is in doubt: a call was begun
-- whose outcome nobody has noted.
CREATE TABLE stripe_holdings (
    account_id   text COLLATE "C" PRIMARY KEY,
    reservation  integer NOT NULL DEFAULT 0,
    reserved_at  timestamptz,
    made_id      text,
    customer_id  text,
    projection   text,
    noted_at     timestamptz
) WITH (fillfactor = 70);

CREATE INDEX effects_failed ON effects (account_id) WHERE state = 'failed';

-- migrate: rollback
DROP INDEX effects_failed;
DROP TABLE stripe_holdings;
