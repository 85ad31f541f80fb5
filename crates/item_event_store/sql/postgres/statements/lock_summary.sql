-- $1: the ledger. Its row of summaries, locked until the transaction ends.
SELECT position, time_zone, day_start_hour, clearing FROM summaries WHERE ledger_id = $1 FOR UPDATE
