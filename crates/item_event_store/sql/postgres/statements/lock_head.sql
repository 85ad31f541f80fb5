-- $1: the ledger. Its row, locked until the transaction ends; then the server that its epoch belongs
-- to, and this one. A statement of its own: what comes after it sees what was committed while it
-- waited.
SELECT position, epoch, items_revision, counts_revision, last_request_id, last_created_at,
  time_zone, day_start_hour, archived_at, created_at, server, ies_server()
FROM ledgers WHERE ledger_id = $1 FOR UPDATE
