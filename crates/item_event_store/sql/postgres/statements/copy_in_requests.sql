-- No parameters. Rows for the session's ledger.
COPY requests (
  id, key, hash, actor, created_at, position, outcome)
FROM STDIN
