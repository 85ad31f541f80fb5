-- $1: the ledger. $2: the item. $3: the sum of its changes on days before this one.
SELECT coalesce(sum(quantity_change), 0)::bigint FROM item_daily_summary
WHERE ledger_id = $1 AND item_id = $2::bigint AND day < $3
