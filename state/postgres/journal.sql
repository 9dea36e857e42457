-- name: known
-- Which commands have an outcome already, and which. The ids prune to the days they were made.
SELECT command_id, account_id, outcome, code, answer
FROM journal
WHERE command_id = ANY($1::uuid[]);

-- name: record
-- A row that is not counted was recorded by another lane meanwhile.
INSERT INTO journal
    (command_id, account_id, type, lane, actor, actor_role, surface, causation_id,
     outcome, code, answer, body, decided_at)
SELECT command_id, account_id, type, lane, actor, actor_role, surface, causation_id,
       outcome, code, answer, body, $2
FROM unnest($1::journal_in_v1[])
ON CONFLICT (command_id) DO NOTHING;

-- name: forget
-- Under the accounts' locks, and before this batch's own rows are written. By the timeline index of each day.
UPDATE journal
SET body = NULL, answer = NULL
WHERE account_id = ANY($1::text[]) AND (body IS NOT NULL OR answer IS NOT NULL);

-- name: find
SELECT command_id, account_id, type, lane, actor, actor_role, surface, causation_id,
       outcome, code, answer, decided_at
FROM journal
WHERE command_id = $1;

-- name: add_day
SELECT add_journal_day($1::date, $2::uuid, $3::uuid);
