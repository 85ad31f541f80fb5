-- No parameters. Every ledger as a list shows it.
SELECT ledger_id, created_at, time_zone, day_start_hour, archived_at FROM ledgers ORDER BY ledger_id
