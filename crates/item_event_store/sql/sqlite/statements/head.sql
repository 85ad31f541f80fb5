-- No parameters. The row of ledgers.
SELECT position, epoch, items_revision, counts_revision, last_request_id, last_created_at,
  time_zone, day_start_hour, archived_at, created_at
FROM ledgers WHERE id = 1
