-- name: add
-- One open row per coalescing key: asking again raises its generation and lets it run at once. Payloads are
-- merged: what was asked for once holds until the work is done. Positions rise along the array, under the lock of
-- the account: they are the order of decisions, whatever the clocks of those who made the ids.
-- What settles is put off by each that asks again, up to four pauses after the first; behind a run that is under way
-- it begins anew.
INSERT INTO effects AS open (
    account_id, id, kind, target, coalesce_key, payload, cause, reply_to, due_at, urgency, settles_until, created_at
)
SELECT account_id, id, kind, target, coalesce_key, payload, cause, reply_to,
       statement_timestamp() + coalesce(after, '0') + coalesce(quiet, '0'), urgency,
       statement_timestamp() + coalesce(after, '0') + 4 * quiet, statement_timestamp()
FROM unnest($1::effect_in_v3[]) WITH ORDINALITY AS owed (
    account_id, id, kind, target, coalesce_key, payload, cause, reply_to, after, urgency, quiet, place
)
ORDER BY account_id, place
ON CONFLICT (account_id, target, kind, coalesce_key) WHERE state = 'open' AND coalesce_key IS NOT NULL
DO UPDATE SET
    generation = open.generation + 1,
    payload = (open.payload::jsonb || excluded.payload::jsonb)::text,
    cause = excluded.cause,
    attempts = 0,
    urgency = least(open.urgency, excluded.urgency),
    due_at = CASE
        WHEN excluded.settles_until IS NULL THEN least(open.due_at, excluded.due_at)
        WHEN open.leased_until >= statement_timestamp() THEN excluded.due_at
        WHEN open.attempts = 0 AND open.due_at > statement_timestamp()
            THEN least(excluded.due_at, greatest(open.due_at, open.settles_until))
        ELSE least(open.due_at, excluded.due_at)
    END,
    settles_until = CASE
        WHEN excluded.settles_until IS NULL THEN NULL
        WHEN open.leased_until >= statement_timestamp() THEN excluded.settles_until
        WHEN open.attempts = 0 AND open.due_at > statement_timestamp() THEN open.settles_until
        ELSE excluded.settles_until
    END;

-- name: hurry
-- What stands before awaited work has its urgency, and settles no longer: it would hold that up. By the primary key: of
-- the partial indexes any looks right while all are empty, and the plan lasts.
UPDATE effects
SET urgency = 0, settles_until = NULL,
    due_at = CASE
        WHEN settles_until IS NOT NULL AND attempts = 0 THEN least(due_at, statement_timestamp()) ELSE due_at
    END
WHERE account_id = ANY($1::text[]) AND state <> 'done' AND finished_at IS NULL
  AND (urgency > 0 OR settles_until IS NOT NULL)
  AND EXISTS (
      SELECT FROM unnest($1::text[], $2::text[]) AS awaited (account_id, target)
      WHERE awaited.account_id = effects.account_id AND awaited.target = effects.target
  );

-- name: lock_claims
-- Claims follow one another in the whole fleet: each sees the leases of those before it, so that two
-- effects of one account and target are never worked on at once.
SELECT pg_advisory_xact_lock($1);

-- name: claim
-- The oldest due effects, the most urgent first, none of them behind an older open one of the same account and target
-- nor beside one that is worked on. The candidates come off the partial index on urgency and due_at. All times are the
-- database's.
WITH candidate AS (
    SELECT account_id, id
    FROM effects AS mine
    WHERE state = 'open'
      AND urgency BETWEEN $5 AND $6
      AND due_at <= statement_timestamp()
      AND (leased_until IS NULL OR leased_until < statement_timestamp())
      AND kind = ANY($4::text[])
      AND NOT EXISTS (
          SELECT FROM effects AS other
          WHERE other.account_id = mine.account_id
            AND other.target = mine.target
            AND other.state = 'open'
            AND other.id <> mine.id
            AND ((other.position, other.id) < (mine.position, mine.id) OR other.leased_until >= statement_timestamp())
      )
    ORDER BY urgency, due_at
    LIMIT $3
    FOR UPDATE SKIP LOCKED
)
UPDATE effects
SET leased_by = $1, leased_until = statement_timestamp() + $2::interval, attempts = attempts + 1
FROM candidate
WHERE effects.account_id = candidate.account_id AND effects.id = candidate.id
RETURNING effects.account_id, effects.id, kind, target, payload, cause, generation, attempts,
          created_at, leased_until, reply_to, urgency;

-- name: read_again
-- Claimed work as it stands now, in the snapshot of whoever works on it.
SELECT account_id, id, kind, target, payload, cause, generation, attempts, created_at, leased_until, reply_to,
       urgency
FROM effects
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open';

-- name: extend
-- What is not returned was taken over by somebody else.
UPDATE effects
SET leased_until = statement_timestamp() + $1::interval
FROM unnest($2::text[], $3::uuid[], $4::text[]) AS held (account_id, id, worker)
WHERE effects.account_id = held.account_id AND effects.id = held.id
  AND leased_by = held.worker AND state = 'open'
RETURNING effects.id;

-- name: finish
-- Done or failed, unless more was asked for meanwhile: then it stays open and runs again, when that has settled. A finished row
-- speaks for earlier failures of its coalescing key, which count as settled.
WITH finished AS (
    UPDATE effects
    SET state = CASE WHEN generation = $4 THEN $5 ELSE 'open' END,
        finished_at = CASE WHEN generation = $4 THEN statement_timestamp() END,
        due_at = CASE WHEN generation = $4 THEN due_at ELSE greatest(due_at, statement_timestamp()) END,
        attempts = CASE WHEN generation = $4 THEN attempts ELSE 0 END,
        last_error = $6, leased_by = NULL, leased_until = NULL
    WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open'
    RETURNING account_id, id, kind, target, coalesce_key, state
), settled AS (
    UPDATE effects AS failed
    SET state = 'done'
    FROM finished
    WHERE failed.account_id = finished.account_id AND failed.target = finished.target
      AND failed.kind = finished.kind AND failed.coalesce_key = finished.coalesce_key
      AND failed.state = 'failed' AND finished.state <> 'open' AND failed.id <> finished.id
)
SELECT state FROM finished;

-- name: retry_later
-- At once, or when it has settled, if more was asked for meanwhile. An attempt that was not one (held back, not sent) is not counted. What gives
-- way goes behind all that is owed by now.
UPDATE effects
SET due_at = CASE
        WHEN generation = $4 THEN statement_timestamp() + $5::interval ELSE greatest(due_at, statement_timestamp())
    END,
    attempts = greatest(0, attempts - $6::integer),
    position = CASE WHEN $8 THEN nextval('effects_position') ELSE position END,
    last_error = $7, leased_by = NULL, leased_until = NULL
WHERE account_id = $1 AND id = $2 AND leased_by = $3 AND state = 'open';

-- name: reopen
-- An operator tries failed work again, or open work at once. It counts as asked for anew, so that no key
-- derived from the generation repeats an old answer.
UPDATE effects AS failed
SET state = 'open', due_at = statement_timestamp(), attempts = 0, finished_at = NULL, generation = generation + 1
WHERE (failed.id = $1 OR ($1 IS NULL AND failed.state = 'failed'))
  AND failed.state <> 'done'
  AND NOT EXISTS (
      SELECT FROM effects AS open
      WHERE open.account_id = failed.account_id AND open.target = failed.target AND open.kind = failed.kind
        AND open.coalesce_key = failed.coalesce_key AND open.state = 'open' AND open.id <> failed.id
  )
RETURNING id;

-- name: listed
SELECT account_id, id, kind, target, state, attempts, generation, urgency, due_at, leased_by, leased_until,
       last_error, created_at
FROM effects
WHERE state = ANY($1::text[])
ORDER BY created_at
LIMIT $2;

-- name: backlog
-- Two partial indexes, so that finished work costs nothing.
SELECT target, kind, state, count(*) AS depth,
       coalesce(extract(epoch FROM statement_timestamp() - min(created_at)), 0)::float8 AS oldest
FROM (
    SELECT target, kind, state, created_at FROM effects WHERE state = 'open'
    UNION ALL
    SELECT target, kind, state, created_at FROM effects WHERE state = 'failed'
) AS unfinished
GROUP BY target, kind, state;

-- name: open_of
-- The open or failed work of some accounts, for their billing state. Ranges of the primary key.
SELECT account_id, id, kind, target, state, attempts, due_at, last_error, created_at
FROM effects
WHERE account_id = ANY($1::text[]) AND state <> 'done'
ORDER BY account_id, position, id;

-- name: purge
-- The oldest finished work, a bounded number of rows at a time.
DELETE FROM effects
USING (
    SELECT account_id, id FROM effects
    WHERE state = 'done' AND finished_at < $1
    ORDER BY finished_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
) AS old
WHERE effects.account_id = old.account_id AND effects.id = old.id;
