-- name: wait
-- A second delivery of a webhook that waits already is the same webhook.
INSERT INTO waiting_webhooks
    (source, event_id, type, owner_key, body, headers, topic, partition, record_offset, timestamp_ms)
SELECT source, event_id, type, owner_key, body, headers, topic, partition, record_offset, timestamp_ms
FROM unnest($1::waiting_webhook_in_v1[])
ON CONFLICT (source, event_id) DO NOTHING;

-- name: take
-- Those whose customer has an account by now, and those that waited for too long; both go with the transaction.
-- By the index on the owner and by the one on the age. Several members take side by side.
WITH ready AS (
    SELECT source, event_id
    FROM waiting_webhooks AS waiting
    WHERE waiting_since < statement_timestamp() - $1::interval
       OR EXISTS (SELECT FROM stripe_customers WHERE customer_id = waiting.owner_key)
       OR EXISTS (SELECT FROM accounts WHERE id = waiting.owner_key)
       OR EXISTS (SELECT FROM payment_methods WHERE reference = waiting.owner_key)
       OR EXISTS (SELECT FROM subscriptions WHERE id = waiting.owner_key)
    ORDER BY waiting_since
    LIMIT $2
    FOR UPDATE SKIP LOCKED
)
DELETE FROM waiting_webhooks AS waiting
USING ready
WHERE waiting.source = ready.source AND waiting.event_id = ready.event_id
RETURNING waiting.source, waiting.event_id, type, owner_key, body, headers, topic, partition,
          record_offset, timestamp_ms;

-- name: backlog
SELECT source, count(*) AS depth,
       extract(epoch FROM statement_timestamp() - min(waiting_since))::float8 AS oldest
FROM waiting_webhooks
GROUP BY source;

-- name: holders
-- The accounts of processors' customers: Stripe's by their link, Braintree's have the account's own id.
SELECT customer_id, account_id FROM stripe_customers WHERE customer_id = ANY($1::text[])
UNION ALL
SELECT id, id FROM accounts WHERE id = ANY($1::text[])
ORDER BY 1, 2;

-- name: payers
-- The accounts that pay with these tokens of Braintree's vault, or paid while their method was moved.
SELECT reference AS token, account_id FROM payment_methods
WHERE reference = ANY($1::text[]) AND processor = 'braintree'
UNION
SELECT old_reference, account_id FROM paypal_migrations WHERE old_reference = ANY($1::text[])
UNION
SELECT new_reference, account_id FROM paypal_migrations WHERE new_reference = ANY($1::text[])
ORDER BY 1, 2;

-- name: owners
-- The accounts that know these objects of Stripe, for events that name an object without its customer.
SELECT reference AS object_id, account_id FROM payment_methods WHERE reference = ANY($1::text[])
UNION
SELECT id, account_id FROM subscriptions WHERE id = ANY($1::text[])
UNION
SELECT customer_id, account_id FROM stripe_customers WHERE customer_id = ANY($1::text[])
ORDER BY 1, 2;
