-- The ledger's settings: ?1 time_zone, ?2 day_start_hour, ?3 archived_at.
UPDATE ledgers SET time_zone = ?1, day_start_hour = ?2, archived_at = ?3 WHERE id = 1
