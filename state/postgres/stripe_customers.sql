-- name: load
SELECT account_id, customer_id, version, projection, synced_at,
       failed_projection, failure_reason, failed_at, merged, shared_as_of, setups, gone
FROM stripe_customers
WHERE account_id = ANY($1::text[]);

-- name: save
INSERT INTO stripe_customers AS kept
    (account_id, customer_id, version, projection, synced_at,
     failed_projection, failure_reason, failed_at, merged, shared_as_of, setups, gone)
SELECT account_id, customer_id, version, projection, synced_at,
       failed_projection, failure_reason, failed_at, merged, shared_as_of, setups, gone
FROM unnest($1::stripe_customer_in_v2[])
ON CONFLICT (account_id) DO UPDATE SET
    customer_id = excluded.customer_id,
    version = excluded.version,
    projection = excluded.projection,
    synced_at = excluded.synced_at,
    failed_projection = excluded.failed_projection,
    failure_reason = excluded.failure_reason,
    failed_at = excluded.failed_at,
    merged = excluded.merged,
    shared_as_of = excluded.shared_as_of,
    setups = excluded.setups,
    gone = excluded.gone
WHERE kept.version < excluded.version;

-- name: accounts_of
-- Who is linked to a customer: one account, or several that are merged.
SELECT customer_id, account_id, statement_timestamp() AS as_of
FROM stripe_customers
WHERE customer_id = ANY($1::text[])
ORDER BY customer_id, account_id;

-- name: lock_customers
-- Readings of who shares a customer follow one another, so that the later one has the later time.
SELECT pg_advisory_xact_lock(hashtextextended(customer_id, 1))
FROM (SELECT customer_id FROM unnest($1::text[]) AS customer_id ORDER BY customer_id) AS in_order;

-- name: estimated
-- How many accounts have a Stripe side, as the planner believes since the last ANALYZE: at any size one row of the catalog.
SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'stripe_customers'::regclass;
