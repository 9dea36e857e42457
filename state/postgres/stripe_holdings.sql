-- name: load
-- A reservation is stale when Stripe may have forgotten its idempotency key, which it keeps for 24 hours.
SELECT reservation, reserved_at, customer_id, projection, noted_at,
       coalesce(reserved_at < clock_timestamp() - $2::interval, false) AS stale
FROM stripe_holdings
WHERE account_id = $1;

-- name: reserve
-- Before a customer is created. Only for the holder of the lease, and only while none is known.
INSERT INTO stripe_holdings AS held (account_id, reservation, reserved_at)
SELECT account_id, $4, clock_timestamp()
FROM effects
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open'
FOR UPDATE
ON CONFLICT (account_id) DO UPDATE SET
    reservation = excluded.reservation,
    reserved_at = excluded.reserved_at
WHERE held.customer_id IS NULL
RETURNING reserved_at;

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
