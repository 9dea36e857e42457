-- name: add
-- In the order given: ids rise along the array.
INSERT INTO outbox (shard, topic, key, headers, body)
SELECT shard, topic, key, headers, body
FROM unnest($1::outbox_in_v1[]) WITH ORDINALITY AS message (shard, topic, key, headers, body, position)
ORDER BY position;

-- name: next
-- The oldest rows of each owned shard: one index range scan a shard.
SELECT shard, id, topic, key, headers, body
FROM unnest($1::smallint[]) AS owned (number)
CROSS JOIN LATERAL (
    SELECT shard, id, topic, key, headers, body
    FROM outbox
    WHERE shard = owned.number
    ORDER BY id
    LIMIT $2
) AS oldest
ORDER BY shard, id;

-- name: remove
-- Of one shard, by both columns of the key: a join could be planned as one with the whole table.
DELETE FROM outbox
WHERE shard = $1 AND id = ANY($2::bigint[]);

-- name: own
-- Ownership lasts as long as the session: a relay that dies gives its shards up with its connection.
SELECT shard FROM generate_series(0, $2 - 1) AS shard WHERE shard <> ALL($3::int[]) AND pg_try_advisory_lock($1, shard);

-- name: disown
SELECT pg_advisory_unlock($1, $2);

-- name: depth
-- Each shard's first rows by the key, so it costs the same however long the outbox is. What lies beyond them is told by
-- the statistics of the table.
SELECT CASE WHEN max(counted) < $2 THEN sum(counted)
            ELSE greatest(sum(counted), pg_stat_get_live_tuples('outbox'::regclass))
       END::bigint AS depth,
       coalesce(extract(epoch FROM clock_timestamp() - min(since)), 0)::float8 AS oldest
FROM generate_series(0, $1::integer - 1) AS shards (number)
CROSS JOIN LATERAL (
    SELECT count(*) AS counted, min(created_at) AS since
    FROM (SELECT created_at FROM outbox WHERE shard = shards.number::smallint ORDER BY id LIMIT $2::integer) AS first_rows
) AS found;
