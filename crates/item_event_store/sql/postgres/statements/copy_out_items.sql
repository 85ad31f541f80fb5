-- No parameters. The rows of the session's ledger.
COPY (SELECT id, name, sku, unit, allow_negative, archived_at, created_at, updated_at, revision
  FROM items WHERE ledger_id = current_setting('ies.ledger') ORDER BY id) TO STDOUT
