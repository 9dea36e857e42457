-- name: scrub_journal
-- Everything decided in earlier batches, and what stands before the erasure in its own batch.
UPDATE journal
SET body = NULL, answer = NULL
FROM unnest($1::text[], $2::timestamptz[], $3::uuid[]) AS erased (account_id, at, command_id)
WHERE journal.account_id = erased.account_id
  AND (journal.decided_at < erased.at OR journal.command_id < erased.command_id)
  AND (journal.body IS NOT NULL OR journal.answer IS NOT NULL);
