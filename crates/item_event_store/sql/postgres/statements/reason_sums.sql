-- $1: the ledger. $2: the item.
SELECT reason, kind, count(*), sum(quantity_change)::bigint FROM item_event_store
WHERE ledger_id = $1 AND item_id = $2::bigint GROUP BY reason, kind
