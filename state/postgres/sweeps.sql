-- name: ask
-- At most one is under way.
INSERT INTO sweeps (phase) VALUES ($1)
ON CONFLICT (state) WHERE state = 'running' DO NOTHING
RETURNING id;

-- name: take
-- Whoever held it is gone, or it is ours already.
UPDATE sweeps
SET leased_by = $1, leased_until = statement_timestamp() + $2::interval
WHERE state = 'running' AND (leased_by = $1 OR leased_until IS NULL OR leased_until < statement_timestamp())
RETURNING id, phase, place, state, accounts, calls, suspects, last_error, leased_by, started_at, finished_at;

-- name: move
UPDATE sweeps
SET phase = $3, place = $4, accounts = accounts + $5, calls = calls + $6, suspects = suspects + $7,
    last_error = NULL, leased_until = statement_timestamp() + $8::interval
WHERE id = $1 AND leased_by = $2 AND state = 'running'
RETURNING id;

-- name: failed
UPDATE sweeps SET last_error = $3, leased_until = statement_timestamp() + $4::interval
WHERE id = $1 AND leased_by = $2 AND state = 'running';

-- name: finish
WITH finished AS (
    UPDATE sweeps
    SET state = 'done', finished_at = statement_timestamp(), leased_by = NULL, leased_until = NULL
    WHERE id = $1 AND leased_by = $2 AND state = 'running'
    RETURNING id
)
DELETE FROM swept_objects WHERE sweep <= (SELECT id FROM finished);

-- name: release
WITH windows AS (UPDATE sweep_windows SET leased_by = NULL, leased_until = NULL WHERE leased_by = $1)
UPDATE sweeps SET leased_by = NULL, leased_until = NULL WHERE leased_by = $1 AND state = 'running';

-- name: stop
UPDATE sweeps SET state = 'stopped', finished_at = statement_timestamp() WHERE state = 'running' RETURNING id;

-- name: newest
SELECT id, phase, place, state, accounts, calls, suspects, last_error, leased_by, started_at, finished_at
FROM sweeps
ORDER BY id DESC
LIMIT $1;

-- name: since_last
SELECT extract(epoch FROM statement_timestamp() - max(started_at))::float8 FROM sweeps WHERE state = 'done';

-- name: since_begun
SELECT extract(epoch FROM statement_timestamp() - max(started_at))::float8 FROM sweeps;

-- name: seen
INSERT INTO swept_objects (sweep, id)
SELECT $1, id FROM unnest($2::text[]) AS id
ON CONFLICT DO NOTHING;

-- name: unseen
-- Accounts with a customer or a live subscription that Stripe did not show, or with a profile or a payment method and no
-- customer, in id order behind $2. Each branch gives an account once: fewer rows than $3 are the end of the phase.
SELECT account_id FROM (
    (SELECT account_id FROM stripe_customers
     WHERE account_id > $2 AND customer_id IS NOT NULL
       AND NOT EXISTS (SELECT FROM swept_objects WHERE sweep = $1 AND swept_objects.id = customer_id)
     ORDER BY account_id LIMIT $3)
    UNION
    (SELECT DISTINCT account_id FROM subscriptions
     WHERE account_id > $2 AND status NOT IN ('canceled', 'incomplete_expired')
       AND NOT EXISTS (SELECT FROM swept_objects WHERE sweep = $1 AND swept_objects.id = subscriptions.id)
     ORDER BY account_id LIMIT $3)
    UNION
    (SELECT account_id FROM profiles
     WHERE account_id > $2 AND deleted_on IS NULL
       AND NOT EXISTS (SELECT FROM stripe_customers AS link
                       WHERE link.account_id = profiles.account_id AND link.customer_id IS NOT NULL)
     ORDER BY account_id LIMIT $3)
    UNION
    (SELECT DISTINCT account_id FROM payment_methods
     WHERE account_id > $2 AND state NOT IN ('revoked', 'detached')
       AND NOT EXISTS (SELECT FROM stripe_customers AS link
                       WHERE link.account_id = payment_methods.account_id AND link.customer_id IS NOT NULL)
     ORDER BY account_id LIMIT $3)
) AS unseen
ORDER BY account_id
LIMIT $3;

-- name: with_customer
-- Of $3 parts of all accounts the part number $4.
SELECT account_id FROM stripe_customers
WHERE account_id > $1 AND customer_id IS NOT NULL
  AND ($3::integer = 1 OR abs(hashtextextended(account_id, 9)) % $3 = $4::bigint % $3)
ORDER BY account_id
LIMIT $2;

-- name: with_agreement
SELECT DISTINCT account_id FROM payment_methods
WHERE account_id > $1 AND processor = 'braintree'
ORDER BY account_id
LIMIT $2;

-- name: without_agreement
-- What we know of them has nothing in Braintree's vault, nor had.
SELECT id FROM accounts
WHERE id > $1
  AND NOT EXISTS (SELECT FROM payment_methods WHERE account_id = accounts.id AND processor = 'braintree')
ORDER BY id
LIMIT $2;

-- name: lead
-- One process of the fleet does it.
INSERT INTO sweep_windows AS kept (name, leased_by, leased_until)
VALUES ($1, $2, statement_timestamp() + $3::interval)
ON CONFLICT (name) DO UPDATE SET leased_by = excluded.leased_by, leased_until = excluded.leased_until
WHERE kept.leased_by = $2 OR kept.leased_until IS NULL OR kept.leased_until < statement_timestamp()
RETURNING name;

-- name: window
SELECT until FROM sweep_windows WHERE name = $1;

-- name: move_window
INSERT INTO sweep_windows AS kept (name, until) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET until = greatest(kept.until, excluded.until);

-- name: round_place
UPDATE sweep_windows
SET place = coalesce(place, ''), began_at = CASE WHEN place IS NULL THEN statement_timestamp() ELSE began_at END
WHERE name = $1
  AND (place IS NOT NULL OR began_at IS NULL OR began_at <= statement_timestamp() - $2::interval)
RETURNING place;

-- name: payers
-- By the index of what is vaulted: an account without PayPal costs nothing.
SELECT DISTINCT account_id FROM payment_methods
WHERE account_id > $1 AND processor = 'braintree' AND state = 'active'
ORDER BY account_id
LIMIT $2;

-- name: move_round
UPDATE sweep_windows
SET place = $3, until = CASE WHEN $3::text IS NULL THEN began_at ELSE until END
WHERE name = $1 AND leased_by = $2;

-- name: since_round
SELECT extract(epoch FROM statement_timestamp() - until)::float8 FROM sweep_windows WHERE name = $1;
