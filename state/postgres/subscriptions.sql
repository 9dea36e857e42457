-- name: load
SELECT account_id, id, customer_id, status, collection_method, days_until_due, default_payment_method,
       cancel_at_period_end, items, ended_at, seen_at, seen_event, seen_rank, seen_final, version, edited_on,
       metered_until
FROM subscriptions
WHERE account_id = ANY($1::text[])
ORDER BY account_id, id;

-- name: save
INSERT INTO subscriptions AS kept
    (account_id, id, customer_id, status, collection_method, days_until_due, default_payment_method,
     cancel_at_period_end, items, ended_at, seen_at, seen_event, seen_rank, seen_final, version, edited_on,
     metered_until)
SELECT account_id, id, customer_id, status, collection_method, days_until_due, default_payment_method,
       cancel_at_period_end, items, ended_at, seen_at, seen_event, seen_rank, seen_final, version, edited_on,
       metered_until
FROM unnest($1::subscription_in_v2[])
ON CONFLICT (account_id, id) DO UPDATE SET
    customer_id = excluded.customer_id,
    status = excluded.status,
    collection_method = excluded.collection_method,
    days_until_due = excluded.days_until_due,
    default_payment_method = excluded.default_payment_method,
    cancel_at_period_end = excluded.cancel_at_period_end,
    items = excluded.items,
    ended_at = excluded.ended_at,
    seen_at = excluded.seen_at,
    seen_event = excluded.seen_event,
    seen_rank = excluded.seen_rank,
    seen_final = excluded.seen_final,
    version = excluded.version,
    edited_on = excluded.edited_on,
    metered_until = excluded.metered_until
WHERE kept.version < excluded.version;
