-- name: load
-- All methods of each account, tombstones included: a range of the primary key.
SELECT account_id, id, details, state, version, created_on, edited_on, is_default, chosen_on, billing,
       setup_intent, deadline, reason, released, warned, seen_at, seen_event, seen_rank, seen_final
FROM payment_methods
WHERE account_id = ANY($1::text[])
ORDER BY account_id, created_on, id;

-- name: save
-- Whoever is the default no longer goes first, as at no moment two may be: the unique index is checked row by row.
INSERT INTO payment_methods AS kept
    (account_id, id, processor, reference, details, state, is_default, chosen_on, billing, setup_intent, deadline,
     reason, released, warned, expires_on, seen_at, seen_event, seen_rank, seen_final, version, created_on, edited_on)
SELECT account_id, id, processor, reference, details, state, is_default, chosen_on, billing, setup_intent, deadline,
       reason, released, warned, expires_on, seen_at, seen_event, seen_rank, seen_final, version, created_on, edited_on
FROM unnest($1::payment_method_in_v1[])
ORDER BY is_default
ON CONFLICT (account_id, id) DO UPDATE SET
    reference = excluded.reference,
    details = excluded.details,
    state = excluded.state,
    is_default = excluded.is_default,
    chosen_on = excluded.chosen_on,
    billing = excluded.billing,
    setup_intent = excluded.setup_intent,
    deadline = excluded.deadline,
    reason = excluded.reason,
    released = excluded.released,
    warned = excluded.warned,
    expires_on = excluded.expires_on,
    seen_at = excluded.seen_at,
    seen_event = excluded.seen_event,
    seen_rank = excluded.seen_rank,
    seen_final = excluded.seen_final,
    version = excluded.version,
    edited_on = excluded.edited_on
WHERE kept.version < excluded.version;

-- name: expiring
-- Accounts with an active card that ends before a day and was not dealt with, in id order behind $2. By its index.
SELECT DISTINCT account_id
FROM payment_methods
WHERE state = 'active' AND expires_on IS NOT NULL AND expires_on <= $1 AND account_id > $2
ORDER BY account_id
LIMIT $3;

-- name: others
-- Whether an account besides $2 pays with one of these tokens of Braintree's vault. By the index on the reference.
SELECT account_id
FROM payment_methods
WHERE reference = ANY($1::text[]) AND account_id <> $2 AND processor = 'braintree'
  AND state IN ('pending_setup', 'active', 'expired')
LIMIT 1;
