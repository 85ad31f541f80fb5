-- No parameters. The rows of the session's ledger.
COPY (SELECT id, key, hash, actor, created_at, position, outcome
  FROM requests WHERE ledger_id = current_setting('ies.ledger') ORDER BY id) TO STDOUT
