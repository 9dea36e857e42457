-- name: add
-- In the order given. A command that is parked already is not parked twice.
INSERT INTO parked_commands
    (account_id, command_id, lane, topic, partition, record_offset, timestamp_ms, headers, body, error, parked_at)
SELECT account_id, command_id, lane, topic, partition, record_offset, timestamp_ms, headers, body, error, parked_at
FROM unnest($1::parked_in_v1[]) WITH ORDINALITY AS parked
    (account_id, command_id, lane, topic, partition, record_offset, timestamp_ms, headers, body, error, parked_at, position)
ORDER BY parked.position
ON CONFLICT (account_id, command_id) DO NOTHING;

-- name: shelved
-- Which of these accounts have parked commands; asked only for accounts without a row of their own.
SELECT DISTINCT account_id FROM parked_commands WHERE account_id = ANY($1::text[]);

-- name: load
SELECT account_id, position, command_id, lane, topic, partition, record_offset, timestamp_ms, headers, body
FROM parked_commands
WHERE account_id = ANY($1::text[])
ORDER BY account_id, position;

-- name: remove
DELETE FROM parked_commands WHERE account_id = ANY($1::text[]) AND command_id = ANY($2::uuid[]);

-- name: note_error
UPDATE parked_commands SET error = $3 WHERE account_id = $1 AND command_id = $2;

-- name: listed
SELECT account_id, count(*) AS commands, min(parked_at) AS since,
       (array_agg(command_id ORDER BY position))[1] AS first_command,
       (array_agg(error ORDER BY position))[1] AS error,
       (array_agg(topic || '/' || partition || '@' || record_offset ORDER BY position))[1] AS source
FROM parked_commands
GROUP BY account_id
ORDER BY since
LIMIT $1;

-- name: find
SELECT command_id, account_id, headers, parked_at FROM parked_commands WHERE command_id = $1;

-- name: backlog
-- From account to account by the key, over the first command of each: however long the shelves are. It ends after $1.
WITH RECURSIVE parked AS (
    SELECT ''::text COLLATE "C" AS account_id, NULL::timestamptz AS since
    UNION ALL
    SELECT following.account_id, following.parked_at
    FROM parked
    CROSS JOIN LATERAL (
        SELECT account_id, parked_at
        FROM parked_commands
        WHERE parked_commands.account_id > parked.account_id
        ORDER BY account_id, position
        LIMIT 1
    ) AS following
)
SELECT count(since) AS accounts, coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8 AS oldest
FROM (SELECT since FROM parked LIMIT $1 + 1) AS counted;
