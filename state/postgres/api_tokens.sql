-- name: add
INSERT INTO api_tokens (id, hash, name, accounts, scopes, expires_at)
VALUES ($1, $2, $3, $4, $5, $6);

-- name: find
-- By the unique index on the hash.
SELECT id, hash, name, accounts, scopes, created_at, expires_at, revoked_at
FROM api_tokens
WHERE hash = $1;

-- name: listed
-- For an operator; of one account, or of all.
SELECT id, hash, name, accounts, scopes, created_at, expires_at, revoked_at
FROM api_tokens
WHERE $1::text IS NULL OR $1 = ANY(accounts)
ORDER BY created_at, id;

-- name: revoke
-- Revoking again keeps the first time.
UPDATE api_tokens SET revoked_at = coalesce(revoked_at, now()) WHERE id = $1 RETURNING id;
