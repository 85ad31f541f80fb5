-- $1: the ledger. $2: its new epoch. $3: the server that the epoch belongs to.
UPDATE ledgers SET epoch = $2, server = $3 WHERE ledger_id = $1
