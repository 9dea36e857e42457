-- name: lock
-- Rows are locked in byte order of their ids, in every transaction: no deadlock among workers.
SELECT id, type, flags, version, locked_by, lock_reason, locked_since, created_on, edited_on, erased_on, parked_since
FROM accounts
WHERE id = ANY($1::text[])
ORDER BY id
FOR UPDATE;

-- name: read
SELECT id, type, flags, version, locked_by, lock_reason, locked_since, created_on, edited_on, erased_on, parked_since
FROM accounts
WHERE id = ANY($1::text[]);

-- name: save
-- Under the lock. A row that somebody else inserted meanwhile has no smaller version and is not counted.
INSERT INTO accounts AS kept
    (id, type, flags, version, locked_by, lock_reason, locked_since, created_on, edited_on, erased_on)
SELECT id, type, flags, version, locked_by, lock_reason, locked_since, created_on, edited_on, erased_on
FROM unnest($1::account_in_v2[])
ORDER BY id
ON CONFLICT (id) DO UPDATE SET
    type = excluded.type,
    flags = excluded.flags,
    version = excluded.version,
    locked_by = excluded.locked_by,
    lock_reason = excluded.lock_reason,
    locked_since = excluded.locked_since,
    edited_on = excluded.edited_on,
    erased_on = excluded.erased_on
WHERE kept.version < excluded.version;

-- name: park
UPDATE accounts SET parked_since = $2 WHERE id = ANY($1::text[]) AND parked_since IS NULL;

-- name: unpark
UPDATE accounts SET parked_since = NULL WHERE id = ANY($1::text[]);
