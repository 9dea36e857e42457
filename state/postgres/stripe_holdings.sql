-- name: load
-- A reservation is stale when Stripe may have forgotten its idempotency key.
SELECT reservation, reserved_at, made_id, customer_id, projection, noted_at,
       coalesce(reserved_at < clock_timestamp() - $2::interval, false) AS stale
FROM stripe_holdings
WHERE account_id = $1;

-- name: reserve
-- Before a customer is made. Like all writes here only for the holder of the effect's lease.
INSERT INTO stripe_holdings AS held (account_id, reservation, reserved_at)
SELECT account_id, 1, clock_timestamp()
FROM effects
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open'
FOR UPDATE
ON CONFLICT (account_id) DO UPDATE SET
    reservation = held.reservation + 1,
    reserved_at = excluded.reserved_at,
    made_id = NULL
RETURNING reservation;

-- name: made
-- The customer that was made for the open reservation.
UPDATE stripe_holdings AS held
SET made_id = $4
FROM (
    SELECT account_id FROM effects
    WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open'
    FOR UPDATE
) AS leased
WHERE held.account_id = leased.account_id
RETURNING held.account_id;

-- name: close
-- The reservation has come to its end: linked, given up, or refused by Stripe.
UPDATE stripe_holdings AS held
SET reserved_at = NULL, made_id = NULL
FROM (
    SELECT account_id FROM effects
    WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open'
    FOR UPDATE
) AS leased
WHERE held.account_id = leased.account_id
RETURNING held.account_id;

-- name: note
-- What Stripe is known to hold from now on, or null: in doubt. Times given out for one account only rise,
-- whatever the clock does.
INSERT INTO stripe_holdings AS held (account_id, customer_id, projection, noted_at)
SELECT account_id, $4, $5, clock_timestamp()
FROM effects
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open'
FOR UPDATE
ON CONFLICT (account_id) DO UPDATE SET
    customer_id = excluded.customer_id,
    projection = excluded.projection,
    noted_at = greatest(excluded.noted_at, held.noted_at + interval '1 microsecond')
RETURNING noted_at;

-- name: made_for
-- Customers that were made and are on their way to their account.
SELECT made_id FROM stripe_holdings WHERE made_id = ANY($1::text[]);
