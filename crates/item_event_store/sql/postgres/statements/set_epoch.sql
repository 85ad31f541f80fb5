-- $1: the ledger, which gets a new epoch that belongs to this server.
UPDATE ledgers SET epoch = DEFAULT, server = DEFAULT WHERE ledger_id = $1
