-- $1: its name. $2, $3, $4: its settings. It begins empty, with an epoch of its own.
INSERT INTO ledgers (ledger_id, time_zone, day_start_hour, archived_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (ledger_id) DO NOTHING
