-- $1: the ledger. $2: its time zone. $3: the hour at which its business day starts.
UPDATE ledgers SET time_zone = $2, day_start_hour = $3 WHERE ledger_id = $1
