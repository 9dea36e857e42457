-- name: load
SELECT account_id, method_id, batch, dry_run, state, old, broken, source, new_reference, awaited, in_vault, switched_on,
       charged, turning, why, asked_back, version, began_on, edited_on
FROM paypal_migrations
WHERE account_id = ANY($1::text[])
ORDER BY account_id, method_id, batch;

-- name: save
INSERT INTO paypal_migrations AS kept
    (account_id, method_id, batch, dry_run, state, old, old_reference, broken, source, new_reference, awaited,
     in_vault, switched_on, charged, turning, why, asked_back, version, began_on, edited_on)
SELECT account_id, method_id, batch, dry_run, state, old, old_reference, broken, source, new_reference, awaited,
       in_vault, switched_on, charged, turning, why, asked_back, version, began_on, edited_on
FROM unnest($1::paypal_migration_in_v1[])
ON CONFLICT (account_id, method_id, batch) DO UPDATE SET
    dry_run = excluded.dry_run,
    state = excluded.state,
    old = excluded.old,
    old_reference = excluded.old_reference,
    broken = excluded.broken,
    source = excluded.source,
    new_reference = excluded.new_reference,
    awaited = excluded.awaited,
    in_vault = excluded.in_vault,
    switched_on = excluded.switched_on,
    charged = excluded.charged,
    turning = excluded.turning,
    why = excluded.why,
    asked_back = excluded.asked_back,
    version = excluded.version,
    began_on = excluded.began_on,
    edited_on = excluded.edited_on
WHERE kept.version < excluded.version;

-- name: waiting
-- Accounts with a method that waits for an import or its first payment, in id order behind $1. By its index.
SELECT DISTINCT account_id
FROM paypal_migrations
WHERE (awaited OR (state = 'switched' AND new_reference <> old_reference)) AND account_id > $1
ORDER BY account_id
LIMIT $2;

-- name: standing
SELECT state, count(*)::integer AS methods FROM paypal_migrations WHERE NOT dry_run GROUP BY state;
