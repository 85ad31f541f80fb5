-- $1: its name. $2: its epoch. $3: the server. $4: when it is made.
INSERT INTO ledgers (ledger_id, epoch, server, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (ledger_id) DO NOTHING
