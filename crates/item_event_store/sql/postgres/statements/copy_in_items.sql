-- No parameters. Rows for the session's ledger.
COPY items (
  id, name, sku, unit, allow_negative, archived_at, created_at, updated_at, revision)
FROM STDIN
