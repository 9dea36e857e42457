-- name: record
-- What was found of an account in one look at some processors: new rows, rows seen again, and rows that are over.
-- Only while the account is as it was compared ($4). Of one that was erased no values are kept: they would be a person's.
WITH compared AS (
    SELECT id, erased_on IS NOT NULL AS erased FROM accounts WHERE id = $1 AND version = $4 FOR SHARE
), found AS (
    INSERT INTO drift AS kept (account_id, processor, field, ours, theirs, cause, since, seen_at)
    SELECT given.account_id, given.processor, given.field,
           CASE WHEN NOT compared.erased THEN given.ours END, CASE WHEN NOT compared.erased THEN given.theirs END,
           given.cause, statement_timestamp(), statement_timestamp()
    FROM unnest($2::drift_in_v1[]) AS given JOIN compared ON compared.id = given.account_id
    ON CONFLICT (account_id, field) WHERE closed_at IS NULL DO UPDATE SET
        ours = excluded.ours,
        theirs = excluded.theirs,
        cause = excluded.cause,
        looks = kept.looks + 1,
        seen_at = excluded.seen_at
    RETURNING kept.id, kept.looks
), passed AS (
    DELETE FROM drift
    USING compared
    WHERE account_id = compared.id AND processor = ANY($3::text[]) AND closed_at IS NULL AND looks = 1
      AND repair IS NULL AND field <> ALL (SELECT given.field FROM unnest($2::drift_in_v1[]) AS given)
), closed AS (
    UPDATE drift SET closed_at = statement_timestamp()
    FROM compared
    WHERE account_id = compared.id AND processor = ANY($3::text[]) AND closed_at IS NULL
      AND (looks > 1 OR repair IS NOT NULL)
      AND field <> ALL (SELECT given.field FROM unnest($2::drift_in_v1[]) AS given)
    RETURNING drift.id
)
SELECT (SELECT count(*) FROM found WHERE looks = 2) AS confirmed, (SELECT count(*) FROM closed) AS closed;

-- name: look_later
-- Something is on its way: a difference would mean nothing yet.
WITH seen AS (
    UPDATE drift SET seen_at = statement_timestamp() WHERE account_id = $1 AND closed_at IS NULL
)
INSERT INTO drift_suspects (account_id, due_at) VALUES ($1, statement_timestamp() + $2::interval)
ON CONFLICT (account_id) DO UPDATE SET due_at = excluded.due_at;

-- name: looked
DELETE FROM drift_suspects WHERE account_id = $1;

-- name: due
-- Accounts to look at again: suspects whose time has come, those that a repair or a reading was asked for, and others the less
-- often the longer a difference stands.
SELECT account_id FROM (
    SELECT account_id, min(seen_at) AS waiting_since
    FROM drift
    WHERE closed_at IS NULL
      AND seen_at < statement_timestamp() - CASE
          WHEN greatest(repair_asked_at, read_asked_at) > seen_at THEN least(interval '1 second', $1::interval)
          ELSE greatest($1::interval, least((seen_at - since) / 4, interval '6 hours'))
      END
      AND NOT EXISTS (SELECT FROM drift_suspects WHERE drift_suspects.account_id = drift.account_id)
    GROUP BY account_id
    UNION ALL
    SELECT account_id, due_at FROM drift_suspects WHERE due_at <= statement_timestamp()
) AS due
ORDER BY waiting_since
LIMIT $2;

-- name: differs_at
SELECT EXISTS (SELECT FROM drift WHERE account_id = $1 AND processor = $2 AND closed_at IS NULL);

-- name: unread
-- What was found more than once and was never read for itself; nothing while the switch is off.
SELECT id, processor, field, ours, theirs, cause
FROM drift
WHERE account_id = $1 AND closed_at IS NULL AND looks > 1 AND cause = $2 AND read_asked_at IS NULL
  AND NOT EXISTS (SELECT FROM switches WHERE name = $3 AND "off");

-- name: note_read
UPDATE drift SET read_asked_at = statement_timestamp() WHERE id = ANY($1::bigint[]);

-- name: open
-- The report: what differs now and was found more than once, oldest first.
SELECT account_id, processor, field, ours, theirs, cause, since, seen_at, repair, repair_asked_at, read_asked_at
FROM drift
WHERE closed_at IS NULL AND looks > 1
  AND (cardinality($1::text[]) = 0 OR cause = ANY($1::text[]))
  AND ($2::text IS NULL OR starts_with(field, $2::text))
ORDER BY since, account_id, field
LIMIT $3;

-- name: summary
-- The part of a field that has no ids in it; how a subscription is collected is one by itself.
SELECT processor,
       CASE split_part(field, '.', 3) WHEN 'collection_method' THEN 'collection_method' ELSE split_part(field, '.', 1) END
           AS part,
       cause, count(*) AS fields, count(DISTINCT account_id) AS accounts,
       min(since) AS oldest
FROM drift
WHERE closed_at IS NULL AND looks > 1
GROUP BY 1, 2, 3
ORDER BY fields DESC, 1, 2, 3;

-- name: drifting
SELECT count(DISTINCT account_id) FROM drift WHERE closed_at IS NULL AND looks > 1;

-- name: of_account
-- An account's open differences and its history, newest last.
SELECT processor, field, ours, theirs, cause, looks, since, seen_at, repair, repair_asked_at, closed_at
FROM drift
WHERE account_id = $1 AND (looks > 1 OR repair IS NOT NULL)
ORDER BY id;

-- name: repairable
-- Accounts of a share of all: the same accounts are in each larger share. Left out are those asked for already, unless
-- with $6; those that differ only in what no repair ends ($5); and those that share a customer, which are refused.
SELECT account_id
FROM drift
WHERE closed_at IS NULL AND looks > 1
  AND cause <> ALL ($5::text[])
  AND (cardinality($1::text[]) = 0 OR cause = ANY($1::text[]))
  AND ($2::text IS NULL OR account_id = $2)
  AND abs(hashtextextended(account_id, 7)) % 100 < $3
  AND NOT EXISTS (SELECT FROM sharing_accounts AS sharing WHERE sharing.account_id = drift.account_id)
GROUP BY account_id
HAVING $6 OR bool_and(repair_asked_at IS NULL OR repair_asked_at < statement_timestamp() - interval '15 minutes')
ORDER BY min(since), account_id
LIMIT $4;

-- name: left_out
-- Accounts of the same choice that no repair ends ($4), by why.
SELECT cause, count(*) AS accounts
FROM (
    SELECT account_id, CASE WHEN bool_or(shared) THEN 'merged' ELSE min(cause) END AS cause
    FROM drift
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM sharing_accounts AS sharing WHERE sharing.account_id = drift.account_id) AS shared
    ) AS link
    WHERE closed_at IS NULL AND looks > 1
      AND (cardinality($1::text[]) = 0 OR cause = ANY($1::text[]))
      AND ($2::text IS NULL OR account_id = $2)
      AND abs(hashtextextended(account_id, 7)) % 100 < $3
    GROUP BY account_id
    HAVING bool_or(shared) OR bool_and(cause = ANY($4::text[]))
) AS kept
GROUP BY cause
ORDER BY cause;

-- name: open_of
SELECT account_id, processor, field, ours, theirs, cause, since, seen_at, repair, repair_asked_at, read_asked_at
FROM drift
WHERE account_id = ANY($1::text[]) AND closed_at IS NULL AND looks > 1
ORDER BY account_id, field;

-- name: asked
-- What stood on both sides is kept with the run. An erasure holds the account, and finds what was kept before it.
WITH held AS (
    SELECT id FROM accounts WHERE id = ANY($2::text[]) ORDER BY id FOR SHARE
), asked AS (
    UPDATE drift SET repair = $1, repair_asked_at = statement_timestamp()
    FROM held
    WHERE account_id = held.id AND closed_at IS NULL AND looks > 1
    RETURNING drift.id, account_id, processor, field, ours, theirs, cause, since, repair_asked_at
)
INSERT INTO repaired_fields (drift_id, run, account_id, processor, field, ours, theirs, cause, since, asked_at)
SELECT id, $1, account_id, processor, field, ours, theirs, cause, since, repair_asked_at FROM asked
ON CONFLICT (run, drift_id) DO NOTHING;

-- name: ask_again
-- Their repair was refused, or never got out: they may be asked for at once. What stood there stays with the run.
UPDATE drift SET repair_asked_at = NULL WHERE account_id = ANY($2::text[]) AND repair = $1 AND closed_at IS NULL;

-- name: of_repair
-- What stood on both sides before a repair: all that is needed to undo it. Of runs of the release before, what the
-- report still has.
SELECT kept.account_id, kept.processor, kept.field, kept.ours, kept.theirs, kept.cause, kept.since, drift.closed_at
FROM repaired_fields AS kept LEFT JOIN drift ON drift.id = kept.drift_id
WHERE kept.run = $1
UNION ALL
SELECT account_id, processor, field, ours, theirs, cause, since, closed_at
FROM drift
WHERE repair = $1 AND NOT EXISTS (SELECT FROM repaired_fields WHERE run = $1)
ORDER BY account_id, field;

-- name: stray
INSERT INTO stray_customers AS kept (customer_id, account_id, linked_to, created_on, since, seen_at)
SELECT customer_id, account_id, linked_to, created_on, statement_timestamp(), statement_timestamp()
FROM unnest($1::stray_in_v1[])
ON CONFLICT (customer_id) DO UPDATE SET
    account_id = excluded.account_id,
    linked_to = excluded.linked_to,
    seen_at = excluded.seen_at;

-- name: strays
-- One that an account was linked to meanwhile is none any more.
SELECT customer_id, account_id, linked_to, created_on, since, seen_at
FROM stray_customers AS stray
WHERE NOT EXISTS (SELECT FROM stripe_customers WHERE stripe_customers.customer_id = stray.customer_id)
ORDER BY since, customer_id
LIMIT $1;

-- name: count_strays
SELECT count(*) FROM stray_customers AS stray
WHERE NOT EXISTS (SELECT FROM stripe_customers WHERE stripe_customers.customer_id = stray.customer_id);

-- name: forget_strays
-- What a whole walk over Stripe's customers did not find again, and what was linked.
DELETE FROM stray_customers AS stray
WHERE seen_at < $1
   OR EXISTS (SELECT FROM stripe_customers WHERE stripe_customers.customer_id = stray.customer_id);

-- name: forget_stray
DELETE FROM stray_customers WHERE customer_id = $1;

-- name: forget
-- What the report quoted of an account; that something differed stays.
UPDATE drift
SET ours = NULL, theirs = NULL
WHERE account_id = ANY($1::text[]) AND (ours IS NOT NULL OR theirs IS NOT NULL);

-- name: forget_kept
-- What runs of repairs quoted of it.
UPDATE repaired_fields
SET ours = NULL, theirs = NULL
WHERE account_id = ANY($1::text[]) AND (ours IS NOT NULL OR theirs IS NOT NULL);

-- name: purge
WITH undone AS (
    DELETE FROM repaired_fields
    WHERE (run, drift_id) IN (
        SELECT run, drift_id FROM repaired_fields
        WHERE asked_at < statement_timestamp() - $1::interval ORDER BY asked_at LIMIT 5000
    )
)
DELETE FROM drift
WHERE id IN (SELECT id FROM drift WHERE closed_at < statement_timestamp() - $1::interval ORDER BY closed_at LIMIT 5000);
