-- $1: the ledger. $2, $3: the time zone and the hour that the summary is to be made for.
UPDATE summaries SET position = 0, clearing = true, time_zone = $2, day_start_hour = $3
WHERE ledger_id = $1
