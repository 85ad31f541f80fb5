-- COPY takes no parameters: the ledger's name replaces LEDGER.
COPY (SELECT id, name, sku, unit, allow_negative, archived_at, created_at, updated_at, revision
  FROM items WHERE ledger_id = 'LEDGER' ORDER BY id) TO STDOUT
