-- No parameters. The ledger as a list shows it.
SELECT name, created_at, time_zone, day_start_hour, archived_at FROM ledgers WHERE id = 1
