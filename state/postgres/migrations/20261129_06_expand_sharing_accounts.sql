-- Which accounts share a Stripe customer: said once for the report and for repairs.
-- depends: 20261129_05_expand_kept_repairs

-- migrate: apply

-- Known to be merged, or linked to the same customer at this moment.
CREATE VIEW sharing_accounts AS
SELECT mine.account_id
FROM stripe_customers AS mine
WHERE mine.merged
   OR EXISTS (
       SELECT FROM stripe_customers AS other
       WHERE other.customer_id = mine.customer_id AND other.account_id <> mine.account_id
   );

-- migrate: rollback
DROP VIEW sharing_accounts;
