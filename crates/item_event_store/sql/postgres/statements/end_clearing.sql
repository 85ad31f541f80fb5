-- $1: the ledger. When there is no row left.
UPDATE summaries SET clearing = false
WHERE ledger_id = $1 AND NOT EXISTS (SELECT FROM item_daily_summary WHERE ledger_id = $1)
