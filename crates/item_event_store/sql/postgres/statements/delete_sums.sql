-- $1: the ledger. $2: how many rows.
DELETE FROM item_daily_summary WHERE ledger_id = $1 AND (day, item_id, reason, kind) IN (
  SELECT day, item_id, reason, kind FROM item_daily_summary WHERE ledger_id = $1
  ORDER BY day, item_id, reason, kind LIMIT $2)
