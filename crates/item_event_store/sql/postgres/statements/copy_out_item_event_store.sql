-- COPY takes no parameters: the ledger's name replaces LEDGER.
COPY (SELECT id, item_id, quantity_change, reason, created_at, version, quantity_after, kind, occurred_at,
  actor, reference, note, corrects_event_id, request_id
  FROM item_event_store WHERE ledger_id = 'LEDGER' ORDER BY id) TO STDOUT
