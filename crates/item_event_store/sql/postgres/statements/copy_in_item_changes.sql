-- No parameters. Rows for the session's ledger.
COPY item_changes (
  revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at)
FROM STDIN
