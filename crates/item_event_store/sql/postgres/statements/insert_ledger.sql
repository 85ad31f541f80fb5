-- $1: its name. $2: its epoch. $3: the server. $4: when it is made. $5, $6, $7: its settings.
INSERT INTO ledgers (
  ledger_id, epoch, server, created_at, time_zone, day_start_hour, archived_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (ledger_id) DO NOTHING
