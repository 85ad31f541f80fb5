-- No parameters. Rows for the session's ledger.
COPY item_inventory (
  item_id, quantity, version, last_event_id, created_at, updated_at)
FROM STDIN
