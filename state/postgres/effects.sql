-- name: add
-- One open row per coalescing key: asking again raises its generation and lets it run at once.
INSERT INTO effects AS open
    (account_id, id, kind, target, coalesce_key, payload, cause, due_at, created_at)
SELECT account_id, id, kind, target, coalesce_key, payload, cause, due_at, due_at
FROM unnest($1::effect_in_v1[])
ORDER BY account_id, id
ON CONFLICT (account_id, target, kind, coalesce_key) WHERE state = 'open' AND coalesce_key IS NOT NULL
DO UPDATE SET
    generation = open.generation + 1,
    payload = excluded.payload,
    cause = excluded.cause,
    attempts = 0,
    due_at = least(open.due_at, excluded.due_at);

-- name: claim
-- The oldest due effects that nobody works on, none of them behind an older open one of the same
-- account and target. The candidate rows come off the partial index on due_at.
WITH candidate AS (
    SELECT account_id, id
    FROM effects AS mine
    WHERE state = 'open'
      AND due_at <= $4
      AND (leased_until IS NULL OR leased_until < $4)
      AND kind = ANY($5::text[])
      AND NOT EXISTS (
          SELECT FROM effects AS older
          WHERE older.account_id = mine.account_id
            AND older.target = mine.target
            AND older.state = 'open'
            AND older.id < mine.id
      )
    ORDER BY due_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE effects
SET leased_by = $1, leased_until = $4::timestamptz + $2::interval, attempts = attempts + 1
FROM candidate
WHERE effects.account_id = candidate.account_id AND effects.id = candidate.id
RETURNING effects.account_id, effects.id, kind, target, payload, progress, cause, generation, attempts, created_at;

-- name: extend
UPDATE effects SET leased_until = $3
WHERE leased_by = $1 AND state = 'open' AND id = ANY($2::uuid[]);

-- name: note_progress
-- A recovery point: written before the call it describes.
UPDATE effects SET progress = $4
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open';

-- name: finish
-- Done, unless more was asked for meanwhile: then it stays open and runs again. `progress` goes with a
-- finished row: what it held is told by the result.
UPDATE effects
SET state = CASE WHEN generation = $4 THEN $5 ELSE 'open' END,
    finished_at = CASE WHEN generation = $4 THEN $7::timestamptz END,
    due_at = CASE WHEN generation = $4 THEN due_at ELSE $7 END,
    attempts = CASE WHEN generation = $4 THEN attempts ELSE 0 END,
    last_error = $6, leased_by = NULL, leased_until = NULL, progress = NULL
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open'
RETURNING id;

-- name: retry_later
UPDATE effects
SET due_at = $4, last_error = $5, leased_by = NULL, leased_until = NULL
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open';

-- name: reopen
-- An operator tries failed work again, or open work at once.
UPDATE effects AS failed
SET state = 'open', due_at = clock_timestamp(), attempts = 0, finished_at = NULL
WHERE (failed.id = $1 OR ($1 IS NULL AND failed.state = 'failed'))
  AND failed.state <> 'done'
  AND NOT EXISTS (
      SELECT FROM effects AS open
      WHERE open.account_id = failed.account_id AND open.target = failed.target AND open.kind = failed.kind
        AND open.coalesce_key = failed.coalesce_key AND open.state = 'open' AND open.id <> failed.id
  )
RETURNING id;

-- name: listed
SELECT account_id, id, kind, target, state, attempts, generation, due_at, leased_by, leased_until,
       last_error, created_at
FROM effects
WHERE state = ANY($1::text[])
ORDER BY created_at
LIMIT $2;

-- name: backlog
SELECT target, state, count(*) AS depth,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS oldest
FROM effects
WHERE state <> 'done'
GROUP BY target, state;

-- name: open_of
-- The open or failed work of one account, for its billing state.
SELECT id, kind, target, state, attempts, due_at, last_error, created_at
FROM effects
WHERE account_id = $1 AND state <> 'done'
ORDER BY id;

-- name: purge
DELETE FROM effects WHERE state = 'done' AND finished_at < $1;
