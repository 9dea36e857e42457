-- name: read
-- Where the group stands on the given partitions. Primary key look-ups.
SELECT partition, next_offset
FROM cursors
WHERE consumer_group = $1 AND topic = $2 AND partition = ANY($3::int[]);

-- name: open
-- The first time a group sees a partition.
INSERT INTO cursors (consumer_group, topic, partition, next_offset, moved_at)
VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT DO NOTHING;

-- name: advance
-- The fence: compare and set, and never back. A partition that is not returned was moved by somebody else.
UPDATE cursors
SET next_offset = span.stop, moved_at = clock_timestamp()
FROM unnest($3::int[], $4::bigint[], $5::bigint[]) AS span (partition, start, stop)
WHERE cursors.consumer_group = $1
  AND cursors.topic = $2
  AND cursors.partition = span.partition
  AND cursors.next_offset = span.start
  AND span.stop >= span.start
RETURNING cursors.partition;

-- name: listed
SELECT consumer_group, topic, partition, next_offset, moved_at
FROM cursors
ORDER BY consumer_group, topic, partition;

-- name: put
-- An operator's decision, nothing else ever sets a cursor.
INSERT INTO cursors (consumer_group, topic, partition, next_offset, moved_at)
VALUES ($1, $2, $3, $4, clock_timestamp())
ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next_offset = excluded.next_offset, moved_at = excluded.moved_at;
