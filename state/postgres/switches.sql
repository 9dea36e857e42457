-- name: switch
INSERT INTO switches AS kept (name, "off", by, reason) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET "off" = excluded."off", by = excluded.by, reason = excluded.reason,
    since = statement_timestamp();

-- name: switched_off
SELECT by, reason, since FROM switches WHERE name = $1 AND "off";
