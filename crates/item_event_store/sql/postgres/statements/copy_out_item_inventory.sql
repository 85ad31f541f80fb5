-- No parameters. The rows of the session's ledger.
COPY (SELECT item_id, quantity, version, last_event_id, created_at, updated_at
  FROM item_inventory WHERE ledger_id = current_setting('ies.ledger') ORDER BY item_id) TO STDOUT
