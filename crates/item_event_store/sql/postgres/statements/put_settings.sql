-- $1: the ledger. Its settings: $2 time_zone, $3 day_start_hour, $4 archived_at.
UPDATE ledgers SET time_zone = $2, day_start_hour = $3, archived_at = $4 WHERE ledger_id = $1
