-- $1: the ledger. $2: items that do not exist.
DELETE FROM item_inventory WHERE ledger_id = $1 AND item_id = ANY ($2::bigint[])
