-- name: begin
INSERT INTO repairs (id, share, cap, accounts, asked_by, reason) VALUES ($1, $2, $3, $4, $5, $6);

-- name: count
UPDATE repairs SET applied = applied + $2, refused = refused + $3 WHERE id = $1;

-- name: finish
UPDATE repairs SET state = $2, finished_at = statement_timestamp() WHERE id = $1 AND state = 'running';

-- name: listed
-- `left` is what is still open of what a run was asked to end; what no repair ends ($3) does not count, nor do accounts
-- that share a customer.
SELECT id, share, cap, accounts, applied, refused, state, asked_by, reason, started_at, finished_at,
       (
           SELECT count(*) FROM drift
           WHERE drift.id IN (
                   SELECT drift_id FROM repaired_fields WHERE run = repairs.id
                   UNION
                   SELECT former.id FROM drift AS former WHERE former.repair = repairs.id
               )
             AND closed_at IS NULL AND cause <> ALL ($3::text[])
             AND NOT EXISTS (SELECT FROM sharing_accounts AS sharing WHERE sharing.account_id = drift.account_id)
       ) AS "left"
FROM repairs
WHERE started_at > statement_timestamp() - $1::interval
ORDER BY started_at DESC
LIMIT $2;
