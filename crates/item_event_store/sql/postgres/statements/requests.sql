-- $1: the ledger. $2: the keys.
SELECT id, key, hash, actor, created_at, position, outcome FROM requests
WHERE ledger_id = $1 AND key = ANY ($2::text[])
