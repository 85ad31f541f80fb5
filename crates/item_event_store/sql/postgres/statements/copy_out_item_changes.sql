-- COPY takes no parameters: the ledger's name replaces LEDGER.
COPY (SELECT revision, item_id, action, actor, position,
  name, sku, unit, allow_negative, archived_at, created_at, updated_at
  FROM item_changes WHERE ledger_id = 'LEDGER' ORDER BY revision) TO STDOUT
