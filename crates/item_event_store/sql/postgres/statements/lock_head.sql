-- $1: the ledger. Its row, locked until the transaction ends; then the server that its epoch belongs
-- to, and the one that has the row, which a session that has appended knows; then what is off there as
-- in durability.sql. A statement of its own: what comes after it sees what was committed while it
-- waited.
SELECT position, epoch, items_revision, counts_revision, last_request_id, last_created_at,
  time_zone, day_start_hour, archived_at, created_at, server,
  coalesce(nullif(current_setting('ies.server', true), ''), ies_server()),
  concat_ws(', ',
    CASE current_setting('fsync') WHEN 'off' THEN 'fsync' END,
    CASE current_setting('full_page_writes') WHEN 'off' THEN 'full_page_writes' END,
    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'synchronous_commit' END)
FROM ledgers WHERE ledger_id = $1 FOR UPDATE
