-- name: load
SELECT id, dry_run, after, accounts, cap, asked_by, reason, stopped, version, created_on, edited_on
FROM paypal_batches
WHERE id = ANY($1::text[]);

-- name: save
-- What was asked for never changes, only whether it is stopped.
INSERT INTO paypal_batches AS kept
    (id, dry_run, after, accounts, cap, asked_by, reason, stopped, version, created_on, edited_on)
SELECT id, dry_run, after, accounts, cap, asked_by, reason, stopped, version, created_on, edited_on
FROM unnest($1::paypal_batch_in_v1[])
ON CONFLICT (id) DO UPDATE SET
    reason = excluded.reason,
    stopped = excluded.stopped,
    version = excluded.version,
    edited_on = excluded.edited_on
WHERE kept.version < excluded.version;

-- name: take
-- The oldest batch that is not through, for whoever holds its lease: a row of the run is made with the first.
WITH due AS (
    SELECT batches.id
    FROM paypal_batches AS batches LEFT JOIN paypal_batch_runs AS runs ON runs.batch = batches.id
    WHERE NOT batches.stopped AND batches.created_on > statement_timestamp() - $3::interval
      AND runs.finished_at IS NULL
      AND (runs.leased_until IS NULL OR runs.leased_by = $1 OR runs.leased_until < statement_timestamp())
    ORDER BY batches.created_on, batches.id
    LIMIT 1
), taken AS (
    INSERT INTO paypal_batch_runs AS runs (batch, leased_by, leased_until)
    SELECT id, $1, statement_timestamp() + $2::interval FROM due
    ON CONFLICT (batch) DO UPDATE SET leased_by = excluded.leased_by, leased_until = excluded.leased_until
    WHERE runs.leased_by = $1 OR runs.leased_until IS NULL OR runs.leased_until < statement_timestamp()
    RETURNING batch, place, asked
)
SELECT taken.batch, place, asked, dry_run, after, accounts, cap, created_on
FROM taken JOIN paypal_batches ON paypal_batches.id = taken.batch;

-- name: next_named
-- Of accounts that were named: those behind the place, in id order.
SELECT account_id FROM unnest($1::text[]) AS account_id WHERE account_id > $2 ORDER BY account_id LIMIT $3;

-- name: next_vaulted
-- Accounts with something in Braintree's vault, behind the place. By its index.
SELECT DISTINCT account_id
FROM payment_methods
WHERE processor = 'braintree' AND state IN ('active', 'expired') AND account_id > $1
ORDER BY account_id
LIMIT $2;

-- name: next_found
-- Accounts in which a dry run found something to be done, be it only to end what was revoked ($5), behind the place;
-- only those that are named, if any are.
SELECT DISTINCT account_id
FROM paypal_migrations
WHERE batch = $1 AND dry_run AND (state = 'found' OR (state = 'failed' AND why = $5)) AND account_id > $2
  AND (cardinality($3::text[]) = 0 OR account_id = ANY($3::text[]))
ORDER BY account_id
LIMIT $4;

-- name: under_way
-- Accounts of a batch whose command has no outcome yet, and methods that have a step of ours before them: how much is
-- in hand.
SELECT (SELECT count(*) FROM paypal_batch_accounts AS asked
        WHERE batch = $1 AND NOT decided
          AND NOT EXISTS (SELECT FROM journal WHERE journal.command_id = asked.command_id))::integer
       + (SELECT count(*) FROM paypal_migrations
          WHERE batch = $1
            AND (state IN ('examining', 'imported', 'verified', 'rolling_back')
                 OR (state = 'found' AND NOT dry_run AND NOT awaited)))::integer;

-- name: waiting
-- Methods of a batch that wait for somebody else: for Braintree's import, or for their first payment.
SELECT count(*)::integer
FROM paypal_migrations
WHERE batch = $1 AND (awaited OR (state = 'switched' AND new_reference <> old_reference));

-- name: awaited
-- What Braintree is to import for a batch, and for whom.
SELECT account_id, method_id, batch, dry_run, state, old, broken, source, new_reference, awaited, in_vault, switched_on,
       charged, turning, why, asked_back, version, began_on, edited_on
FROM paypal_migrations
WHERE batch = $1 AND awaited
ORDER BY account_id, method_id;

-- name: plan
-- The next accounts, on record before any of them is asked: whoever follows asks these and no others. Whether it was
-- for this worker to say.
WITH moved AS (
    UPDATE paypal_batch_runs
    SET place = $3, asked = asked + cardinality($4::text[]), leased_until = statement_timestamp() + $6::interval,
        finished_at = CASE WHEN $7 THEN statement_timestamp() END
    WHERE batch = $1 AND leased_by = $2 AND finished_at IS NULL
    RETURNING batch
), noted AS (
    INSERT INTO paypal_batch_accounts (batch, account_id, command_id)
    SELECT moved.batch, account_id, command_id
    FROM moved, unnest($4::text[], $5::uuid[]) AS asked (account_id, command_id)
    ON CONFLICT DO NOTHING
)
SELECT count(*) > 0 FROM moved;

-- name: unpublished
SELECT account_id, command_id FROM paypal_batch_accounts WHERE batch = $1 AND NOT decided AND NOT published;

-- name: published
UPDATE paypal_batch_accounts SET published = true WHERE batch = $1 AND account_id = ANY($2::text[]);

-- name: decide
-- By the partial index: only those without a known outcome are looked for in the journal.
UPDATE paypal_batch_accounts AS asked SET decided = true
FROM journal
WHERE asked.batch = $1 AND NOT asked.decided AND journal.command_id = asked.command_id;

-- name: halted
-- Why a batch may not go on, the gravest reason first: letting go does harm, all were stopped, or it was.
SELECT reason FROM (
    SELECT 1 AS rank, reason FROM switches WHERE name = $3 AND "off"
    UNION ALL
    SELECT 2, reason FROM switches WHERE name = $2 AND "off"
    UNION ALL
    SELECT 3, reason FROM paypal_batches WHERE id = $1 AND stopped
) AS reasons
ORDER BY rank
LIMIT 1;

-- name: find
SELECT batches.id, dry_run, after, cardinality(accounts) AS named, cap, asked_by, reason, stopped, version, created_on,
       edited_on, coalesce(asked, 0) AS asked, finished_at
FROM paypal_batches AS batches LEFT JOIN paypal_batch_runs AS runs ON runs.batch = batches.id
WHERE batches.id = $1;

-- name: newest
SELECT batches.id, dry_run, after, cardinality(accounts) AS named, cap, asked_by, reason, stopped, version, created_on,
       edited_on, coalesce(asked, 0) AS asked, finished_at
FROM paypal_batches AS batches LEFT JOIN paypal_batch_runs AS runs ON runs.batch = batches.id
ORDER BY created_on DESC
LIMIT $1;

-- name: counts
-- Methods of a batch by where they stand and what is wrong with them.
SELECT state, broken, count(*)::integer AS methods
FROM paypal_migrations
WHERE batch = $1
GROUP BY state, broken
ORDER BY state, broken;

-- name: outcomes
-- What came of asking: accounts by outcome and code; without an outcome the command is on its way.
SELECT coalesce(journal.outcome, 'pending') AS outcome, journal.code, count(*)::integer AS accounts
FROM paypal_batch_accounts AS asked LEFT JOIN journal ON journal.command_id = asked.command_id
WHERE asked.batch = $1
GROUP BY 1, 2
ORDER BY 1, 2;

-- name: accounts
-- A page of the accounts that were asked, in id order, with what came of it.
SELECT asked.account_id, coalesce(journal.outcome, 'pending') AS outcome, journal.code, journal.answer
FROM paypal_batch_accounts AS asked LEFT JOIN journal ON journal.command_id = asked.command_id
WHERE asked.batch = $1
ORDER BY asked.account_id
LIMIT $2 OFFSET $3;

-- name: methods
-- How far the methods of some accounts have come in a batch.
SELECT account_id, method_id, batch, dry_run, state, old, broken, source, new_reference, awaited, in_vault, switched_on,
       charged, turning, why, asked_back, version, began_on, edited_on
FROM paypal_migrations
WHERE batch = $1 AND account_id = ANY($2::text[])
ORDER BY account_id, method_id;

-- name: moves
-- The methods of a batch that moved last, all or those that stand in one state or belong to one account.
SELECT account_id, method_id, batch, dry_run, state, old, broken, source, new_reference, awaited, in_vault, switched_on,
       charged, turning, why, asked_back, version, began_on, edited_on
FROM paypal_migrations
WHERE batch = $1 AND ($2::text IS NULL OR state = $2) AND ($3::text IS NULL OR account_id = $3)
ORDER BY edited_on DESC, account_id, method_id
LIMIT $4;

-- name: refused
-- Accounts that refused to be looked at, in id order, with the reason.
SELECT asked.account_id, journal.code, journal.answer
FROM paypal_batch_accounts AS asked JOIN journal ON journal.command_id = asked.command_id
WHERE asked.batch = $1 AND journal.outcome = 'refused' AND ($2::text IS NULL OR asked.account_id = $2)
ORDER BY asked.account_id
LIMIT $3;

-- name: waiting_accounts
SELECT DISTINCT account_id
FROM paypal_migrations
WHERE batch = $1 AND (awaited OR (state = 'switched' AND new_reference <> old_reference))
ORDER BY account_id;

-- name: reversible
-- Methods of a batch that are in use and can still be taken back: no later batch rests on what this one left.
SELECT account_id, method_id, batch, dry_run, state, old, broken, source, new_reference, awaited, in_vault, switched_on,
       charged, turning, why, asked_back, version, began_on, edited_on
FROM paypal_migrations
WHERE batch = $1 AND NOT dry_run AND NOT charged
  AND EXISTS (SELECT FROM payment_methods AS methods
              WHERE methods.account_id = paypal_migrations.account_id AND methods.id = method_id
                AND methods.state IN ('active', 'expired'))
  AND NOT EXISTS (SELECT FROM paypal_migrations AS later
                  WHERE later.account_id = paypal_migrations.account_id
                    AND later.method_id = paypal_migrations.method_id
                    AND (later.began_on, later.batch) > (paypal_migrations.began_on, paypal_migrations.batch)
                    AND NOT later.dry_run AND later.state NOT IN ('sound', 'failed', 'rolled_back'))
  AND (state IN ('examining', 'found', 'imported', 'verified') OR (state = 'switched' AND in_vault))
ORDER BY account_id, method_id;
