-- $1: the ledger. $2: the sku.
SELECT id FROM items WHERE ledger_id = $1 AND sku = $2
