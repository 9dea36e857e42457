-- name: claim
-- The first request with a key takes it. Nothing is returned when somebody else was first, which is
-- waited for if their transaction is still open.
INSERT INTO idempotency_keys (account_id, caller, key_hash, request_hash, command_id)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id, caller, key_hash) DO NOTHING
RETURNING command_id;

-- name: holder
SELECT request_hash, command_id
FROM idempotency_keys
WHERE account_id = $1 AND caller = $2 AND key_hash = $3;
