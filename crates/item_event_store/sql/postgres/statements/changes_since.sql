-- $1: the ledger. $2: the item. $3: a time. $4: a position at or before which nothing took effect
-- later than that.
SELECT coalesce(sum(quantity_change), 0)::bigint FROM item_event_store
WHERE ledger_id = $1 AND item_id = $2::bigint AND id > $4 AND coalesce(occurred_at, created_at) > $3
