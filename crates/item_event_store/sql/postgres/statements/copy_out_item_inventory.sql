-- COPY takes no parameters: the ledger's name replaces LEDGER.
COPY (SELECT item_id, quantity, version, last_event_id, created_at, updated_at
  FROM item_inventory WHERE ledger_id = 'LEDGER' ORDER BY item_id) TO STDOUT
