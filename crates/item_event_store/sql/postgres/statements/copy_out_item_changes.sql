-- No parameters. The rows of the session's ledger.
COPY (SELECT revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at
  FROM item_changes WHERE ledger_id = current_setting('ies.ledger') ORDER BY revision) TO STDOUT
